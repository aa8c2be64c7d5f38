"""Rung two: convolution in NumPy. No loop over pixels; `sliding_window_view` and one matrix product do the work.

A convolution is a matrix product once every window has been written out as a column ("im2col"):

    image, 2x2 windows        columns                     filters      answers
     a b c                     a b d e   <- u,v = 0,0
     d e f        --->         b c e f          0,1       w (O, 4)  @  (4, 4)  =  (O, 4 windows)
     g h i                     d e g h          1,0
                               e f h i          1,1

Its gradients are the transposed product (dx, whose columns are added back to the pixels they came from, "col2im") and
the product with the transposed columns (dw). For 1x1 filters the columns are the image, and nothing is copied.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from minitorch_viz_kernels.contract import Array, Pair
from minitorch_viz_kernels.machine.memory import blocks

from .contract import out_size

# Columns take kh * kw times the memory of the image: images are taken in blocks of about this many numbers.
BLOCK_NUMBERS = 1 << 23


def _columns(x: Array, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    """Write every window of x (N, C, H, W) as a column -> (N, g, C/g * kh * kw, H' * W')."""
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = kernel, stride, padding, dilation
    if ph or pw:
        x = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    reach = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    windows = sliding_window_view(x, reach, axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]  # (N, C, H', W', kh, kw)
    n, c, high, wide = windows.shape[:4]
    return windows.transpose(0, 1, 4, 5, 2, 3).reshape(n, groups, c // groups * kh * kw, high * wide)


def conv2d(
    x: Array, w: Array, b: Array | None, stride: Pair, padding: Pair, dilation: Pair, groups: int, relu: bool = False
) -> Array:
    n, c = x.shape[:2]
    o, _, kh, kw = w.shape
    high, wide = (out_size(x.shape[2 + a], (kh, kw)[a], stride[a], padding[a], dilation[a]) for a in (0, 1))
    filters = w.reshape(groups, o // groups, -1)
    y = np.empty((n, groups, o // groups, high * wide), x.dtype)
    for block in blocks(n, BLOCK_NUMBERS, c * kh * kw * high * wide):
        np.matmul(filters, _columns(x[block], (kh, kw), stride, padding, dilation, groups), out=y[block])
    if b is not None:
        y += b.reshape(groups, o // groups, 1)
    if relu:
        np.maximum(y, 0, out=y)
    return y.reshape(n, o, high, wide)


def conv2d_dx(dy: Array, w: Array, size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    n, o, high, wide = dy.shape
    _, per_group, kh, kw = w.shape
    c = per_group * groups
    (sh, sw), (ph, pw), (dh, dw) = stride, padding, dilation
    filters = w.reshape(groups, o // groups, -1).transpose(0, 2, 1)  # (g, C/g * kh * kw, O/g)
    padded = np.zeros((n, c, size[0] + 2 * ph, size[1] + 2 * pw), dy.dtype)
    for block in blocks(n, BLOCK_NUMBERS, c * kh * kw * high * wide):
        columns = filters @ dy[block].reshape(-1, groups, o // groups, high * wide)
        columns = columns.reshape(-1, c, kh, kw, high, wide)
        for u in range(kh):
            for v in range(kw):
                rows = slice(u * dh, u * dh + sh * (high - 1) + 1, sh)
                cols = slice(v * dw, v * dw + sw * (wide - 1) + 1, sw)
                padded[block, :, rows, cols] += columns[:, :, u, v]
    return np.ascontiguousarray(padded[:, :, ph : ph + size[0], pw : pw + size[1]])


def conv2d_dw(dy: Array, x: Array, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    n, o, high, wide = dy.shape
    per_group = x.shape[1] // groups
    dw = np.zeros((groups, o // groups, per_group * kernel[0] * kernel[1]), dy.dtype)
    for block in blocks(n, BLOCK_NUMBERS, x.shape[1] * kernel[0] * kernel[1] * high * wide):
        columns = _columns(x[block], kernel, stride, padding, dilation, groups)
        answers = dy[block].reshape(-1, groups, o // groups, high * wide)
        dw += (answers @ columns.transpose(0, 1, 3, 2)).sum(axis=0)
    return dw.reshape(o, per_group, *kernel)
