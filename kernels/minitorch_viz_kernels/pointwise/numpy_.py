"""Rung two of ReLU, sums and joins. It is also rung five: CuPy's arrays work too."""

from __future__ import annotations

import numpy as np

from minitorch_viz_kernels.contract import Array


def relu(x: Array) -> Array:
    y: Array = np.maximum(x, 0)
    return y


def relu_dx(dy: Array, y: Array | None, positive: bool = False) -> Array:
    dx: Array = np.maximum(dy, 0) if positive else dy.copy()
    return dx if y is None else np.where(y > 0, dx, dx.dtype.type(0))


def add(a: Array, b: Array) -> Array:
    y: Array = a + b
    return y


def concat(xs: tuple[Array, ...], axis: int) -> Array:
    y: Array = np.concatenate(xs, axis=axis)
    return y
