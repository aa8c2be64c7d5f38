"""Max pooling in Numba: neighbouring windows are a vector, which keeps its best so far in a register.

`average_pooling` shows how a window that begins in the padding, or ends beyond it, is cut to the image.
"""

from __future__ import annotations

import numpy as np

from minitorch_viz_kernels.contract import Array, Pair
from minitorch_viz_kernels.machine.compiling import compiled, inner, packed
from minitorch_viz_kernels.machine.llvm import lanes_of
from minitorch_viz_kernels.machine.memory import empty, workspace
from minitorch_viz_kernels.machine.parallel import parallel, part_count, part_range
from minitorch_viz_kernels.machine.threads import WORKERS, board_for
from minitorch_viz_kernels.machine.vectors import ZERO

from .window_maxima import store_maxima

COST_PER_PIXEL = 10  # multiplications of a convolution that take as long as a comparison, or a sum, with its loads


@inner
def _maxpool_part(
    number: int, worker: int, parts: int, x: Array, y: Array, won: Array, kernel: Pair, stride: Pair, padding: Pair,
    lanes: int, memory: Array, room: int, steps: Array, codes: Array, last_switches: Array,
) -> None:  # fmt: skip
    """Compute some maps.

    A map is laid out in the phases of the stride (see `convolution/numba_/direct`), with a border of -inf, which never
    wins. Then a place (u, v) of neighbouring windows is a row of neighbouring pixels, and a whole vector of windows
    keeps its best so far in a register:

        place of the winner = where its window begins + code, and code = u * W + v
    """
    maps, height, width = x.shape
    _, high, wide = y.shape
    (kh, kw), (sh, sw), (ph, pw) = kernel, stride, padding
    rows, columns = high + (kh - 1) // sh, wide + (kw - 1) // sw  # of a phase
    border, last_answers = memory[worker * room :], memory[(worker + 1) * room - lanes :]
    phases, last_switches = (
        border[: sh * sw * rows * columns].reshape(sh, sw, rows, columns),
        last_switches[worker * lanes :],
    )
    answers, switches = y.reshape(y.size), won.reshape(won.size)
    first, stop = part_range(maps, number, parts)
    phases[:] = -np.inf  # once: the pixels of all maps come to the same places
    for m in range(first, stop):
        for row in range(min(height, (rows - 1) * sh + sh - ph)):
            i, a, source = (row + ph) // sh, (row + ph) % sh, x[m, row]
            for b in range(sw):
                begin = (b - pw) % sw  # the first pixel of this phase
                at, target = (begin + pw) // sw, phases[a, b, i]
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
        for i in range(high):
            at, answer_at, begin = i * columns, (m * high + i) * wide, (i * sh - ph) * width - pw
            first_pixel = max(0, ph - i * sh) * width  # where all are -inf: the first pixel in the window
            for j in range(0, wide - lanes + 1, lanes):
                store_maxima(
                    border, at + j, steps, codes, first_pixel, answers, switches, answer_at + j, begin + j * sw, sw
                )  # fmt: skip
            j = wide // lanes * lanes
            if j < wide:  # not a whole vector: what is read beyond the row is not kept
                store_maxima(
                    border, at + j, steps, codes, first_pixel, last_answers, last_switches, ZERO, begin + j * sw, sw
                )
                for k in range(wide - j):
                    answers[answer_at + j + k], switches[answer_at + j + k] = last_answers[k], last_switches[k]
            for j in range(min(wide, (pw + sw - 1) // sw)):  # windows that begin in the padding
                if answers[answer_at + j] == -np.inf:
                    switches[answer_at + j] = max(0, i * sh - ph) * width + max(0, j * sw - pw)


@compiled
def _maxpool(
    board: Array, x: Array, y: Array, won: Array, kernel: Pair, stride: Pair, padding: Pair, lanes: int, memory: Array,
    room: int, steps: Array, codes: Array, last_switches: Array,
) -> None:  # fmt: skip
    """Compute y and won (M, H', W') of M maps x (M, H, W)."""
    parts = part_count(board, len(x), COST_PER_PIXEL * y.size * kernel[0] * kernel[1])
    (kh, kw), (sh, sw) = kernel, stride
    rows, columns = y.shape[1] + (kh - 1) // sh, y.shape[2] + (kw - 1) // sw
    for u in range(kh):
        for v in range(kw):
            steps[u * kw + v] = ((u % sh * sw + v % sw) * rows + u // sh) * columns + v // sw
            codes[u * kw + v] = u * x.shape[2] + v
    parallel(
        _maxpool_part, parts, board,
        (parts, x, y, won, kernel, stride, padding, lanes, memory, room, steps, codes, last_switches),
    )  # fmt: skip


@inner
def _maxpool_dx_part(number: int, _worker: int, parts: int, dy: Array, won: Array, dx: Array) -> None:
    """Compute some maps."""
    channels, windows = dy.shape[1:]
    first, stop = part_range(len(dx), number, parts)
    for m in range(first, stop):
        n, c = m // channels, m % channels
        target, source, places = dx[m], dy[n, c], won[n % len(won), c]
        target[:] = 0
        for i in range(windows):
            target[places[i]] += source[i]


@compiled
def _maxpool_dx(board: Array, dy: Array, won: Array, dx: Array) -> None:
    """Compute dx (N * C, pixels) from dy (N, C, windows) and won (N or 1, C, windows)."""
    parts = part_count(board, len(dx), COST_PER_PIXEL * (dy.size + dx.size))
    parallel(_maxpool_dx_part, parts, board, (parts, dy, won, dx))


def maxpool2d(x: Array, kernel: Pair, stride: Pair, padding: Pair, out: Pair) -> tuple[Array, Array]:
    n, c, height, width = x.shape
    y = empty((n * c, *out), x.dtype)
    won = empty((n * c, *out), np.int32)
    board, lanes = board_for(COST_PER_PIXEL * y.size * kernel[0] * kernel[1]), lanes_of(x.dtype)
    rows, columns = (out[a] + (kernel[a] - 1) // stride[a] for a in (0, 1))
    threads, room = int(board[WORKERS]) + 1, stride[0] * stride[1] * rows * columns + 2 * lanes
    memory, last_switches = workspace(threads * room, x.dtype), np.empty(threads * lanes, np.int32)
    steps, codes = np.empty(kernel[0] * kernel[1], np.int64), np.empty(kernel[0] * kernel[1], np.int32)
    maps = packed(x, n * c, height, width)
    _maxpool(board, maps, y, won, kernel, stride, padding, lanes, memory, room, steps, codes, last_switches)
    return y.reshape(n, c, *out), won.reshape(n, c, *out)


def maxpool2d_dx(dy: Array, won: Array, size: Pair) -> Array:
    n, c, high, wide = dy.shape
    dx = empty((n * c, size[0] * size[1]), dy.dtype)
    answers, switches = packed(dy, n, c, high * wide), packed(won, len(won), c, high * wide)
    _maxpool_dx(board_for(COST_PER_PIXEL * (dy.size + dx.size)), answers, switches, dx)
    return dx.reshape(n, c, *size)
