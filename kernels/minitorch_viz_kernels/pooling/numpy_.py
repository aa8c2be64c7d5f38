"""Rung two: pooling in NumPy. `sliding_window_view` shows every window, and one call of NumPy's goes through all."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from minitorch_viz_kernels.contract import Array, Pair
from minitorch_viz_kernels.machine.memory import blocks

# Windows take kh * kw times the memory of the image: images are taken in blocks of about this many numbers.
BLOCK_NUMBERS = 1 << 23


def _pad_for_windows(x: Array, axis: int, kernel: int, stride: int, padding: int, count: int, value: float) -> Array:
    """Pad one axis so that `count` windows fit: by `padding` before, and after by what the last window needs."""
    pad_after = (count - 1) * stride + kernel - padding - x.shape[axis]
    pads = [(0, 0)] * x.ndim
    pads[axis] = (padding, max(0, pad_after))
    return np.pad(x, pads, constant_values=value)


def maxpool2d(x: Array, kernel: Pair, stride: Pair, padding: Pair, out: Pair) -> tuple[Array, Array]:
    n, c, _, width = x.shape
    y = np.empty((n, c, *out), x.dtype)
    won = np.empty((n, c, *out), np.int32)
    first_row = np.arange(out[0])[:, None] * stride[0] - padding[0]
    first_col = np.arange(out[1])[None, :] * stride[1] - padding[1]
    for block in blocks(n, BLOCK_NUMBERS, c * out[0] * out[1] * kernel[0] * kernel[1]):
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
    """Return by how much each window's sum is divided, (H', W')."""
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
