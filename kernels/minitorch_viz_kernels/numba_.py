"""Rung three: the same idea as `numpy_`, but the loops that move numbers are compiled, and work on blocks.

The columns of a convolution take kh * kw times the memory of the image. Written out whole they travel to main memory
and back; cut into blocks that stay in the processor's cache they do not:

    image, one group          columns of some rows of windows           those rows of the answer
    +-----------+  im2col     +-----------------------+   w @ columns   +-----------+
    |:::::::::::|  -------->  | C/g * kh * kw, P      |  ------------>  | O/g, P    |   next rows, same buffer
    |           |             +-----------------------+                 +-----------+
    +-----------+

The gradients go by blocks of channels: dx adds the columns w.T @ dy of a few channels back to their pixels (col2im),
dw multiplies dy with the columns of a few channels.

Compiled loops only move, compare and add; matrix products and powers are NumPy's, which has the faster ones. They
release the GIL and start no threads, so that several Python threads may run them at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba
import numpy as np

from .contract import Array, Pair, out_size

P = ParamSpec("P")
R = TypeVar("R")

# Numbers in one block of columns: 1 MiB of float32, which fits a core's cache beside the filters.
BLOCK = 1 << 18


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile at the first call, release the GIL, and keep the machine code on disk where a folder is writable.

    A compiled function that calls another keeps running the old one from disk after that one's file changed:
    kernels call nothing outside their own file.
    """
    try:
        compiled = numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:  # "cannot cache function: no locator available": a read-only installation
        compiled = numba.njit(nogil=True)(function)
    return cast("Callable[P, R]", compiled)


def _packed(x: Array) -> Array:
    """The array as a contiguous, read-only view.

    Numba compiles anew for each memory layout and for read-only arrays, at a second each: this leaves one kind.
    """
    x = np.ascontiguousarray(x).view()
    x.flags.writeable = False
    return x


# --- Convolution ------------------------------------------------------------------------------------------------


@kernel
def _im2col(
    x: Array, columns: Array, first: int, sh: int, sw: int, ph: int, pw: int, dh: int, dw: int
) -> None:
    """x (C, H, W) -> columns (C, kh, kw, rows, W'): what each window sees, for `rows` rows of windows from `first`."""
    channels, height, width = x.shape
    _, kh, kw, rows, wide = columns.shape
    for c in range(channels):
        for u in range(kh):
            for v in range(kw):
                shift = v * dw - pw  # window j reads column j * sw + shift
                start = min(wide, max(0, -(shift // sw)))  # the first and the last j inside the image
                stop = max(start, min(wide, (width - 1 - shift) // sw + 1))
                for i in range(rows):
                    row = (first + i) * sh - ph + u * dh
                    if row < 0 or row >= height:
                        columns[c, u, v, i, :] = 0
                        continue
                    columns[c, u, v, i, :start] = 0
                    columns[c, u, v, i, stop:] = 0
                    if sw == 1:
                        for j in range(start, stop):
                            columns[c, u, v, i, j] = x[c, row, j + shift]
                    else:
                        for j in range(start, stop):
                            columns[c, u, v, i, j] = x[c, row, j * sw + shift]


@kernel
def _col2im(columns: Array, dx: Array, sh: int, sw: int, ph: int, pw: int, dh: int, dw: int) -> None:
    """columns (C, kh, kw, H', W') are added to the pixels of dx (C, H, W) that `_im2col` reads them from."""
    channels, height, width = dx.shape
    _, kh, kw, high, wide = columns.shape
    for c in range(channels):
        for u in range(kh):
            for v in range(kw):
                shift = v * dw - pw
                start = min(wide, max(0, -(shift // sw)))
                stop = max(start, min(wide, (width - 1 - shift) // sw + 1))
                for i in range(high):
                    row = i * sh - ph + u * dh
                    if row < 0 or row >= height:
                        continue
                    if sw == 1:
                        for j in range(start, stop):
                            dx[c, row, j + shift] += columns[c, u, v, i, j]
                    else:
                        for j in range(start, stop):
                            dx[c, row, j * sw + shift] += columns[c, u, v, i, j]


def _is_plain_product(kernel_size: tuple[int, ...], stride: Pair, padding: Pair) -> bool:
    """1x1 filters at stride 1: the image already is its columns."""
    return kernel_size == (1, 1) and stride == (1, 1) and padding == (0, 0)


def conv2d(x: Array, w: Array, b: Array | None, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    n, c, height, width = x.shape
    o, per_group, kh, kw = w.shape
    high, wide = (out_size(x.shape[2 + a], (kh, kw)[a], stride[a], padding[a], dilation[a]) for a in (0, 1))
    x = _packed(x)
    filters = w.reshape(groups, o // groups, per_group * kh * kw)
    y = np.empty((n, groups, o // groups, high * wide), x.dtype)
    if _is_plain_product((kh, kw), stride, padding):
        np.matmul(filters, x.reshape(n, groups, per_group, height * width), out=y)
    else:
        rows = min(high, max(1, BLOCK // (c * kh * kw * wide)))
        buffer = np.empty(c * kh * kw * rows * wide, x.dtype)
        for image, answer in zip(x, y, strict=True):
            for first in range(0, high, rows):
                count = min(rows, high - first)
                columns = buffer[: c * kh * kw * count * wide].reshape(c, kh, kw, count, wide)
                _im2col(image, columns, first, *stride, *padding, *dilation)
                block = columns.reshape(groups, per_group * kh * kw, count * wide)
                np.matmul(filters, block, out=answer[:, :, first * wide : (first + count) * wide])
    if b is not None:
        y += b.reshape(groups, o // groups, 1)
    return y.reshape(n, o, high, wide)


def conv2d_dx(dy: Array, w: Array, size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    n, o, high, wide = dy.shape
    _, per_group, kh, kw = w.shape
    dy = np.ascontiguousarray(dy).reshape(n, groups, o // groups, high * wide)
    filters = w.reshape(groups, o // groups, per_group * kh * kw).transpose(0, 2, 1)
    if _is_plain_product((kh, kw), stride, padding):
        return np.matmul(filters, dy).reshape(n, per_group * groups, *size)
    dx = np.zeros((n, groups, per_group, *size), dy.dtype)
    step = min(per_group, max(1, BLOCK // (kh * kw * high * wide)))
    buffer = np.empty((step * kh * kw, high * wide), dy.dtype)
    for image, q in np.ndindex(n, groups):
        for first in range(0, per_group, step):
            block = filters[q, first * kh * kw : (first + step) * kh * kw]
            columns = np.matmul(block, dy[image, q], out=buffer[: len(block)])
            _col2im(
                _packed(columns.reshape(-1, kh, kw, high, wide)),
                dx[image, q, first : first + step],
                *stride,
                *padding,
                *dilation,
            )
    return dx.reshape(n, per_group * groups, *size)


def conv2d_dw(dy: Array, x: Array, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    n, o, high, wide = dy.shape
    per_group = x.shape[1] // groups
    taps = kernel[0] * kernel[1]
    x = _packed(x).reshape(n, groups, per_group, *x.shape[2:])
    dy = np.ascontiguousarray(dy).reshape(n, groups, o // groups, high * wide)
    dw = np.zeros((groups, o // groups, per_group * taps), dy.dtype)
    step = min(per_group, max(1, BLOCK // (taps * high * wide)))
    buffer = np.empty(step * taps * high * wide, dy.dtype)
    for image, q in np.ndindex(n, groups):
        for first in range(0, per_group, step):
            channels = x[image, q, first : first + step]
            columns = buffer[: len(channels) * taps * high * wide].reshape(len(channels), *kernel, high, wide)
            _im2col(channels, columns, 0, *stride, *padding, *dilation)
            block = columns.reshape(len(channels) * taps, high * wide)
            dw[q, :, first * taps : first * taps + len(block)] += dy[image, q] @ block.T
    return dw.reshape(o, per_group, *kernel)


# --- Pooling ----------------------------------------------------------------------------------------------------


@kernel
def _maxpool(x: Array, y: Array, won: Array, kh: int, kw: int, sh: int, sw: int, ph: int, pw: int) -> None:
    """x (M, H, W) -> y and won (M, H', W'), M maps."""
    maps, height, width = x.shape
    _, high, wide = y.shape
    for m in range(maps):
        for i in range(high):
            top, bottom = max(0, i * sh - ph), min(height, i * sh - ph + kh)
            for j in range(wide):
                left, right = max(0, j * sw - pw), min(width, j * sw - pw + kw)
                best = x[m, top, left]
                place = top * width + left
                for row in range(top, bottom):
                    for col in range(left, right):
                        value = x[m, row, col]
                        # A NaN differs from itself. Once it is best, nothing is greater than it.
                        if value > best or (value != value and best == best):
                            best = value
                            place = row * width + col
                y[m, i, j] = best
                won[m, i, j] = place


@kernel
def _maxpool_dx(dy: Array, won: Array, dx: Array) -> None:
    """dy (N, M), won (N or 1, M) -> added into dx (N, M, pixels), for maps of `windows` entries each."""
    images, maps, windows = dy.shape
    for n in range(images):
        for m in range(maps):
            for i in range(windows):
                dx[n, m, won[n % won.shape[0], m, i]] += dy[n, m, i]


def maxpool2d(x: Array, kernel: Pair, stride: Pair, padding: Pair, out: Pair) -> tuple[Array, Array]:
    n, c, height, width = x.shape
    y = np.empty((n * c, *out), x.dtype)
    won = np.empty((n * c, *out), np.int32)
    _maxpool(_packed(x).reshape(n * c, height, width), y, won, *kernel, *stride, *padding)
    return y.reshape(n, c, *out), won.reshape(n, c, *out)


def maxpool2d_dx(dy: Array, won: Array, size: Pair) -> Array:
    n, c, high, wide = dy.shape
    dx = np.zeros((n, c, size[0] * size[1]), dy.dtype)
    _maxpool_dx(_packed(dy).reshape(n, c, high * wide), _packed(won).reshape(len(won), c, high * wide), dx)
    return dx.reshape(n, c, *size)
