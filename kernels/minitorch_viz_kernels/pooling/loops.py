"""Rung one: pooling in plain loops.

Slow and literal; the oracle that the other rungs are tested against. `compiled.py` hands the same text to a compiler.
"""

from __future__ import annotations

import numpy as np

from minitorch_viz_kernels.contract import Array, Pair


def _span(i: int, kernel: int, stride: int, padding: int, size: int) -> Pair:
    """Return the rows (or columns) of window i that lie inside the image: from the first to before the last."""
    start = i * stride - padding
    return max(0, start), min(size, start + kernel)


def maxpool2d(x: Array, kernel: Pair, stride: Pair, padding: Pair, out: Pair) -> tuple[Array, Array]:
    images, channels, height, width = x.shape
    y = np.zeros((images, channels, out[0], out[1]), x.dtype)
    won = np.zeros((images, channels, out[0], out[1]), np.int32)
    for n, c, i, j in np.ndindex(y.shape):
        top, bottom = _span(i, kernel[0], stride[0], padding[0], height)
        left, right = _span(j, kernel[1], stride[1], padding[1], width)
        best, place = x[n, c, top, left], top * width + left
        for row in range(top, bottom):
            for col in range(left, right):
                value = x[n, c, row, col]
                if value > best or (np.isnan(value) and not np.isnan(best)):
                    best, place = value, row * width + col
        y[n, c, i, j], won[n, c, i, j] = best, place
    return y, won


def maxpool2d_dx(dy: Array, won: Array, size: Pair) -> Array:
    dx = np.zeros((dy.shape[0], dy.shape[1], size[0], size[1]), dy.dtype)
    for n, c, i, j in np.ndindex(dy.shape):
        place = won[n % len(won), c, i, j]
        dx[n, c, place // size[1], place % size[1]] += dy[n, c, i, j]
    return dx


def _divisor(i: int, kernel: int, stride: int, padding: int, size: int, include_pad: bool) -> int:
    """Return how many rows (or columns) of window i count: those inside the image, or inside the padded image."""
    start = i * stride - padding
    if include_pad:
        return min(size + padding, start + kernel) - start
    return min(size, start + kernel) - max(0, start)


def avgpool2d(x: Array, kernel: Pair, stride: Pair, padding: Pair, out: Pair, count_include_pad: bool) -> Array:
    images, channels, height, width = x.shape
    y = np.zeros((images, channels, out[0], out[1]), x.dtype)
    for n, c, i, j in np.ndindex(y.shape):
        top, bottom = _span(i, kernel[0], stride[0], padding[0], height)
        left, right = _span(j, kernel[1], stride[1], padding[1], width)
        for row in range(top, bottom):
            for col in range(left, right):
                y[n, c, i, j] += x[n, c, row, col]
        high = _divisor(i, kernel[0], stride[0], padding[0], height, count_include_pad)
        wide = _divisor(j, kernel[1], stride[1], padding[1], width, count_include_pad)
        y[n, c, i, j] /= high * wide
    return y


def avgpool2d_dx(dy: Array, kernel: Pair, stride: Pair, padding: Pair, size: Pair, count_include_pad: bool) -> Array:
    dx = np.zeros((dy.shape[0], dy.shape[1], size[0], size[1]), dy.dtype)
    for n, c, i, j in np.ndindex(dy.shape):
        high = _divisor(i, kernel[0], stride[0], padding[0], size[0], count_include_pad)
        wide = _divisor(j, kernel[1], stride[1], padding[1], size[1], count_include_pad)
        top, bottom = _span(i, kernel[0], stride[0], padding[0], size[0])
        left, right = _span(j, kernel[1], stride[1], padding[1], size[1])
        for row in range(top, bottom):
            for col in range(left, right):
                dx[n, c, row, col] += dy[n, c, i, j] / (high * wide)
    return dx
