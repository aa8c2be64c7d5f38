"""Where each number goes its own way, in Numba: the gates of a ReLU, sums, and arrays put side by side.

These are limited by memory alone. So there is one way through it for all answers, and the crew shares it.

    x     -1.5   0.0   2.0   nan           dy       1.0  -2.0   3.0  -4.0
    y      0.0   0.0   2.0   nan           y        0.0   1.5   0.2   7.0
                                           dx       0.0  -2.0   3.0  -4.0    (positive: 0.0  0.0  3.0  0.0)

NumPy has one thread, and writes down whether y > 0 before it chooses.
"""

from __future__ import annotations

import math

from .contract import Array
from .memory import empty
from .numba_crew import parallel, pieces, share
from .numba_jit import helper, kernel, packed
from .threads import crew

COST = 8  # a number read, compared and written costs about as much as so many multiplications of a convolution


@helper
def _relu_part(number: int, _me: int, parts: int, x: Array, y: Array) -> None:
    """Some numbers."""
    first, stop = share(len(x), number, parts)
    source, answers = x[first:stop], y[first:stop]
    nothing = y.dtype.type(0)
    for i in range(len(source)):
        value = source[i]
        answers[i] = nothing if value <= nothing else value  # a NaN is not below 0: it stays


@kernel
def _relu(board: Array, x: Array, y: Array) -> None:
    """x and y, flat."""
    parts = pieces(board, len(x), COST * len(x))
    parallel(_relu_part, parts, board, (parts, x, y))


@helper
def _relu_dx_part(
    number: int, _me: int, parts: int, dy: Array, y: Array, forward: bool, positive: bool, dx: Array
) -> None:  # fmt: skip
    """Some numbers of all seeds, which may share one tape."""
    seeds, size = dy.shape
    at, stop = share(seeds * size, number, parts)
    nothing = dy.dtype.type(0)
    while at < stop:
        k, begin = at // size, at % size
        end = min(size, begin + stop - at)
        source, answers = dy[k, begin:end], dx[k, begin:end]
        if forward:
            passed = y[k % len(y), begin:end]
            if positive:
                for i in range(len(source)):
                    value = source[i]
                    answers[i] = nothing if value <= nothing or not passed[i] > nothing else value
            else:
                for i in range(len(source)):
                    answers[i] = source[i] if passed[i] > nothing else nothing
        else:
            for i in range(len(source)):
                value = source[i]
                answers[i] = nothing if value <= nothing and positive else value
        at += end - begin


@kernel
def _relu_dx(board: Array, dy: Array, y: Array, forward: bool, positive: bool, dx: Array) -> None:
    """dy and dx (K, numbers), y (K or 1, numbers). forward, positive: which gates close."""
    parts = pieces(board, dy.size, COST * dy.size)
    parallel(_relu_dx_part, parts, board, (parts, dy, y, forward, positive, dx))


@helper
def _add_part(number: int, _me: int, parts: int, a: Array, b: Array, y: Array) -> None:
    """Some numbers."""
    first, stop = share(len(a), number, parts)
    one, other, answers = a[first:stop], b[first:stop], y[first:stop]
    for i in range(len(one)):
        answers[i] = one[i] + other[i]


@kernel
def _add(board: Array, a: Array, b: Array, y: Array) -> None:
    """a, b and y, flat."""
    parts = pieces(board, len(a), COST * len(a))
    parallel(_add_part, parts, board, (parts, a, b, y))


@helper
def _copy_part(number: int, _me: int, parts: int, x: Array, y: Array, at: int) -> None:
    """Some numbers of all rows."""
    rows, size = x.shape
    place, stop = share(rows * size, number, parts)
    while place < stop:
        row, begin = place // size, place % size
        end = min(size, begin + stop - place)
        source, answers = x[row, begin:end], y[row, at + begin : at + end]
        for i in range(len(source)):
            answers[i] = source[i]
        place += end - begin


@kernel
def _copy(board: Array, x: Array, y: Array, at: int) -> None:
    """x (rows, numbers) -> y (rows, more), from column `at` on."""
    parts = pieces(board, x.size, COST * x.size)
    parallel(_copy_part, parts, board, (parts, x, y, at))


def relu(x: Array) -> Array:
    y = empty(x.shape, x.dtype)
    _relu(crew(COST * x.size), packed(x, x.size), y.reshape(x.size))
    return y


def relu_dx(dy: Array, y: Array | None, positive: bool = False) -> Array:
    dx = empty(dy.shape, dy.dtype)
    size = math.prod(dy.shape[1:])
    arrived = packed(dy, len(dy), size)
    passed = arrived if y is None else packed(y, len(y), size)
    _relu_dx(crew(COST * dy.size), arrived, passed, y is not None, positive, dx.reshape(len(dy), size))
    return dx


def add(a: Array, b: Array) -> Array:
    y = empty(a.shape, a.dtype)
    _add(crew(COST * a.size), packed(a, a.size), packed(b, a.size), y.reshape(a.size))
    return y


def concat(xs: tuple[Array, ...], axis: int) -> Array:
    before, after = xs[0].shape[:axis], xs[0].shape[axis + 1 :]
    y = empty((*before, sum(x.shape[axis] for x in xs), *after), xs[0].dtype)
    rows, one, at = math.prod(before), math.prod(after), 0
    for x in xs:
        size = x.shape[axis] * one
        _copy(crew(COST * x.size), packed(x, rows, size), y.reshape(rows, y.shape[axis] * one), at)
        at += size
    return y
