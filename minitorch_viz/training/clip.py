"""Gradient clipping: never a step larger than this, however steep the loss."""

from __future__ import annotations

import math

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError
from minitorch_viz.training.optimizers.base import Arrays, check_arrays


def global_norm(grads: Arrays) -> float:
    """Return the length of all gradients as one vector: the root of the sum of all squares, added up in float64.

    >>> global_norm({"a": np.array([3.0]), "b": np.array([[4.0]])})
    5.0
    """
    check_arrays(grads, "grads")
    return math.sqrt(sum(float(np.square(grad, dtype=np.float64).sum()) for grad in grads.values()))


def clip_by_norm(grads: Arrays, most: float) -> tuple[dict[str, Array], float]:
    """Shorten all gradients by one factor so that their global norm is at most `most`; their direction stays.

    Pascanu, Mikolov, Bengio 2013. Returns (gradients, the norm before). Gradients that are not finite are returned as
    they are: no factor mends them. Raises SettingError unless `most` is a finite number above 0.
    """
    most = _checked(most)
    norm = global_norm(grads)
    if not math.isfinite(norm) or norm <= most:
        return dict(grads), norm
    return {name: grad * (most / norm) for name, grad in grads.items()}, norm


def clip_by_value(grads: Arrays, most: float) -> dict[str, Array]:
    """Cut every entry to -most..most (the direction changes). Raises SettingError unless `most` is above 0."""
    most = _checked(most)
    check_arrays(grads, "grads")
    return {name: np.clip(grad, -most, most) for name, grad in grads.items()}


def _checked(most: float) -> float:
    is_number = isinstance(most, (int, float, np.integer, np.floating)) and not isinstance(most, bool)
    if not is_number or not math.isfinite(most) or most <= 0:
        raise SettingError(f"Gradients are clipped to a finite length above 0, but got {most!r}.")
    return float(most)  # a Python float: a np.float64 would turn float32 gradients into float64 ones
