"""The losses, one file each: how wrong an answer is, and the gradient of that. The folder is the registry."""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil

from minitorch_viz.training.losses.base import Loss
from minitorch_viz.training.losses.binary_cross_entropy import BinaryCrossEntropy
from minitorch_viz.training.losses.mean_squared_error import MeanSquaredError
from minitorch_viz.training.losses.softmax_cross_entropy import SoftmaxCrossEntropy

__all__ = ["BinaryCrossEntropy", "Loss", "MeanSquaredError", "SoftmaxCrossEntropy", "losses"]


@functools.cache
def losses() -> dict[str, type[Loss]]:
    """Return every loss by the name of its file: {"mean_squared_error": MeanSquaredError, ...}."""
    by_name: dict[str, type[Loss]] = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda m: m.name):
        for value in vars(importlib.import_module(f"{__name__}.{module.name}")).values():
            is_own_class = inspect.isclass(value) and value.__module__ == f"{__name__}.{module.name}"
            if is_own_class and issubclass(value, Loss) and value is not Loss:
                by_name[module.name] = value
    return by_name
