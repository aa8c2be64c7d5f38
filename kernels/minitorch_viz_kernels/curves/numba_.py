"""Rung four: smooth curves in Numba, all in one way through the numbers, shared by threads.

Each number costs one exponential (`machine/exponential.py`), a division and, for the normal distribution's tail, a
polynomial (`tail.py`): all of them instructions on whole vectors. In double precision the exponential is a call.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba.core import types
from numba.extending import overload

from minitorch_viz_kernels.contract import Array
from minitorch_viz_kernels.machine.compiling import compiled, contracted, packed
from minitorch_viz_kernels.machine.exponential import exponential
from minitorch_viz_kernels.machine.llvm import SETTINGS
from minitorch_viz_kernels.machine.memory import empty
from minitorch_viz_kernels.machine.parallel import parallel, part_count, part_range
from minitorch_viz_kernels.machine.threads import board_for

from .loops import CUBIC, ROOT
from .tail import ABOVE, BELOW, DOUBLE, EDGE, SINGLE

COST_PER_NUMBER = 40  # multiplications of a convolution that take as long
FOUR, TWO, ONE = np.float32(4), np.float32(2), np.float32(1)
C0, C1, C2, C3, C4, C5, C6, C7, C8, C9 = (np.float32(c) for c in SINGLE)
A0, A1, A2, A3, A4, A5 = (np.float32(c) for c in ABOVE)
B0, B1, B2, B3, B4, B5 = (np.float32(c) for c in BELOW)
LEFT, RIGHT, HALF = np.float32(-EDGE), np.float32(EDGE), np.float32(0.5)
PEAK = 1 / math.sqrt(2 * math.pi)  # of the bell curve


def tail(a: Any) -> Any:
    """Return the share of a normal distribution beyond a >= 0, divided by exp(-a^2 / 2)."""
    t = 4 / (4 + a)
    polynomial = 0.0
    for coefficient in DOUBLE[::-1]:
        polynomial = polynomial * (2 * t - 1) + coefficient
    return a.dtype.type(t * polynomial)


def share(x: Any) -> Any:
    """Return the share of a normal distribution below x."""
    beyond = exponential(-x * x / 2) * tail(abs(x))
    return beyond if x < 0 else 1 - beyond


if not SETTINGS.DISABLE_JIT:

    @overload(tail, jit_options={"fastmath": {"contract"}, "error_model": "numpy"})
    def _tail(a: Any) -> Any:
        def single(a: Any) -> Any:
            t = FOUR / (FOUR + a)
            s = TWO * t - ONE
            high = (((C9 * s + C8) * s + C7) * s + C6) * s + C5
            return t * (((((high * s + C4) * s + C3) * s + C2) * s + C1) * s + C0)

        def double(a: Any) -> Any:
            t = 4.0 / (4.0 + a)
            s = 2.0 * t - 1.0
            polynomial = 0.0
            for i in range(len(DOUBLE) - 1, -1, -1):
                polynomial = polynomial * s + DOUBLE[i]
            return t * polynomial

        return single if a == types.float32 else double

    @overload(share, jit_options={"fastmath": {"contract"}, "error_model": "numpy"})
    def _share(x: Any) -> Any:
        def single(x: Any) -> Any:
            above = LEFT if x < LEFT else x
            inside = RIGHT if above > RIGHT else above
            w = inside * inside
            numerator = ((((A5 * w + A4) * w + A3) * w + A2) * w + A1) * w + A0
            return HALF + inside * numerator / (((((B5 * w + B4) * w + B3) * w + B2) * w + B1) * w + B0)

        def double(x: Any) -> Any:
            a = abs(x)
            beyond = math.exp(-0.5 * a * a) * tail(a)
            return beyond if x < 0 else 1 - beyond

        return single if x == types.float32 else double


@contracted
def _gelu_part(number: int, _worker: int, parts: int, x: Array, tanh: bool, y: Array) -> None:
    """Compute some numbers."""
    first, stop = part_range(len(x), number, parts)
    source, answers = x[first:stop], y[first:stop]
    kind = x.dtype.type
    one, root, cubic = kind(1), kind(2 * ROOT), kind(CUBIC)
    if tanh:
        for i in range(len(source)):
            value = source[i]  # (1 + tanh(u)) / 2 is the sigmoid of 2 u
            answers[i] = value / (one + exponential(-root * (value + cubic * value * value * value)))
    else:
        for i in range(len(source)):
            answers[i] = source[i] * share(source[i])


@compiled
def _gelu(board: Array, x: Array, tanh: bool, y: Array) -> None:
    """Compute y from x, both flat."""
    parts = part_count(board, len(x), COST_PER_NUMBER * len(x))
    parallel(_gelu_part, parts, board, (parts, x, tanh, y))


@contracted
def _gelu_dx_part(number: int, _worker: int, parts: int, dy: Array, x: Array, tanh: bool, dx: Array) -> None:
    """Compute some numbers of all seeds, which may share one tape."""
    seeds, size = dy.shape
    at, stop = part_range(seeds * size, number, parts)
    kind = x.dtype.type
    zero, half, one, peak = kind(0), kind(0.5), kind(1), kind(PEAK)
    root, cubic, three = kind(2 * ROOT), kind(CUBIC), kind(3)
    while at < stop:
        k, begin = at // size, at % size
        end = min(size, begin + stop - at)
        gradient, source, answers = dy[k, begin:end], x[k % len(x), begin:end], dx[k, begin:end]
        if tanh:
            for i in range(len(source)):
                value = source[i]
                square = value * value
                s = one / (one + exponential(-root * (value + cubic * square * value)))
                answers[i] = gradient[i] * (s + value * s * (one - s) * root * (one + three * cubic * square))
        else:
            for i in range(len(source)):
                value = source[i]
                a = abs(value)
                bell = exponential(-half * a * a)
                beyond = bell * tail(a)
                answers[i] = gradient[i] * ((beyond if value < zero else one - beyond) + value * (peak * bell))
        at += end - begin


@compiled
def _gelu_dx(board: Array, dy: Array, x: Array, tanh: bool, dx: Array) -> None:
    """Compute dx from dy, both (K, numbers), and x (K or 1, numbers)."""
    parts = part_count(board, dy.size, COST_PER_NUMBER * dy.size)
    parallel(_gelu_dx_part, parts, board, (parts, dy, x, tanh, dx))


@contracted
def _silu_part(number: int, _worker: int, parts: int, x: Array, y: Array) -> None:
    """Compute some numbers."""
    first, stop = part_range(len(x), number, parts)
    source, answers = x[first:stop], y[first:stop]
    one = x.dtype.type(1)
    for i in range(len(source)):
        answers[i] = source[i] / (one + exponential(-source[i]))


@compiled
def _silu(board: Array, x: Array, y: Array) -> None:
    """Compute y from x, both flat."""
    parts = part_count(board, len(x), COST_PER_NUMBER * len(x))
    parallel(_silu_part, parts, board, (parts, x, y))


@contracted
def _silu_dx_part(number: int, _worker: int, parts: int, dy: Array, x: Array, dx: Array) -> None:
    """Compute some numbers of all seeds, which may share one tape."""
    seeds, size = dy.shape
    at, stop = part_range(seeds * size, number, parts)
    one = x.dtype.type(1)
    while at < stop:
        k, begin = at // size, at % size
        end = min(size, begin + stop - at)
        gradient, source, answers = dy[k, begin:end], x[k % len(x), begin:end], dx[k, begin:end]
        for i in range(len(source)):
            s = one / (one + exponential(-source[i]))
            answers[i] = gradient[i] * (s + source[i] * s * (one - s))
        at += end - begin


@compiled
def _silu_dx(board: Array, dy: Array, x: Array, dx: Array) -> None:
    """Compute dx from dy, both (K, numbers), and x (K or 1, numbers)."""
    parts = part_count(board, dy.size, COST_PER_NUMBER * dy.size)
    parallel(_silu_dx_part, parts, board, (parts, dy, x, dx))


def gelu(x: Array, tanh: bool = False) -> Array:
    y = empty(x.shape, x.dtype)
    _gelu(board_for(COST_PER_NUMBER * x.size), packed(x, x.size), tanh, y.reshape(x.size))
    return y


def gelu_dx(dy: Array, x: Array, tanh: bool = False) -> Array:
    dx, size = empty(dy.shape, dy.dtype), math.prod(dy.shape[1:])
    rows = packed(dy, len(dy), size), packed(x, len(x), size)
    _gelu_dx(board_for(COST_PER_NUMBER * dy.size), *rows, tanh, dx.reshape(len(dy), size))
    return dx


def silu(x: Array) -> Array:
    y = empty(x.shape, x.dtype)
    _silu(board_for(COST_PER_NUMBER * x.size), packed(x, x.size), y.reshape(x.size))
    return y


def silu_dx(dy: Array, x: Array) -> Array:
    dx, size = empty(dy.shape, dy.dtype), math.prod(dy.shape[1:])
    rows = packed(dy, len(dy), size), packed(x, len(x), size)
    _silu_dx(board_for(COST_PER_NUMBER * dy.size), *rows, dx.reshape(len(dy), size))
    return dx
