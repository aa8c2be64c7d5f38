"""The operators that are read: one function each, found by name. A file here needs no entry anywhere else."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from minitorch_viz.models.from_onnx.operators.registry import OPERATORS, Operator


@cache
def operators() -> dict[str, Operator]:
    """Return {ONNX operator: the function that reads it}."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return dict(sorted(OPERATORS.items()))
