"""Rung five: pooling on a GPU; `pooling.cu` beside does the work."""

from __future__ import annotations

import cupy
import numpy as np

from minitorch_viz_kernels.contract import Array, Pair
from minitorch_viz_kernels.machine.cuda import launch


def maxpool2d(x: Array, kernel: Pair, stride: Pair, padding: Pair, out: Pair) -> tuple[Array, Array]:
    n, c, height, width = x.shape
    y: Array = cupy.empty((n, c, *out), x.dtype)
    won: Array = cupy.empty((n, c, *out), np.int32)
    geometry = (height, width, *out, *kernel, *stride, *padding)
    launch(__package__, "pooling.cu", "maxpool", y, y.size, cupy.ascontiguousarray(x), y, won, *geometry)
    return y, won


def maxpool2d_dx(dy: Array, won: Array, size: Pair) -> Array:
    n, c, high, wide = dy.shape
    dx: Array = cupy.empty((n, c, *size), dy.dtype)
    dy, won = cupy.ascontiguousarray(dy), cupy.ascontiguousarray(won)
    pixels = size[0] * size[1]
    launch(__package__, "pooling.cu", "maxpool_dx", dx, n * c, dy, won, dx, high * wide, pixels, won.shape[0] * c)
    return dx


def avgpool2d(x: Array, kernel: Pair, stride: Pair, padding: Pair, out: Pair, count_include_pad: bool) -> Array:
    n, c, height, width = x.shape
    y: Array = cupy.empty((n, c, *out), x.dtype)
    geometry = (height, width, *out, *kernel, *stride, *padding, int(count_include_pad))
    launch(__package__, "pooling.cu", "avgpool", y, y.size, cupy.ascontiguousarray(x), y, *geometry)
    return y


def avgpool2d_dx(dy: Array, kernel: Pair, stride: Pair, padding: Pair, size: Pair, count_include_pad: bool) -> Array:
    n, c, high, wide = dy.shape
    dx: Array = cupy.empty((n, c, *size), dy.dtype)
    geometry = (*size, high, wide, *kernel, *stride, *padding, int(count_include_pad))
    launch(__package__, "pooling.cu", "avgpool_dx", dx, dx.size, cupy.ascontiguousarray(dy), dx, *geometry)
    return dx
