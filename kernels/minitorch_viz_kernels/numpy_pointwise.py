"""Rung two of ReLU, sums, joins and batch normalization. It is also rung four: CuPy's arrays work too."""

from __future__ import annotations

import numpy as np

from .contract import Array


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


def _along(channel_values: Array) -> Array:
    """(C,) -> (C, 1, 1): one value a channel, for arithmetic with (N, C, H, W)."""
    return channel_values[:, None, None]


def batch_norm(x: Array, w: Array, b: Array, eps: float) -> tuple[Array, Array, Array]:
    mean = x.mean(axis=(0, 2, 3))
    y = x - _along(mean)
    var = (y * y).mean(axis=(0, 2, 3))
    y *= _along(w / np.sqrt(var + eps))  # in place: a pass over a large map costs more than its arithmetic
    y += _along(b)
    return y, mean, var


def batch_norm_dx(
    dy: Array, x: Array, mean: Array, var: Array, w: Array, eps: float
) -> tuple[Array, Array, Array]:  # fmt: skip
    values, deviation = max(1, x.size // x.shape[1]), np.sqrt(var + eps)
    dx = x - _along(mean)
    dx /= _along(deviation)  # the input with mean 0 and variance 1
    dw, db = (dy * dx).sum(axis=(0, 2, 3)), dy.sum(axis=(0, 2, 3))
    dx *= _along(-dw / values)
    dx += dy
    dx -= _along(db / values)
    dx *= _along(w / deviation)
    return dx, dw, db
