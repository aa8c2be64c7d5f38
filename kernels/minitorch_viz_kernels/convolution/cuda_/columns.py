"""Rung five: convolution on a GPU. CuPy holds the arrays, cuBLAS multiplies, and the `.cu` files beside do the rest.

Convolution has two ways, and `_by_winograd` chooses between them for the forward pass and dx:

    filters   stride, dilation, groups   dtype     channels, filters   how
    3x3       1, 1, 1                    float32   16 or more          Winograd: a quarter of the multiplications
    others                                                             columns (im2col) and a matrix product

Columns are 9 numbers for each pixel, written and read once more; Winograd's pixels and products are 2.25 each.
"""

from __future__ import annotations

import cupy
import numpy as np

from minitorch_viz_kernels.contract import Array, Pair
from minitorch_viz_kernels.convolution.contract import out_size
from minitorch_viz_kernels.machine.cuda import BLOCK_NUMBERS, launch
from minitorch_viz_kernels.machine.memory import blocks

from .winograd import winograd


def _columns(x: Array, kernel: Pair, out: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    """Write every window of x (N, C, H, W) as a column -> (N, g, C/g * kh * kw, H' * W')."""
    n, c, height, width = x.shape
    columns: Array = cupy.empty((n, groups, c // groups * kernel[0] * kernel[1], out[0] * out[1]), x.dtype)
    x = cupy.ascontiguousarray(x)
    geometry = (height, width, *kernel, *out, *stride, *padding, *dilation)
    launch(__package__, "columns.cu", "im2col", columns, columns.size, x, columns, *geometry)
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
    for block in blocks(n, BLOCK_NUMBERS, c * kh * kw * high * wide):
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
    for block in blocks(n, BLOCK_NUMBERS, c * kh * kw * high * wide):
        answers = dy[block].reshape(-1, groups, o // groups, high * wide)
        columns = cupy.ascontiguousarray(cupy.matmul(filters, answers))
        launch(__package__, "columns.cu", "col2im", dx, dx[block].size, columns, dx[block], *geometry)
    return dx


def conv2d_dw(dy: Array, x: Array, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    n, o, high, wide = dy.shape
    c = x.shape[1]
    dw: Array = cupy.zeros((groups, o // groups, c // groups * kernel[0] * kernel[1]), dy.dtype)
    for block in blocks(n, BLOCK_NUMBERS, c * kernel[0] * kernel[1] * high * wide):
        columns = _columns(x[block], kernel, (high, wide), stride, padding, dilation, groups)
        answers = dy[block].reshape(-1, groups, o // groups, high * wide)
        dw += cupy.matmul(answers, columns.transpose(0, 1, 3, 2)).sum(axis=0)
    return dw.reshape(o, c // groups, *kernel)
