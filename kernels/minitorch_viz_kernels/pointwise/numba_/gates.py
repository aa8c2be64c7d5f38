"""The gates of a ReLU in Numba.

    x     -1.5   0.0   2.0   nan           dy       1.0  -2.0   3.0  -4.0
    y      0.0   0.0   2.0   nan           y        0.0   1.5   0.2   7.0
                                           dx       0.0  -2.0   3.0  -4.0    (positive: 0.0  0.0  3.0  0.0)

These are limited by memory alone. So there is one way through it for all answers, and the threads share it. NumPy has
one thread, and writes down whether y > 0 before it chooses.
"""

from __future__ import annotations

import math

from minitorch_viz_kernels.contract import Array
from minitorch_viz_kernels.machine.compiling import compiled, inner, packed
from minitorch_viz_kernels.machine.memory import empty
from minitorch_viz_kernels.machine.parallel import parallel, part_count, part_range
from minitorch_viz_kernels.machine.threads import board_for

COST_PER_NUMBER = 8  # multiplications of a convolution that take as long as reading, comparing and writing a number


@inner
def _relu_part(number: int, _worker: int, parts: int, x: Array, y: Array) -> None:
    """Compute some numbers."""
    first, stop = part_range(len(x), number, parts)
    source, answers = x[first:stop], y[first:stop]
    zero = y.dtype.type(0)
    for i in range(len(source)):
        value = source[i]
        answers[i] = zero if value <= zero else value  # a NaN is not below 0: it stays


@compiled
def _relu(board: Array, x: Array, y: Array) -> None:
    """Compute y from x, both flat."""
    parts = part_count(board, len(x), COST_PER_NUMBER * len(x))
    parallel(_relu_part, parts, board, (parts, x, y))


@inner
def _relu_dx_part(
    number: int, _worker: int, parts: int, dy: Array, y: Array, forward: bool, positive: bool, dx: Array
) -> None:  # fmt: skip
    """Compute some numbers of all seeds, which may share one tape."""
    seeds, size = dy.shape
    at, stop = part_range(seeds * size, number, parts)
    zero = dy.dtype.type(0)
    while at < stop:
        k, begin = at // size, at % size
        end = min(size, begin + stop - at)
        source, answers = dy[k, begin:end], dx[k, begin:end]
        if forward:
            gates = y[k % len(y), begin:end]
            if positive:
                for i in range(len(source)):
                    value = source[i]
                    answers[i] = zero if value <= zero or not gates[i] > zero else value
            else:
                for i in range(len(source)):
                    answers[i] = source[i] if gates[i] > zero else zero
        else:
            for i in range(len(source)):
                value = source[i]
                answers[i] = zero if value <= zero and positive else value
        at += end - begin


@compiled
def _relu_dx(board: Array, dy: Array, y: Array, forward: bool, positive: bool, dx: Array) -> None:
    """Compute dx from dy, both (K, numbers), and y (K or 1, numbers). forward, positive: which gates close."""
    parts = part_count(board, dy.size, COST_PER_NUMBER * dy.size)
    parallel(_relu_dx_part, parts, board, (parts, dy, y, forward, positive, dx))


def relu(x: Array) -> Array:
    y = empty(x.shape, x.dtype)
    _relu(board_for(COST_PER_NUMBER * x.size), packed(x, x.size), y.reshape(x.size))
    return y


def relu_dx(dy: Array, y: Array | None, positive: bool = False) -> Array:
    dx = empty(dy.shape, dy.dtype)
    size = math.prod(dy.shape[1:])
    gradient = packed(dy, len(dy), size)
    gates = gradient if y is None else packed(y, len(y), size)
    _relu_dx(board_for(COST_PER_NUMBER * dy.size), gradient, gates, y is not None, positive, dx.reshape(len(dy), size))
    return dx
