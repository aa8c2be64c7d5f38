"""What cannot become a report is refused before the first minute of work is spent on it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minitorch_viz.errors import SettingError
from minitorch_viz.io.out import check_out
from minitorch_viz.models.samples import Sample

if TYPE_CHECKING:
    from minitorch_viz.models import Model

SUFFIXES = (".html", ".htm")


def check_asked(model: Model, choices: Mapping[str, Any]) -> None:
    """Refuse a class or node that the model does not have, before the first picture and not in each."""
    for name in ("target", "other"):
        if name in choices and "node" in choices:
            raise SettingError(
                f"Give either a class ({name}={choices[name]!r}) or a node (node={choices['node']!r}), not both."
            )
        if (value := choices.get(name)) is not None:
            model.class_index(re.sub(r"^not (?=.)", "", value) if isinstance(value, str) else value)
    if "node" in choices:
        model.net[choices["node"]]  # NetError with near names


def checked_out(out: str | Path) -> Path:
    """Return the path of the page to write; SettingError if it cannot be written there."""
    if not isinstance(out, (str, Path)) or not str(out):
        raise SettingError(f"out must be the path of the page to write, but got {out!r}.")
    out = Path(out)
    if out.is_dir() or not out.parent.is_dir():
        problem = "is a folder" if out.is_dir() else f"is in {out.parent}, which is no folder"
        raise SettingError(f"out must be the path of the page to write, but {out} {problem}.")
    return check_out(out, SUFFIXES, noun="page", error=SettingError)


def checked_images(model: Model, images: Iterable[tuple[str, Any]], out: str | Path) -> list[tuple[str, Any]]:
    """Return the (name, image) pairs of a report; SettingError if the model, a pair, or `out` is none."""
    from minitorch_viz.models import Model

    if not isinstance(model, Model):
        raise SettingError(f"make_report needs a Model, but got a {type(model).__name__}; see Model.from_net.")
    checked_out(out)
    pairs = list(images) if isinstance(images, Iterable) and not isinstance(images, (str, Mapping)) else []
    for pair in pairs:
        if not isinstance(pair, tuple) or len(pair) != 2 or not isinstance(pair[0], str):
            raise SettingError(
                f"images must be (name, image) pairs, but one is {type(pair).__name__} {str(pair)[:60]}."
            )
    if not pairs:
        raise SettingError(f"images must be at least one (name, image) pair, but got {str(images)[:60]!r}.")
    return pairs


def checked_subjects(subjects: Any) -> list[tuple[Model, Sample]]:
    """Return the (model, sample) pairs of a page; SettingError if one is something else, or there is none."""
    from minitorch_viz.models import Model

    needed = "subjects must be at least one (Model, Sample) pair in a list"
    pairs = list(subjects) if isinstance(subjects, (list, tuple)) else []
    for pair in pairs:
        if not isinstance(pair, tuple) or [*map(type, pair)] != [Model, Sample]:
            raise SettingError(f"{needed}, but one is {type(pair).__name__} {str(pair)[:60]}.")
    if not pairs:
        raise SettingError(f"{needed}, but got {str(subjects)[:60]!r}.")
    return pairs


def checked_names(only: Sequence[str]) -> Sequence[str]:
    """Return the names of techniques; SettingError if they are a text, or none."""
    if isinstance(only, str) or not only:
        raise SettingError(f"only must be a list of at least one technique's name, but got {only!r}.")
    return only
