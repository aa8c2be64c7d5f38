"""Recipes: how each bundled net is trained, one file each with a function `train(out, seed)`."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from pathlib import Path


def recipe_names() -> list[str]:
    """The nets that can be trained again: the modules of this folder."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def train(name: str, out: Path, seed: int = 0) -> Path:
    """Train the net called `name` and write its weights to `out`, with a model card (JSON) beside it."""
    path: Path = import_module(f"{__name__}.{name}").train(out, seed)
    return path
