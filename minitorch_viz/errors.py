"""Every error the package raises on purpose, and the sentences that suggest near names and check whole numbers.

Each message is a sentence that says what was given, what is needed, and what to do about it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from operator import index
from typing import SupportsIndex


class MinitorchVizError(Exception):
    """Be the base of all errors raised on purpose; catching it catches them all."""


class ShapeError(MinitorchVizError, ValueError):
    """Report an array with the wrong number of axes, the wrong sizes, or the wrong dtype."""


class SettingError(MinitorchVizError, ValueError):
    """Report an argument with a value outside what it may be."""


class NetError(MinitorchVizError, ValueError):
    """Report nodes that do not fit together, or a name that is not in the net."""


class NotDifferentiableError(MinitorchVizError, TypeError):
    """Report that a gradient was asked for where none exists (word indices, an argmax)."""


class WeightsFileError(MinitorchVizError, ValueError):
    """Report a weights file that is missing, damaged, unsafe or does not fit the net."""


class ImageFileError(MinitorchVizError, ValueError):
    """Report an image file that is missing, damaged, too large or of an unknown kind."""


class DataFileError(MinitorchVizError, ValueError):
    """Report a data set's file or folder that is missing, damaged, mislabelled or not what its name says."""


def near(name: object, choices: Iterable[object], noun: str = "name") -> str:
    """Return the end of a sentence that lists what `name` may have meant: 'near names: relu1, relu2'."""
    names = [str(choice) for choice in choices]
    near_names = difflib.get_close_matches(str(name), names, n=5, cutoff=0.5)
    if near_names:
        return f"near {noun}s: {', '.join(near_names)}"
    listed = ", ".join(names[:12]) + (f", ... ({len(names)} in all)" if len(names) > 12 else "")
    return f"known {noun}s: {listed or 'none'}"


def need_whole(label: str, value: object, least: int, most: int | None = None) -> int:
    """Return `value` as an int, if it is a whole number from `least` to `most`; else raise SettingError."""
    valid = isinstance(value, SupportsIndex) and not isinstance(value, bool) and least <= index(value)
    if not valid or (most is not None and index(value) > most):  # type: ignore[arg-type]  # `valid` says that it is one
        limits = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise SettingError(f"The {label} must be a whole number {limits}, but got {value!r}.")
    return index(value)  # type: ignore[arg-type]  # `valid` says that it is one
