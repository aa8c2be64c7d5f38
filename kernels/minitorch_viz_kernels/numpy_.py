"""Rung two: the kernels in NumPy. No loop over pixels; `sliding_window_view` and one matrix product do the work.

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

from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .contract import Array, Pair, out_size
from .numpy_lstm import lstm, lstm_dz
from .numpy_pointwise import add, batch_norm, batch_norm_dx, concat, relu, relu_dx

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

# Columns take kh * kw times the memory of the image: images are taken in blocks of about this many numbers.
BLOCK = 1 << 23


def _blocks(count: int, size: int) -> Iterator[slice]:
    step = max(1, BLOCK // max(1, size))
    for start in range(0, count, step):
        yield slice(start, start + step)


def _columns(x: Array, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    """x (N, C, H, W) -> (N, g, C/g * kh * kw, H' * W'), every window a column."""
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
    for block in _blocks(n, c * kh * kw * high * wide):
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
    for block in _blocks(n, c * kh * kw * high * wide):
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
    for block in _blocks(n, x.shape[1] * kernel[0] * kernel[1] * high * wide):
        columns = _columns(x[block], kernel, stride, padding, dilation, groups)
        answers = dy[block].reshape(-1, groups, o // groups, high * wide)
        dw += (answers @ columns.transpose(0, 1, 3, 2)).sum(axis=0)
    return dw.reshape(o, per_group, *kernel)


def _pad_for_windows(x: Array, axis: int, kernel: int, stride: int, padding: int, count: int, value: float) -> Array:
    """Pad one axis so that `count` windows fit: by `padding` before, and after by what the last window needs."""
    after = (count - 1) * stride + kernel - padding - x.shape[axis]
    pads = [(0, 0)] * x.ndim
    pads[axis] = (padding, max(0, after))
    return np.pad(x, pads, constant_values=value)


def maxpool2d(x: Array, kernel: Pair, stride: Pair, padding: Pair, out: Pair) -> tuple[Array, Array]:
    n, c, _, width = x.shape
    y = np.empty((n, c, *out), x.dtype)
    won = np.empty((n, c, *out), np.int32)
    first_row = np.arange(out[0])[:, None] * stride[0] - padding[0]
    first_col = np.arange(out[1])[None, :] * stride[1] - padding[1]
    for block in _blocks(n, c * out[0] * out[1] * kernel[0] * kernel[1]):
        image = x[block]
        for a in (0, 1):
            image = _pad_for_windows(image, 2 + a, kernel[a], stride[a], padding[a], out[a], -np.inf)
        windows = sliding_window_view(image, kernel, axis=(2, 3))[:, :, :: stride[0], :: stride[1]]
        windows = windows[:, :, : out[0], : out[1]].reshape(-1, c, *out, kernel[0] * kernel[1])
        place = windows.argmax(axis=-1)  # the first of equals; a NaN before any number
        y[block] = np.take_along_axis(windows, place[..., None], axis=-1)[..., 0]
        # Padding (-inf) comes first only where the whole window is -inf, as its corner. The clip moves that corner
        # to the first pixel of the window; pixels are not moved by it.
        row = np.maximum(first_row + place // kernel[1], 0)
        col = np.maximum(first_col + place % kernel[1], 0)
        won[block] = row * width + col
    return y, won


def maxpool2d_dx(dy: Array, won: Array, size: Pair) -> Array:
    n, c = dy.shape[:2]
    pixels = size[0] * size[1]
    dx = np.zeros(n * c * pixels, dy.dtype)
    map_start = pixels * np.arange(n * c, dtype=np.intp).reshape(n, c, 1, 1)
    np.add.at(dx, (map_start + won).ravel(), dy.ravel())  # unlike dx[i] += dy, adds up where an index repeats
    return dx.reshape(n, c, *size)


def _divisor(size: Pair, kernel: Pair, stride: Pair, padding: Pair, out: Pair, include_pad: bool, like: Array) -> Array:
    """By how much each window's sum is divided, (H', W')."""
    counts = []
    for a in (0, 1):
        start = np.arange(out[a]) * stride[a] - padding[a]
        stop = start + kernel[a]
        if include_pad:
            counts.append(np.minimum(stop, size[a] + padding[a]) - start)
        else:
            counts.append(np.minimum(stop, size[a]) - np.maximum(start, 0))
    return np.outer(counts[0], counts[1]).astype(like.dtype)


def avgpool2d(x: Array, kernel: Pair, stride: Pair, padding: Pair, out: Pair, count_include_pad: bool) -> Array:
    total = x
    for a in (0, 1):  # the sum over a window is a sum over columns of sums over rows
        padded = _pad_for_windows(total, 2 + a, kernel[a], stride[a], padding[a], out[a], 0)
        windows = np.moveaxis(sliding_window_view(padded, kernel[a], axis=2 + a), 2 + a, 0)
        total = np.moveaxis(windows[:: stride[a]][: out[a]].sum(axis=-1), 0, 2 + a)
    return total / _divisor(x.shape[2:], kernel, stride, padding, out, count_include_pad, like=x)


def avgpool2d_dx(dy: Array, kernel: Pair, stride: Pair, padding: Pair, size: Pair, count_include_pad: bool) -> Array:
    out = dy.shape[2:]
    dx = dy / _divisor(size, kernel, stride, padding, out, count_include_pad, like=dy)
    for a in (0, 1):
        share = np.moveaxis(dx, 2 + a, 0)
        span = (out[a] - 1) * stride[a] + kernel[a]
        spread = np.zeros((max(span, size[a] + padding[a]), *share.shape[1:]), dy.dtype)
        for u in range(kernel[a]):
            spread[u : u + (out[a] - 1) * stride[a] + 1 : stride[a]] += share
        dx = np.moveaxis(spread[padding[a] : padding[a] + size[a]], 0, 2 + a)
    return np.ascontiguousarray(dx)


def _sum_over_channels(x: Array, before: int, after: int) -> Array:
    """At each channel c, the sum of the channels c - before to c + after that exist."""
    padded = np.pad(x, ((0, 0), (before, after), (0, 0), (0, 0)))
    total: Array = sliding_window_view(padded, before + 1 + after, axis=1).sum(axis=-1)
    return total


def lrn(x: Array, size: int, alpha: float, beta: float, k: float) -> tuple[Array, Array]:
    scale = k + alpha * _sum_over_channels(x * x, size // 2, (size - 1) // 2)
    return x / scale**beta, scale


def lrn_dx(dy: Array, x: Array, scale: Array, size: int, alpha: float, beta: float) -> Array:
    through_scale = _sum_over_channels(dy * x * scale ** (-beta - 1), (size - 1) // 2, size // 2)
    return dy * scale**-beta - 2 * alpha * beta * x * through_scale


def matmul(a: Array, b: Array) -> Array:
    c: Array = a @ b
    return c
