"""Every error the package raises on purpose, and the helper that suggests near names.

Each message is a sentence that says what was given, what is needed, and what to do about it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from operator import index
from typing import SupportsIndex


class MinitorchVizError(Exception):
    """Base of all errors raised on purpose; catching it catches them all."""


class ShapeError(MinitorchVizError, ValueError):
    """An array has the wrong number of axes, the wrong sizes, or the wrong dtype."""


class SettingError(MinitorchVizError, ValueError):
    """An argument has a value outside what it may be."""


class NetError(MinitorchVizError, ValueError):
    """A net's nodes do not fit together, or a name is not in it."""


class NotDifferentiableError(MinitorchVizError, TypeError):
    """A gradient was asked for where none exists (word indices, an argmax)."""


class WeightsFileError(MinitorchVizError, ValueError):
    """A weights file is missing, damaged, unsafe or does not fit the net."""


class ImageFileError(MinitorchVizError, ValueError):
    """An image file is missing, damaged, too large or of an unknown kind."""


class DataFileError(MinitorchVizError, ValueError):
    """A data set's file or folder is missing, damaged, mislabelled or not what its name says."""


def near(name: object, choices: Iterable[object], what: str = "name") -> str:
    """The end of a sentence that lists what `name` may have meant: 'near names: relu1, relu2'."""
    names = [str(choice) for choice in choices]
    close = difflib.get_close_matches(str(name), names, n=5, cutoff=0.5)
    if close:
        return f"near {what}s: {', '.join(close)}"
    shown = ", ".join(names[:12]) + (f", ... ({len(names)} in all)" if len(names) > 12 else "")
    return f"known {what}s: {shown or 'none'}"


def need_whole(what: str, value: object, least: int, most: int | None = None) -> int:
    """`value` as an int, if it is a whole number from `least` to `most`; else SettingError with a sentence."""
    fits = isinstance(value, SupportsIndex) and not isinstance(value, bool) and least <= index(value)
    if not fits or (most is not None and index(value) > most):  # type: ignore[arg-type]  # fits says that it is one
        limits = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise SettingError(f"The {what} must be a whole number {limits}, but got {value!r}.")
    return index(value)  # type: ignore[arg-type]  # fits says that it is one
