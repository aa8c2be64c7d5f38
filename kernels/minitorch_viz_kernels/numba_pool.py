"""Pooling in Numba: the loops of `reference`, compiled.

padding  . . . . .     A window may begin in the padding and end beyond it. Its part inside the image runs
         . +-----       from top  = max(0, i * stride - padding)
         . | x x x      to bottom = min(H, i * stride - padding + kh), left and right likewise,
         . | x x x      so that the inner loops need no test.
"""

from __future__ import annotations

import numpy as np

from .contract import Array, Pair
from .numba_crew import parallel, pieces, share
from .numba_jit import helper, kernel, packed
from .threads import crew

COST = 10  # a comparison or a sum with its loads costs about as much as so many multiplications of a convolution


@helper
def _maxpool_part(
    number: int, _me: int, parts: int, x: Array, y: Array, won: Array, kernel: Pair, stride: Pair, padding: Pair
) -> None:  # fmt: skip
    """Some maps."""
    maps, height, width = x.shape
    _, high, wide = y.shape
    (kh, kw), (sh, sw), (ph, pw) = kernel, stride, padding
    first, stop = share(maps, number, parts)
    for m in range(first, stop):
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
def _maxpool(
    board: Array, x: Array, y: Array, won: Array, kernel: Pair, stride: Pair, padding: Pair
) -> None:  # fmt: skip
    """x (M, H, W) -> y and won (M, H', W'), M maps."""
    parts = pieces(board, len(x), COST * y.size * kernel[0] * kernel[1])
    parallel(_maxpool_part, parts, board, (parts, x, y, won, kernel, stride, padding))


@helper
def _maxpool_dx_part(number: int, _me: int, parts: int, dy: Array, won: Array, dx: Array) -> None:
    """Some maps."""
    channels, windows = dy.shape[1:]
    first, stop = share(len(dx), number, parts)
    for m in range(first, stop):
        n, c = m // channels, m % channels
        target, source, places = dx[m], dy[n, c], won[n % len(won), c]
        target[:] = 0
        for i in range(windows):
            target[places[i]] += source[i]


@kernel
def _maxpool_dx(board: Array, dy: Array, won: Array, dx: Array) -> None:
    """dy (N, C, windows), won (N or 1, C, windows) -> dx (N * C, pixels)."""
    parts = pieces(board, len(dx), COST * (dy.size + dx.size))
    parallel(_maxpool_dx_part, parts, board, (parts, dy, won, dx))


def maxpool2d(x: Array, kernel: Pair, stride: Pair, padding: Pair, out: Pair) -> tuple[Array, Array]:
    n, c, height, width = x.shape
    y = np.empty((n * c, *out), x.dtype)
    won = np.empty((n * c, *out), np.int32)
    board = crew(COST * y.size * kernel[0] * kernel[1])
    _maxpool(board, packed(x).reshape(n * c, height, width), y, won, kernel, stride, padding)
    return y.reshape(n, c, *out), won.reshape(n, c, *out)


def maxpool2d_dx(dy: Array, won: Array, size: Pair) -> Array:
    n, c, high, wide = dy.shape
    dx = np.empty((n * c, size[0] * size[1]), dy.dtype)
    answers, switches = packed(dy).reshape(n, c, high * wide), packed(won).reshape(len(won), c, high * wide)
    _maxpool_dx(crew(COST * (dy.size + dx.size)), answers, switches, dx)
    return dx.reshape(n, c, *size)


@helper
def _avgpool_part(
    number: int, _me: int, parts: int, x: Array, y: Array, kernel: Pair, stride: Pair, padding: Pair, include_pad: bool
) -> None:  # fmt: skip
    """Some maps."""
    maps, height, width = x.shape
    _, high, wide = y.shape
    (kh, kw), (sh, sw), (ph, pw) = kernel, stride, padding
    first, stop = share(maps, number, parts)
    for m in range(first, stop):
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
def _avgpool(
    board: Array, x: Array, y: Array, kernel: Pair, stride: Pair, padding: Pair, include_pad: bool
) -> None:  # fmt: skip
    """x (M, H, W) -> y (M, H', W')."""
    parts = pieces(board, len(x), COST * y.size * kernel[0] * kernel[1])
    parallel(_avgpool_part, parts, board, (parts, x, y, kernel, stride, padding, include_pad))


@helper
def _avgpool_dx_part(
    number: int, _me: int, parts: int, dy: Array, dx: Array, kernel: Pair, stride: Pair, padding: Pair,
    include_pad: bool,
) -> None:  # fmt: skip
    """Some maps."""
    maps, height, width = dx.shape
    _, high, wide = dy.shape
    (kh, kw), (sh, sw), (ph, pw) = kernel, stride, padding
    first, stop = share(maps, number, parts)
    for m in range(first, stop):
        dx[m] = 0
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
                each = dy[m, i, j] / count
                for row in range(top, bottom):
                    for col in range(left, right):
                        dx[m, row, col] += each


@kernel
def _avgpool_dx(
    board: Array, dy: Array, dx: Array, kernel: Pair, stride: Pair, padding: Pair, include_pad: bool
) -> None:  # fmt: skip
    """dy (M, H', W') -> dx (M, H, W)."""
    parts = pieces(board, len(dx), COST * dy.size * kernel[0] * kernel[1])
    parallel(_avgpool_dx_part, parts, board, (parts, dy, dx, kernel, stride, padding, include_pad))


def avgpool2d(x: Array, kernel: Pair, stride: Pair, padding: Pair, out: Pair, count_include_pad: bool) -> Array:
    n, c, height, width = x.shape
    y = np.empty((n * c, *out), x.dtype)
    board = crew(COST * y.size * kernel[0] * kernel[1])
    _avgpool(board, packed(x).reshape(n * c, height, width), y, kernel, stride, padding, count_include_pad)
    return y.reshape(n, c, *out)


def avgpool2d_dx(dy: Array, kernel: Pair, stride: Pair, padding: Pair, size: Pair, count_include_pad: bool) -> Array:
    n, c, high, wide = dy.shape
    dx = np.empty((n * c, *size), dy.dtype)
    board = crew(COST * dy.size * kernel[0] * kernel[1])
    _avgpool_dx(board, packed(dy).reshape(n * c, high, wide), dx, kernel, stride, padding, count_include_pad)
    return dx.reshape(n, c, *size)
