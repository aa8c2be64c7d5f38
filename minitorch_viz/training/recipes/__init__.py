"""Recipes: how each bundled net is trained, one file each with a function `train`."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from pathlib import Path


def recipe_names() -> list[str]:
    """The nets that can be trained again: the modules of this folder."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def train(
    name: str,
    out: Path,
    seed: int = 0,
    *,
    film: Path | None = None,
    checkpoint: Path | None = None,
    resume: bool = False,
) -> Path:
    """Train the net called `name` and write its weights to `out`, with a model card (JSON) beside it.

    film: a page that plays the training back, and shows it live. checkpoint: a file from which an interrupted training
    is resumed. Raises KeyboardInterrupt at Ctrl-C, once film and checkpoint are written.
    """
    recipe = import_module(f"{__name__}.{name}")
    path: Path = recipe.train(out, seed, film=film, checkpoint=checkpoint, resume=resume)
    return path
