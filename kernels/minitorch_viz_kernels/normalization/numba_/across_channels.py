"""Local response normalization in Numba: sums over channels, for some pixels of every map at a time.

channel   0   1   2   3   4        size 3: the sum at channel 2 takes channels 1 to 3,
             [---------]           each a row of pixels added to a row of pixels.

Threads take some of the pixels each, so that every sum over channels stays within one thread. The power 0.75 of every
published net is two square roots, which processors have; others are ten times slower.
"""

from __future__ import annotations

import math

from minitorch_viz_kernels.contract import Array
from minitorch_viz_kernels.machine.compiling import compiled, flat_maps, inlined, inner, packed
from minitorch_viz_kernels.machine.memory import empty, workspace
from minitorch_viz_kernels.machine.parallel import parallel, part_range
from minitorch_viz_kernels.machine.threads import WORKERS, board_for
from minitorch_viz_kernels.machine.vectors import frozen

COST_PER_NUMBER = 50  # multiplications of a convolution that take as long as the powers and sums of a number
PIXELS = 512  # that are summed at a time, in every channel


@inlined
def _powers(scale: Array, beta: float, out: Array) -> None:
    """Set out = scale ** beta."""
    if beta == 0.75:
        for p in range(len(out)):
            root = math.sqrt(scale[p])
            out[p] = root * math.sqrt(root)
    elif beta == 0.5:
        for p in range(len(out)):
            out[p] = math.sqrt(scale[p])
    else:
        for p in range(len(out)):
            out[p] = scale[p] ** beta


@inner
def _lrn_part(
    number: int, _worker: int, parts: int, x: Array, below: int, above: int, alpha: float, beta: float, k: float,
    y: Array, scale: Array,
) -> None:  # fmt: skip
    """Compute some pixels of one image."""
    channels, pixels = x.shape[1:]
    n, (first, stop) = number // parts, part_range(pixels, number % parts, parts)
    for c in range(channels):
        total, answers, source = scale[n, c, first:stop], y[n, c, first:stop], x[n, c, first:stop]
        total[:] = 0
        for d in range(max(0, c - below), min(channels, c + above + 1)):
            neighbour = x[n, d, first:stop]
            for p in range(len(total)):
                total[p] += neighbour[p] * neighbour[p]
        for p in range(len(total)):
            total[p] = k + alpha * total[p]
        _powers(frozen(total), beta, answers)
        for p in range(len(total)):
            answers[p] = source[p] / answers[p]


@compiled
def _lrn(
    board: Array, x: Array, below: int, above: int, alpha: float, beta: float, k: float, y: Array, scale: Array
) -> None:  # fmt: skip
    """Compute y and scale of x (N, C, pixels); at channel c, the channels c - below to c + above are summed."""
    parts = (x.shape[2] + PIXELS - 1) // PIXELS
    parallel(_lrn_part, len(x) * parts, board, (parts, x, below, above, alpha, beta, k, y, scale))


@inner
def _lrn_dx_part(
    number: int, worker: int, parts: int, dy: Array, x: Array, scale: Array, below: int, above: int, factor: float,
    beta: float, memory: Array, dx: Array,
) -> None:  # fmt: skip
    """Compute some pixels of one gradient."""
    channels, pixels = x.shape[1:]
    n, (first, stop) = number // parts, part_range(pixels, number % parts, parts)
    image, count = n % len(x), stop - first
    power, through_scale, total = memory[worker, 0], memory[worker, 1], memory[worker, 2, 0, :count]
    for c in range(channels):
        source, divisor, gradient = x[image, c, first:stop], scale[image, c, first:stop], dy[n, c, first:stop]
        powers, sums = power[c, :count], through_scale[c, :count]
        _powers(divisor, beta, powers)
        for p in range(count):
            powers[p] = 1 / powers[p]
            sums[p] = gradient[p] * source[p] * powers[p] / divisor[p]
    for c in range(channels):
        total[:] = 0
        for d in range(max(0, c - below), min(channels, c + above + 1)):
            sums = through_scale[d, :count]
            for p in range(count):
                total[p] += sums[p]
        source, gradient, powers, answers = (
            x[image, c, first:stop],
            dy[n, c, first:stop],
            power[c],
            dx[n, c, first:stop],
        )
        for p in range(count):
            answers[p] = gradient[p] * powers[p] - factor * source[p] * total[p]


@compiled
def _lrn_dx(
    board: Array, dy: Array, x: Array, scale: Array, below: int, above: int, factor: float, beta: float,
    memory: Array, dx: Array,
) -> None:  # fmt: skip
    """Compute dx from dy (N, C, pixels), x and scale (N or 1, C, pixels)."""
    parts = (x.shape[2] + PIXELS - 1) // PIXELS
    parallel(_lrn_dx_part, len(dy) * parts, board, (parts, dy, x, scale, below, above, factor, beta, memory, dx))


def lrn(x: Array, size: int, alpha: float, beta: float, k: float) -> tuple[Array, Array]:
    y, scale, number = empty(x.shape, x.dtype), empty(x.shape, x.dtype), x.dtype.type
    _lrn(
        board_for(COST_PER_NUMBER * x.size), flat_maps(packed(x)), size // 2, (size - 1) // 2, number(alpha),
        number(beta), number(k), flat_maps(y), flat_maps(scale),
    )  # fmt: skip
    return y, scale


def lrn_dx(dy: Array, x: Array, scale: Array, size: int, alpha: float, beta: float) -> Array:
    dx, number = empty(dy.shape, dy.dtype), dy.dtype.type
    board = board_for(COST_PER_NUMBER * dy.size)
    threads, channels = int(board[WORKERS]) + 1, x.shape[1]
    memory = workspace(threads * 3 * channels * PIXELS, dy.dtype).reshape(threads, 3, channels, PIXELS)
    _lrn_dx(
        board, flat_maps(packed(dy)), flat_maps(packed(x)), flat_maps(packed(scale)), (size - 1) // 2, size // 2,
        number(2 * alpha * beta), number(beta), memory, flat_maps(dx),
    )  # fmt: skip
    return dx
