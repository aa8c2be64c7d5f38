"""Pooling in Numba: the loops of `reference`, compiled.

padding  . . . . .     A window may begin in the padding and end beyond it. Its part inside the image runs
         . +-----       from top  = max(0, i * stride - padding)
         . | x x x      to bottom = min(H, i * stride - padding + kh), left and right likewise,
         . | x x x      so that the inner loops need no test.
"""

from __future__ import annotations

import numpy as np

from .contract import Array, Pair
from .numba_jit import kernel, packed
from .threads import split

COST = 10  # a comparison or a sum with its loads costs about as much as so many multiplications of a convolution


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
                    pixels = x[m, row, left:right]
                    for col in range(len(pixels)):
                        value = pixels[col]
                        # A NaN differs from itself. Once it is best, nothing is greater than it. Written without
                        # branches, which no processor could predict.
                        wins = (value > best) | ((value != value) & (best == best))
                        best = value if wins else best
                        place = row * width + left + col if wins else place
                y[m, i, j] = best
                won[m, i, j] = place


@kernel
def _maxpool_dx(dy: Array, won: Array, dx: Array, first: int, stop: int) -> None:
    """dy (N, C, windows), won (N or 1, C, windows) -> added into dx (N, C, pixels), maps first to stop."""
    images, _, windows = dy.shape
    for n in range(images):
        for m in range(first, stop):
            for i in range(windows):
                dx[n, m, won[n % won.shape[0], m, i]] += dy[n, m, i]


def maxpool2d(x: Array, kernel: Pair, stride: Pair, padding: Pair, out: Pair) -> tuple[Array, Array]:
    n, c, height, width = x.shape
    y = np.empty((n * c, *out), x.dtype)
    won = np.empty((n * c, *out), np.int32)
    maps = packed(x).reshape(n * c, height, width)

    def work(start: int, stop: int) -> None:
        some = slice(start, stop)
        _maxpool(maps[some], y[some], won[some], *kernel, *stride, *padding)

    split(n * c, COST * y.size * kernel[0] * kernel[1], work)
    return y.reshape(n, c, *out), won.reshape(n, c, *out)


def maxpool2d_dx(dy: Array, won: Array, size: Pair) -> Array:
    n, c, high, wide = dy.shape
    dx = np.zeros((n, c, size[0] * size[1]), dy.dtype)
    answers, switches = packed(dy).reshape(n, c, high * wide), packed(won).reshape(len(won), c, high * wide)

    def work(start: int, stop: int) -> None:
        _maxpool_dx(answers, switches, dx, start, stop)

    split(c, COST * (dy.size + dx.size), work)
    return dx.reshape(n, c, *size)


@kernel
def _avgpool(x: Array, y: Array, kh: int, kw: int, sh: int, sw: int, ph: int, pw: int, include_pad: bool) -> None:
    """x (M, H, W) -> y (M, H', W')."""
    maps, height, width = x.shape
    _, high, wide = y.shape
    for m in range(maps):
        for i in range(high):
            above = i * sh - ph
            top, bottom = max(0, above), min(height, above + kh)
            for j in range(wide):
                before = j * sw - pw
                left, right = max(0, before), min(width, before + kw)
                total = 0.0
                for row in range(top, bottom):
                    for col in range(left, right):
                        total += x[m, row, col]
                if include_pad:
                    count = (min(height + ph, above + kh) - above) * (min(width + pw, before + kw) - before)
                else:
                    count = (bottom - top) * (right - left)
                y[m, i, j] = total / count


@kernel
def _avgpool_dx(dy: Array, dx: Array, kh: int, kw: int, sh: int, sw: int, ph: int, pw: int, include_pad: bool) -> None:
    """dy (M, H', W') -> added into dx (M, H, W)."""
    maps, height, width = dx.shape
    _, high, wide = dy.shape
    for m in range(maps):
        for i in range(high):
            above = i * sh - ph
            top, bottom = max(0, above), min(height, above + kh)
            for j in range(wide):
                before = j * sw - pw
                left, right = max(0, before), min(width, before + kw)
                if include_pad:
                    count = (min(height + ph, above + kh) - above) * (min(width + pw, before + kw) - before)
                else:
                    count = (bottom - top) * (right - left)
                share = dy[m, i, j] / count
                for row in range(top, bottom):
                    for col in range(left, right):
                        dx[m, row, col] += share


def avgpool2d(x: Array, kernel: Pair, stride: Pair, padding: Pair, out: Pair, count_include_pad: bool) -> Array:
    n, c, height, width = x.shape
    y = np.empty((n * c, *out), x.dtype)
    maps = packed(x).reshape(n * c, height, width)

    def work(start: int, stop: int) -> None:
        _avgpool(maps[start:stop], y[start:stop], *kernel, *stride, *padding, count_include_pad)

    split(n * c, COST * y.size * kernel[0] * kernel[1], work)
    return y.reshape(n, c, *out)


def avgpool2d_dx(dy: Array, kernel: Pair, stride: Pair, padding: Pair, size: Pair, count_include_pad: bool) -> Array:
    n, c, high, wide = dy.shape
    dx = np.zeros((n * c, *size), dy.dtype)
    answers = packed(dy).reshape(n * c, high, wide)

    def work(start: int, stop: int) -> None:
        _avgpool_dx(answers[start:stop], dx[start:stop], *kernel, *stride, *padding, count_include_pad)

    split(n * c, COST * dy.size * kernel[0] * kernel[1], work)
    return dx.reshape(n, c, *size)
