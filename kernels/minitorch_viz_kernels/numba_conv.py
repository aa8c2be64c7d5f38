"""Convolution in Numba: the columns of `numpy_`, but moved by compiled loops, and in blocks.

The columns of a convolution take kh * kw times the memory of the image. Written out whole they travel to main memory
and back; cut into blocks that stay in the processor's cache they do not:

    image, padded             columns of some rows of windows           those rows of the answer
    +-----------+  im2col     +-----------------------+   w @ columns   +-----------+
    |:::::::::::|  -------->  | C/g * kh * kw, P      |  ------------>  | O/g, P    |   next rows, same buffer
    |           |             +-----------------------+                 +-----------+
    +-----------+

The gradients go by the same blocks: dw adds up dy @ columns.T, and dx adds the columns w.T @ dy back to the pixels
they came from (col2im).
"""

from __future__ import annotations

import numpy as np

from .contract import Array, Pair, out_size
from .numba_jit import kernel, packed

# Numbers in one block of columns: 4 MiB of float32. Measured: smaller ones leave the matrix products too little to do,
# larger ones no longer fit the cache.
BLOCK = 1 << 20

# A loop that reads `row[j]` for j from range() is compiled to vector instructions. One that computes the index, as in
# `x[c, i + u, j + v]`, is not: an index that could be negative costs a test at each number (8 times slower, measured).
# So the loops below take the row first, from an image that already has its padding.


@kernel
def _im2col(x: Array, columns: Array, first: int, sh: int, sw: int, dh: int, dw: int) -> None:
    """x (C, H, W), padded -> columns (C, kh, kw, rows, W'): what the windows see, from window row `first` on."""
    channels, kh, kw, rows, wide = columns.shape
    for c in range(channels):
        for u in range(kh):
            for v in range(kw):
                for i in range(rows):
                    source = x[c, (first + i) * sh + u * dh, v * dw :]
                    target = columns[c, u, v, i]
                    if sw == 1:
                        for j in range(wide):
                            target[j] = source[j]
                    else:
                        for j in range(wide):
                            target[j] = source[j * sw]


@kernel
def _col2im(columns: Array, dx: Array, first: int, sh: int, sw: int, dh: int, dw: int) -> None:
    """columns (C, kh, kw, rows, W') are added to the pixels of dx (C, H, W), padded, that `_im2col` reads them from."""
    channels, kh, kw, rows, wide = columns.shape
    for c in range(channels):
        for u in range(kh):
            for v in range(kw):
                for i in range(rows):
                    source = columns[c, u, v, i]
                    target = dx[c, (first + i) * sh + u * dh, v * dw :]
                    if sw == 1:
                        for j in range(wide):
                            target[j] += source[j]
                    else:
                        for j in range(wide):
                            target[j * sw] += source[j]


def _pad(x: Array, padding: Pair) -> Array:
    n, c, height, width = x.shape
    if padding == (0, 0):
        return packed(x)
    padded = np.zeros((n, c, height + 2 * padding[0], width + 2 * padding[1]), x.dtype)
    padded[:, :, padding[0] : padding[0] + height, padding[1] : padding[1] + width] = x
    return packed(padded)


def _is_plain_product(kernel_size: Pair, stride: Pair, padding: Pair) -> bool:
    """1x1 filters at stride 1: the image already is its columns."""
    return kernel_size == (1, 1) and stride == (1, 1) and padding == (0, 0)


def _row_blocks(high: int, numbers_per_row: int) -> list[tuple[int, int]]:
    """Cut H' rows of windows into (first, count) blocks of about BLOCK numbers of columns."""
    rows = max(1, BLOCK // max(1, numbers_per_row))
    return [(first, min(rows, high - first)) for first in range(0, high, rows)]


def conv2d(x: Array, w: Array, b: Array | None, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    n, c, height, width = x.shape
    o, per_group, kh, kw = w.shape
    high = out_size(height, kh, stride[0], padding[0], dilation[0])
    wide = out_size(width, kw, stride[1], padding[1], dilation[1])
    filters = w.reshape(groups, o // groups, per_group * kh * kw)
    y = np.empty((n, groups, o // groups, high * wide), x.dtype)
    if _is_plain_product((kh, kw), stride, padding):
        np.matmul(filters, x.reshape(n, groups, per_group, height * width), out=y)
    else:
        blocks = _row_blocks(high, c * kh * kw * wide)
        buffer = np.empty(c * kh * kw * blocks[0][1] * wide, x.dtype)
        for image, answer in zip(_pad(x, padding), y, strict=True):
            for first, rows in blocks:
                columns = buffer[: c * kh * kw * rows * wide].reshape(c, kh, kw, rows, wide)
                _im2col(image, columns, first, *stride, *dilation)
                block = columns.reshape(groups, per_group * kh * kw, rows * wide)
                np.matmul(filters, block, out=answer[:, :, first * wide : (first + rows) * wide])
    if b is not None:
        y += b.reshape(groups, o // groups, 1)
    return y.reshape(n, o, high, wide)


def conv2d_dx(dy: Array, w: Array, size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    n, o, high, wide = dy.shape
    _, per_group, kh, kw = w.shape
    c = per_group * groups
    (ph, pw), (height, width) = padding, size
    dy = dy.reshape(n, groups, o // groups, high * wide)
    filters = w.reshape(groups, o // groups, per_group * kh * kw).transpose(0, 2, 1)
    if _is_plain_product((kh, kw), stride, padding):
        product: Array = filters @ dy
        return product.reshape(n, c, height, width)
    dx = np.empty((n, c, height, width), dy.dtype)
    padded = np.empty((c, height + 2 * ph, width + 2 * pw), dy.dtype)
    blocks = _row_blocks(high, c * kh * kw * wide)
    buffer = np.empty(c * kh * kw * blocks[0][1] * wide, dy.dtype)
    for image, answer in zip(dx, dy, strict=True):
        padded[:] = 0
        for first, rows in blocks:
            block = buffer[: c * kh * kw * rows * wide].reshape(groups, per_group * kh * kw, rows * wide)
            np.matmul(filters, answer[:, :, first * wide : (first + rows) * wide], out=block)
            columns = packed(block.reshape(c, kh, kw, rows, wide))
            _col2im(columns, padded, first, *stride, *dilation)
        image[:] = padded[:, ph : ph + height, pw : pw + width]
    return dx


def conv2d_dw(dy: Array, x: Array, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    n, o, high, wide = dy.shape
    c, (kh, kw) = x.shape[1], kernel
    per_group = c // groups
    dy = dy.reshape(n, groups, o // groups, high * wide)
    if _is_plain_product(kernel, stride, padding):
        pixels = x.reshape(n, groups, per_group, high * wide)
        product: Array = (dy @ pixels.transpose(0, 1, 3, 2)).sum(axis=0)
        return product.reshape(o, per_group, 1, 1)
    dw = np.zeros((groups, o // groups, per_group * kh * kw), dy.dtype)
    blocks = _row_blocks(high, c * kh * kw * wide)
    buffer = np.empty(c * kh * kw * blocks[0][1] * wide, dy.dtype)
    for image, answer in zip(_pad(x, padding), dy, strict=True):
        for first, rows in blocks:
            columns = buffer[: c * kh * kw * rows * wide].reshape(c, kh, kw, rows, wide)
            _im2col(image, columns, first, *stride, *dilation)
            block = columns.reshape(groups, per_group * kh * kw, rows * wide)
            dw += answer[:, :, first * wide : (first + rows) * wide] @ block.transpose(0, 2, 1)
    return dw.reshape(o, per_group, kh, kw)
