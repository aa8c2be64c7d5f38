"""Recipes: how each bundled net is trained, one file each with a function `train`."""

from __future__ import annotations

import inspect
import pkgutil
from importlib import import_module
from pathlib import Path
from typing import Any

from minitorch_viz.errors import SettingError, near


def recipe_names() -> list[str]:
    """Return the nets that can be trained again: the modules of this folder."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def how_trained(name: str) -> str:
    """Return how a bundled net was trained, in a clause; "" for others, and where docstrings were dropped."""
    if name not in recipe_names():
        return ""
    line = (import_module(f"{__name__}.{name}").__doc__ or "").split("\n")[0]
    return line.partition(" was trained: ")[2].rstrip(".")


def train(
    name: str,
    out: Path,
    seed: int = 0,
    *,
    film: Path | None = None,
    checkpoint: Path | None = None,
    resume: bool = False,
    data: Path | None = None,
) -> Path:
    """Train the net called `name` and write its weights to `out`, with a model card (JSON) beside it.

    film: a page that plays the training back, and shows it live. checkpoint: a file from which an interrupted training
    is resumed. data: the folder with the data set's files; default: see `minitorch_viz.data.find`.

    All places are checked before anything is read. Raises KeyboardInterrupt at Ctrl-C, with a sentence on what is kept,
    once film, checkpoint and the weights so far are written; SettingError for an unknown name, a place that cannot be
    written to, or if the net's data come from no files.
    """
    if name not in recipe_names():
        raise SettingError(f"There is no recipe for {name!r}; {near(name, recipe_names(), 'net')}.")
    from minitorch_viz.training.output_files import check_places, saying_what_is_written

    out = check_places(out, film, checkpoint, resume)
    recipe = import_module(f"{__name__}.{name}")
    place: dict[str, Any] = {}
    if data is not None:
        if "data" not in inspect.signature(recipe.train).parameters:
            raise SettingError(f"The data of {name} come with its recipe, so there is no folder to give; leave it out.")
        place["data"] = data
    with saying_what_is_written(out):
        path: Path = recipe.train(out, seed, film=film, checkpoint=checkpoint, resume=resume, **place)
    return path
