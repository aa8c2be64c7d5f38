"""The optimizers, one file each: how a gradient becomes a step. The folder is the registry.

Read them in this order: sgd, adagrad, rmsprop, adam, adamw, nadam. None remembers anything: `step` takes a state and
returns the next. L-BFGS, which asks for values at several points, has an interface of its own and no place in the list.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil

from minitorch_viz.training.optimizers.adagrad import Adagrad
from minitorch_viz.training.optimizers.adam import Adam
from minitorch_viz.training.optimizers.adamw import AdamW
from minitorch_viz.training.optimizers.base import Optimizer
from minitorch_viz.training.optimizers.lbfgs import LBFGS
from minitorch_viz.training.optimizers.nadam import NAdam
from minitorch_viz.training.optimizers.rmsprop import RMSProp
from minitorch_viz.training.optimizers.sgd import SGD

__all__ = ["LBFGS", "SGD", "Adagrad", "Adam", "AdamW", "NAdam", "Optimizer", "RMSProp", "optimizers"]


@functools.cache
def optimizers() -> dict[str, type[Optimizer]]:
    """Return every optimizer by the name of its file: {"adam": Adam, ...}. A new file brings its own tests."""
    by_name: dict[str, type[Optimizer]] = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda m: m.name):
        for value in vars(importlib.import_module(f"{__name__}.{module.name}")).values():
            is_own_class = inspect.isclass(value) and value.__module__ == f"{__name__}.{module.name}"
            if is_own_class and issubclass(value, Optimizer) and value is not Optimizer:
                by_name[module.name] = value
    return by_name
