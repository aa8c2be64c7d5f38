"""The gates of a ReLU in Numba: one way through memory for the answer and the mask, shared by the crew.

    x     -1.5   0.0   2.0   nan           dy       1.0  -2.0   3.0  -4.0
    y      0.0   0.0   2.0   nan           on         0     1     1     1
    on       0     0     1     0           dx       0.0  -2.0   3.0  -4.0    (positive: 0.0  0.0  3.0  0.0)

NumPy writes y and the mask in two passes on one thread, and turns the mask into numbers before it multiplies.
"""

from __future__ import annotations

import math

import numpy as np

from .contract import Array
from .numba_crew import parallel, pieces, share
from .numba_jit import helper, kernel, packed
from .threads import crew

COST = 4  # a number read, compared and written costs about as much as so many multiplications of a convolution


@helper
def _relu_part(number: int, _me: int, parts: int, x: Array, y: Array, on: Array) -> None:
    """Some numbers."""
    first, stop = share(len(x), number, parts)
    source, answers, mask = x[first:stop], y[first:stop], on[first:stop]
    nothing = y.dtype.type(0)
    for i in range(len(source)):
        value = source[i]
        mask[i] = value > nothing
        answers[i] = nothing if value <= nothing else value  # a NaN is not below 0: it stays


@kernel
def _relu(board: Array, x: Array, y: Array, on: Array) -> None:
    """x, y and on, flat."""
    parts = pieces(board, len(x), COST * len(x))
    parallel(_relu_part, parts, board, (parts, x, y, on))


@helper
def _relu_dx_part(
    number: int, _me: int, parts: int, dy: Array, on: Array, forward: bool, positive: bool, dx: Array
) -> None:  # fmt: skip
    """Some numbers of all seeds, which may share one mask."""
    seeds, size = dy.shape
    at, stop = share(seeds * size, number, parts)
    nothing = dy.dtype.type(0)
    while at < stop:
        k, begin = at // size, at % size
        end = min(size, begin + stop - at)
        source, answers = dy[k, begin:end], dx[k, begin:end]
        if forward:
            mask = on[k % len(on), begin:end]
            if positive:
                for i in range(len(source)):
                    value = source[i]
                    answers[i] = nothing if value <= nothing or not mask[i] else value
            else:
                for i in range(len(source)):
                    value = source[i]
                    answers[i] = value if mask[i] else nothing
        else:
            for i in range(len(source)):
                value = source[i]
                answers[i] = nothing if value <= nothing and positive else value
        at += end - begin


@kernel
def _relu_dx(board: Array, dy: Array, on: Array, forward: bool, positive: bool, dx: Array) -> None:
    """dy and dx (K, numbers), on (N or 1, numbers). forward, positive: which gates close."""
    parts = pieces(board, dy.size, COST * dy.size)
    parallel(_relu_dx_part, parts, board, (parts, dy, on, forward, positive, dx))


def relu(x: Array) -> tuple[Array, Array]:
    y, on = np.empty(x.shape, x.dtype), np.empty(x.shape, np.bool_)
    _relu(crew(COST * x.size), packed(x).reshape(x.size), y.reshape(x.size), on.reshape(x.size))
    return y, on


def relu_dx(dy: Array, on: Array | None, positive: bool = False) -> Array:
    dx = np.empty(dy.shape, dy.dtype)
    size = math.prod(dy.shape[1:])
    mask = _NO_MASK if on is None else packed(on).reshape(len(on), size)
    _relu_dx(
        crew(COST * dy.size), packed(dy).reshape(len(dy), size), mask, on is not None, positive,
        dx.reshape(len(dy), size),
    )  # fmt: skip
    return dx


_NO_MASK = packed(np.zeros((1, 1), np.bool_))
