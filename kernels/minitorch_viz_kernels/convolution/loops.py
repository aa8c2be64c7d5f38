"""Rung one: convolution in plain loops, the formulas of the contract word for word.

Slow and literal; the oracle that the other rungs are tested against. `compiled.py` hands the same text to a compiler.
"""

from __future__ import annotations

import numpy as np

from minitorch_viz_kernels.contract import Array, Pair

from .contract import out_size


def _inside(row: int, col: int, height: int, width: int) -> bool:
    return 0 <= row < height and 0 <= col < width


def conv2d(
    x: Array, w: Array, b: Array | None, stride: Pair, padding: Pair, dilation: Pair, groups: int, relu: bool = False
) -> Array:
    images, _, height, width = x.shape
    filters, per_group, kh, kw = w.shape
    high = out_size(height, kh, stride[0], padding[0], dilation[0])
    wide = out_size(width, kw, stride[1], padding[1], dilation[1])
    y = np.zeros((images, filters, high, wide), x.dtype)
    for n, o, i, j in np.ndindex(y.shape):
        first = o // (filters // groups) * per_group  # the first channel of this filter's group
        for c in range(per_group):
            for u in range(kh):
                for v in range(kw):
                    row = i * stride[0] - padding[0] + u * dilation[0]
                    col = j * stride[1] - padding[1] + v * dilation[1]
                    if _inside(row, col, height, width):
                        y[n, o, i, j] += w[o, c, u, v] * x[n, first + c, row, col]
        if b is not None:
            y[n, o, i, j] += b[o]
        if relu and y[n, o, i, j] < 0:
            y[n, o, i, j] = 0
    return y


def conv2d_dx(dy: Array, w: Array, size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    filters, per_group, kh, kw = w.shape
    dx = np.zeros((len(dy), per_group * groups, size[0], size[1]), dy.dtype)
    for n, o, i, j in np.ndindex(dy.shape):
        first = o // (filters // groups) * per_group
        for c in range(per_group):
            for u in range(kh):
                for v in range(kw):
                    row = i * stride[0] - padding[0] + u * dilation[0]
                    col = j * stride[1] - padding[1] + v * dilation[1]
                    if _inside(row, col, size[0], size[1]):
                        dx[n, first + c, row, col] += w[o, c, u, v] * dy[n, o, i, j]
    return dx


def conv2d_dw(dy: Array, x: Array, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    _, channels, height, width = x.shape
    filters, per_group = dy.shape[1], channels // groups
    dw = np.zeros((filters, per_group, kernel[0], kernel[1]), dy.dtype)
    for n, o, i, j in np.ndindex(dy.shape):
        first = o // (filters // groups) * per_group
        for c in range(per_group):
            for u in range(kernel[0]):
                for v in range(kernel[1]):
                    row = i * stride[0] - padding[0] + u * dilation[0]
                    col = j * stride[1] - padding[1] + v * dilation[1]
                    if _inside(row, col, height, width):
                        dw[o, c, u, v] += dy[n, o, i, j] * x[n, first + c, row, col]
    return dw
