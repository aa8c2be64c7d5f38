"""Pooling in Numba: the loops of `reference`, compiled.

padding  . . . . .     A window may begin in the padding and end beyond it. Its part inside the image runs
         . +-----       from top  = max(0, i * stride - padding)
         . | x x x      to bottom = min(H, i * stride - padding + kh), left and right likewise,
         . | x x x      so that the inner loops need no test.
"""

from __future__ import annotations

import numpy as np

from .contract import Array, Pair
from .memory import empty
from .numba_crew import parallel, pieces, share
from .numba_jit import helper, kernel, packed
from .numba_vector import keep_winners, lanes_of
from .threads import HELPERS, crew, workspace

COST = 10  # a comparison or a sum with its loads costs about as much as so many multiplications of a convolution
CHUNK = 1024  # windows whose winners are looked for at a time: they stay in the nearest cache
NOBODY = -(1 << 31)  # has won


@helper
def _maxpool_part(
    number: int, me: int, parts: int, x: Array, y: Array, won: Array, kernel: Pair, stride: Pair, padding: Pair,
    lanes: int, memory: Array, room: int, codes: Array,
) -> None:  # fmt: skip
    """Some maps.

    A map is laid out in the phases of the stride, with a border of -inf, which never wins (see `numba_direct`). Then
    each place (u, v) of the windows is one long row of pixels, compared with the best so far:

        place of the winner = where its window begins + code, and code = u * W + v
    """
    maps, height, width = x.shape
    _, high, wide = y.shape
    (kh, kw), (sh, sw), (ph, pw) = kernel, stride, padding
    rows, columns = high + (kh - 1) // sh, wide + (kw - 1) // sw  # of a phase
    size = sh * sw * rows * columns
    border, space = memory[me * room :], memory[me * room + size :]
    pieces_of = border[:size].reshape(sh, sw, rows, columns)
    best, codes = space[:CHUNK], codes[me * CHUNK :]
    first, stop = share(maps, number, parts)
    places = (high - 1) * columns + wide
    for m in range(first, stop):
        border[:size] = -np.inf
        for row in range(min(height, (rows - 1) * sh + sh - ph)):
            i, a, source = (row + ph) // sh, (row + ph) % sh, x[m, row]
            for b in range(sw):
                begin = (b - pw) % sw  # the first pixel of this phase
                at, target = (begin + pw) // sw, pieces_of[a, b, i]
                count = min(columns - at, (width - begin + sw - 1) // sw)
                inner = target[at : at + count]
                if sw == 1:  # apart, because these two are compiled to vector instructions
                    for j in range(count):
                        inner[j] = source[begin + j]
                elif sw == 2:
                    for j in range(count):
                        inner[j] = source[begin + 2 * j]
                else:
                    for j in range(count):
                        inner[j] = source[begin + j * sw]
        for start in range(0, places, CHUNK):
            count = min(CHUNK, places - start)
            for j in range(count):
                best[j] = -np.inf
                codes[j] = NOBODY
            for u in range(kh):
                for v in range(kw):
                    code, at = u * width + v, ((u % sh * sw + v % sw) * rows + u // sh) * columns + v // sw + start
                    for j in range(0, count, lanes):  # the last vector reads beyond; nobody looks at its answers
                        keep_winners(border, at + j, code, best, codes, j)
            for i in range(start // columns, min(high, (start + count - 1) // columns + 1)):
                before, after = max(0, start - i * columns), min(wide, start + count - i * columns)
                values, places_won = y[m, i, before:after], won[m, i, before:after]
                found, noted = best[i * columns + before - start :], codes[i * columns + before - start :]
                begin, nobody = (i * sh - ph) * width + before * sw - pw, False
                for j in range(len(values)):
                    values[j] = found[j]
                for j in range(len(places_won)):
                    places_won[j] = noted[j] + np.int32(begin + j * sw)
                    nobody |= noted[j] == NOBODY
                if nobody:  # somewhere all are -inf: the first pixel
                    for j in range(len(places_won)):
                        if noted[j] == NOBODY:
                            places_won[j] = max(0, i * sh - ph) * width + max(0, (before + j) * sw - pw)


@kernel
def _maxpool(
    board: Array, x: Array, y: Array, won: Array, kernel: Pair, stride: Pair, padding: Pair, lanes: int, memory: Array,
    room: int, codes: Array,
) -> None:  # fmt: skip
    """x (M, H, W) -> y and won (M, H', W'), M maps."""
    parts = pieces(board, len(x), COST * y.size * kernel[0] * kernel[1])
    parallel(_maxpool_part, parts, board, (parts, x, y, won, kernel, stride, padding, lanes, memory, room, codes))


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
    y = empty((n * c, *out), x.dtype)
    won = empty((n * c, *out), np.int32)
    board, lanes = crew(COST * y.size * kernel[0] * kernel[1]), lanes_of(x.dtype)
    rows, columns = (out[a] + (kernel[a] - 1) // stride[a] for a in (0, 1))
    threads, room = int(board[HELPERS]) + 1, stride[0] * stride[1] * rows * columns + CHUNK
    memory, codes = workspace(threads * room, x.dtype), np.empty(threads * CHUNK, np.int32)
    maps = packed(x).reshape(n * c, height, width)
    _maxpool(board, maps, y, won, kernel, stride, padding, lanes, memory, room, codes)
    return y.reshape(n, c, *out), won.reshape(n, c, *out)


def maxpool2d_dx(dy: Array, won: Array, size: Pair) -> Array:
    n, c, high, wide = dy.shape
    dx = empty((n * c, size[0] * size[1]), dy.dtype)
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
    y = empty((n * c, *out), x.dtype)
    board = crew(COST * y.size * kernel[0] * kernel[1])
    _avgpool(board, packed(x).reshape(n * c, height, width), y, kernel, stride, padding, count_include_pad)
    return y.reshape(n, c, *out)


def avgpool2d_dx(dy: Array, kernel: Pair, stride: Pair, padding: Pair, size: Pair, count_include_pad: bool) -> Array:
    n, c, high, wide = dy.shape
    dx = empty((n * c, *size), dy.dtype)
    board = crew(COST * dy.size * kernel[0] * kernel[1])
    _avgpool_dx(board, packed(dy).reshape(n * c, high, wide), dx, kernel, stride, padding, count_include_pad)
    return dx.reshape(n, c, *size)
