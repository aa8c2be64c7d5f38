"""Rung two: normalization in NumPy. Those of batches and vectors are also rung five: CuPy's arrays work too."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from minitorch_viz_kernels.contract import Array


def _sum_over_channels(x: Array, below: int, above: int) -> Array:
    """Return at each channel c the sum of the channels c - below to c + above that exist."""
    padded = np.pad(x, ((0, 0), (below, above), (0, 0), (0, 0)))
    total: Array = sliding_window_view(padded, below + 1 + above, axis=1).sum(axis=-1)
    return total


def lrn(x: Array, size: int, alpha: float, beta: float, k: float) -> tuple[Array, Array]:
    scale = k + alpha * _sum_over_channels(x * x, size // 2, (size - 1) // 2)
    return x / scale**beta, scale


def lrn_dx(dy: Array, x: Array, scale: Array, size: int, alpha: float, beta: float) -> Array:
    through_scale = _sum_over_channels(dy * x * scale ** (-beta - 1), (size - 1) // 2, size // 2)
    return dy * scale**-beta - 2 * alpha * beta * x * through_scale


def _per_channel(channel_values: Array) -> Array:
    """Reshape one value a channel, (C,) -> (C, 1, 1), for arithmetic with (N, C, H, W)."""
    return channel_values[:, None, None]


def batch_norm(x: Array, w: Array, b: Array, eps: float) -> tuple[Array, Array, Array]:
    mean = x.mean(axis=(0, 2, 3))
    y = x - _per_channel(mean)
    var = (y * y).mean(axis=(0, 2, 3))
    y *= _per_channel(w / np.sqrt(var + eps))  # in place: a pass over a large map costs more than its arithmetic
    y += _per_channel(b)
    return y, mean, var


def batch_norm_dx(
    dy: Array, x: Array, mean: Array, var: Array, w: Array, eps: float
) -> tuple[Array, Array, Array]:  # fmt: skip
    values, deviation = max(1, x.size // x.shape[1]), np.sqrt(var + eps)
    dx = x - _per_channel(mean)
    dx /= _per_channel(deviation)  # the input with mean 0 and variance 1
    dw, db = (dy * dx).sum(axis=(0, 2, 3)), dy.sum(axis=(0, 2, 3))
    dx *= _per_channel(-dw / values)
    dx += dy
    dx -= _per_channel(db / values)
    dx *= _per_channel(w / deviation)
    return dx, dw, db


def layer_norm(x: Array, w: Array, b: Array, eps: float) -> tuple[Array, Array, Array]:
    mean = x.mean(axis=1)
    y = x - mean[:, None]
    scale = 1 / np.sqrt((y * y).mean(axis=1) + eps)
    y *= scale[:, None]
    y *= w
    y += b
    return y, mean, scale


def layer_norm_dx(dy: Array, x: Array, mean: Array, scale: Array, w: Array) -> Array:
    normal = (x - mean[..., None]) * scale[..., None]
    dx = dy * w
    shift, stretch = dx.mean(axis=2, keepdims=True), (dx * normal).mean(axis=2, keepdims=True)
    dx -= shift
    dx -= normal * stretch
    dx *= scale[..., None]
    return dx
