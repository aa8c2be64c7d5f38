"""Sums, and arrays put side by side, in Numba: limited by memory, so the threads share the way through it."""

from __future__ import annotations

import math

from minitorch_viz_kernels.contract import Array
from minitorch_viz_kernels.machine.compiling import compiled, inner, packed
from minitorch_viz_kernels.machine.memory import empty
from minitorch_viz_kernels.machine.parallel import parallel, part_count, part_range
from minitorch_viz_kernels.machine.threads import board_for

from .gates import COST_PER_NUMBER


@inner
def _add_part(number: int, _worker: int, parts: int, a: Array, b: Array, y: Array) -> None:
    """Add some numbers."""
    first, stop = part_range(len(a), number, parts)
    left, right, answers = a[first:stop], b[first:stop], y[first:stop]
    for i in range(len(left)):
        answers[i] = left[i] + right[i]


@compiled
def _add(board: Array, a: Array, b: Array, y: Array) -> None:
    """Compute y = a + b, all flat."""
    parts = part_count(board, len(a), COST_PER_NUMBER * len(a))
    parallel(_add_part, parts, board, (parts, a, b, y))


@inner
def _copy_part(number: int, _worker: int, parts: int, x: Array, y: Array, at: int) -> None:
    """Copy some numbers of all rows."""
    rows, size = x.shape
    place, stop = part_range(rows * size, number, parts)
    while place < stop:
        row, begin = place // size, place % size
        end = min(size, begin + stop - place)
        source, answers = x[row, begin:end], y[row, at + begin : at + end]
        for i in range(len(source)):
            answers[i] = source[i]
        place += end - begin


@compiled
def _copy(board: Array, x: Array, y: Array, at: int) -> None:
    """Copy x (rows, numbers) into y (rows, more), from column `at` on."""
    parts = part_count(board, x.size, COST_PER_NUMBER * x.size)
    parallel(_copy_part, parts, board, (parts, x, y, at))


def add(a: Array, b: Array) -> Array:
    y = empty(a.shape, a.dtype)
    _add(board_for(COST_PER_NUMBER * a.size), packed(a, a.size), packed(b, a.size), y.reshape(a.size))
    return y


def concat(xs: tuple[Array, ...], axis: int) -> Array:
    axes_before, axes_after = xs[0].shape[:axis], xs[0].shape[axis + 1 :]
    y = empty((*axes_before, sum(x.shape[axis] for x in xs), *axes_after), xs[0].dtype)
    rows, step, at = math.prod(axes_before), math.prod(axes_after), 0
    for x in xs:
        size = x.shape[axis] * step
        _copy(board_for(COST_PER_NUMBER * x.size), packed(x, rows, size), y.reshape(rows, y.shape[axis] * step), at)
        at += size
    return y
