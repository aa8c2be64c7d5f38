"""Rung four: the kernels on a GPU. CuPy holds the arrays, cuBLAS multiplies, and `cuda/*.cu` does the rest.

Convolution has two ways, and `_by_winograd` chooses between them for the forward pass and dx:

    filters   stride, dilation, groups   dtype     channels, filters   how
    3x3       1, 1, 1                    float32   16 or more          Winograd: a quarter of the multiplications
    others                                                             columns (im2col) and a matrix product

Columns are 9 numbers for each pixel, written and read once more; Winograd's pixels and products are 2.25 each.
"""

from __future__ import annotations

import cupy
import numpy as np

from .contract import Array, Pair, out_size
from .cupy_launch import blocks, launch
from .cupy_winograd import winograd
from .numpy_ import add, batch_norm, batch_norm_dx, concat, lstm, lstm_dz, matmul, relu, relu_dx

__all__ = [
    "add",
    "avgpool2d",
    "avgpool2d_dx",
    "batch_norm",
    "batch_norm_dx",
    "concat",
    "conv2d",
    "conv2d_dw",
    "conv2d_dx",
    "lrn",
    "lrn_dx",
    "lstm",
    "lstm_dz",
    "matmul",
    "maxpool2d",
    "maxpool2d_dx",
    "relu",
    "relu_dx",
]


def _columns(x: Array, kernel: Pair, out: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    """x (N, C, H, W) -> (N, g, C/g * kh * kw, H' * W'), every window a column."""
    n, c, height, width = x.shape
    columns: Array = cupy.empty((n, groups, c // groups * kernel[0] * kernel[1], out[0] * out[1]), x.dtype)
    x = cupy.ascontiguousarray(x)
    geometry = (height, width, *kernel, *out, *stride, *padding, *dilation)
    launch("conv.cu", "im2col", columns, columns.size, x, columns, *geometry)
    return columns


def _by_winograd(w: Array, stride: Pair, dilation: Pair, groups: int) -> bool:
    plain = w.shape[2:] == (3, 3) and stride == dilation == (1, 1) and groups == 1 and w.dtype == np.float32
    return plain and min(w.shape[:2]) >= 16


def conv2d(
    x: Array, w: Array, b: Array | None, stride: Pair, padding: Pair, dilation: Pair, groups: int, relu: bool = False
) -> Array:
    if _by_winograd(w, stride, dilation, groups):
        return winograd(x, w, b, padding, relu=relu)
    n, c, height, width = x.shape
    o, _, kh, kw = w.shape
    high = out_size(height, kh, stride[0], padding[0], dilation[0])
    wide = out_size(width, kw, stride[1], padding[1], dilation[1])
    filters = w.reshape(groups, o // groups, -1)
    y: Array = cupy.empty((n, groups, o // groups, high * wide), x.dtype)
    for block in blocks(n, c * kh * kw * high * wide):
        columns = _columns(x[block], (kh, kw), (high, wide), stride, padding, dilation, groups)
        y[block] = cupy.matmul(filters, columns)
    if b is not None:
        y += b.reshape(groups, o // groups, 1)
    if relu:
        cupy.maximum(y, 0, out=y)
    return y.reshape(n, o, high, wide)


def conv2d_dx(dy: Array, w: Array, size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    if _by_winograd(w, stride, dilation, groups):
        return winograd(dy, w, None, (2 - padding[0], 2 - padding[1]), backward=True)
    n, o, high, wide = dy.shape
    _, per_group, kh, kw = w.shape
    c = per_group * groups
    filters = w.reshape(groups, o // groups, -1).transpose(0, 2, 1)
    dx: Array = cupy.empty((n, c, *size), dy.dtype)
    geometry = (*size, kh, kw, high, wide, *stride, *padding, *dilation)
    for block in blocks(n, c * kh * kw * high * wide):
        answers = dy[block].reshape(-1, groups, o // groups, high * wide)
        columns = cupy.ascontiguousarray(cupy.matmul(filters, answers))
        launch("conv.cu", "col2im", dx, dx[block].size, columns, dx[block], *geometry)
    return dx


def conv2d_dw(dy: Array, x: Array, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    n, o, high, wide = dy.shape
    c = x.shape[1]
    dw: Array = cupy.zeros((groups, o // groups, c // groups * kernel[0] * kernel[1]), dy.dtype)
    for block in blocks(n, c * kernel[0] * kernel[1] * high * wide):
        columns = _columns(x[block], kernel, (high, wide), stride, padding, dilation, groups)
        answers = dy[block].reshape(-1, groups, o // groups, high * wide)
        dw += cupy.matmul(answers, columns.transpose(0, 1, 3, 2)).sum(axis=0)
    return dw.reshape(o, c // groups, *kernel)


def maxpool2d(x: Array, kernel: Pair, stride: Pair, padding: Pair, out: Pair) -> tuple[Array, Array]:
    n, c, height, width = x.shape
    y: Array = cupy.empty((n, c, *out), x.dtype)
    won: Array = cupy.empty((n, c, *out), np.int32)
    geometry = (height, width, *out, *kernel, *stride, *padding)
    launch("pool.cu", "maxpool", y, y.size, cupy.ascontiguousarray(x), y, won, *geometry)
    return y, won


def maxpool2d_dx(dy: Array, won: Array, size: Pair) -> Array:
    n, c, high, wide = dy.shape
    dx: Array = cupy.empty((n, c, *size), dy.dtype)
    dy, won = cupy.ascontiguousarray(dy), cupy.ascontiguousarray(won)
    pixels = size[0] * size[1]
    launch("pool.cu", "maxpool_dx", dx, n * c, dy, won, dx, high * wide, pixels, won.shape[0] * c)
    return dx


def avgpool2d(x: Array, kernel: Pair, stride: Pair, padding: Pair, out: Pair, count_include_pad: bool) -> Array:
    n, c, height, width = x.shape
    y: Array = cupy.empty((n, c, *out), x.dtype)
    geometry = (height, width, *out, *kernel, *stride, *padding, int(count_include_pad))
    launch("pool.cu", "avgpool", y, y.size, cupy.ascontiguousarray(x), y, *geometry)
    return y


def avgpool2d_dx(dy: Array, kernel: Pair, stride: Pair, padding: Pair, size: Pair, count_include_pad: bool) -> Array:
    n, c, high, wide = dy.shape
    dx: Array = cupy.empty((n, c, *size), dy.dtype)
    geometry = (*size, high, wide, *kernel, *stride, *padding, int(count_include_pad))
    launch("pool.cu", "avgpool_dx", dx, dx.size, cupy.ascontiguousarray(dy), dx, *geometry)
    return dx


def lrn(x: Array, size: int, alpha: float, beta: float, k: float) -> tuple[Array, Array]:
    _, c, height, width = x.shape
    y: Array = cupy.empty(x.shape, x.dtype)
    scale: Array = cupy.empty(x.shape, x.dtype)
    window = (c, height * width, size // 2, (size - 1) // 2)
    launch("lrn.cu", "lrn", y, y.size, cupy.ascontiguousarray(x), y, scale, *window, alpha, beta, k)
    return y, scale


def lrn_dx(dy: Array, x: Array, scale: Array, size: int, alpha: float, beta: float) -> Array:
    _, c, height, width = dy.shape
    dx: Array = cupy.empty(dy.shape, dy.dtype)
    dy, x, scale = cupy.ascontiguousarray(dy), cupy.ascontiguousarray(x), cupy.ascontiguousarray(scale)
    window = (c, height * width, (size - 1) // 2, size // 2)
    launch("lrn.cu", "lrn_dx", dx, dx.size, dy, x, scale, dx, np.int64(x.size), *window, alpha, beta)
    return dx
