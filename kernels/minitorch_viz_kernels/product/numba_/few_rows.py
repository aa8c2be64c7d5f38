"""A product of few rows with a large matrix: each number of the matrix is used so seldom that reading it is the work.

A linear layer that gets one image, and its way back:

    y = x @ w.T    y[o] = sum of x * w[o]       threads take different rows of w, each a dot product
    dx = dy @ w    dx += dy[o] * w[o]           threads take different columns of w, some rows at a time

Nothing is copied: both read w as it lies in memory, once for all rows of x or dy.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minitorch_viz_kernels.contract import Array
from minitorch_viz_kernels.machine.compiling import compiled, inner, packed, summing
from minitorch_viz_kernels.machine.parallel import parallel, part_count, part_range
from minitorch_viz_kernels.machine.threads import WORKERS, board_for

FEW_ROWS = 8  # of a, at most; with more, `panels` are worth their copies
COST_PER_NUMBER = 4.0  # multiplications of a convolution that take as long as reading a number of the matrix
ROWS_TOGETHER = 4  # rows of b that are added in one walk over the answer


@summing
def _dot(a: Array, b: Array) -> Any:
    total = a.dtype.type(0)
    for i in range(len(a)):
        total += a[i] * b[i]
    return total


@inner
def _dots_part(number: int, _worker: int, parts: int, a: Array, transposed: Array, c: Array) -> None:
    """Compute some columns of c."""
    first, stop = part_range(len(transposed), number, parts)
    for p in range(first, stop):
        for m in range(len(a)):
            c[m, p] = _dot(a[m], transposed[p])


@compiled
def _dots(board: Array, a: Array, transposed: Array, c: Array) -> None:
    """Compute c (M, P) of a (M, K) and the transpose of b, (P, K)."""
    parts = part_count(board, len(transposed), COST_PER_NUMBER * transposed.size)
    parallel(_dots_part, parts, board, (parts, a, transposed, c))


@inner
def _sums_part(number: int, _worker: int, parts: int, a: Array, b: Array, c: Array) -> None:
    """Compute some columns of c."""
    depth, width = b.shape
    first, stop = part_range(width, number, parts)
    even_depth = depth - depth % ROWS_TOGETHER
    for m in range(len(a)):
        sums = c[m, first:stop]
        sums[:] = 0
        for k in range(0, even_depth, ROWS_TOGETHER):
            w, x, y, z = a[m, k], a[m, k + 1], a[m, k + 2], a[m, k + 3]
            b0, b1, b2, b3 = b[k, first:stop], b[k + 1, first:stop], b[k + 2, first:stop], b[k + 3, first:stop]
            for p in range(len(sums)):
                sums[p] += (w * b0[p] + x * b1[p]) + (y * b2[p] + z * b3[p])
        for k in range(even_depth, depth):
            w, b0 = a[m, k], b[k, first:stop]
            for p in range(len(sums)):
                sums[p] += w * b0[p]


@compiled
def _sums(board: Array, a: Array, b: Array, c: Array) -> None:
    """Compute c (M, P) of a (M, K) and b (K, P)."""
    parts = min(len(c[0]), int(board[WORKERS]) + 1)  # long pieces of rows, which the processor fetches ahead
    parallel(_sums_part, parts, board, (parts, a, b, c))


def few_rows(a: Array, b: Array) -> Array:
    """Multiply a (M, K) by b (K, P), where M is small and b lies in memory as it is, or as its transpose."""
    c = np.empty((len(a), b.shape[1]), a.dtype)
    board = board_for(COST_PER_NUMBER * b.size)
    if b.T.flags.c_contiguous:
        _dots(board, packed(a), packed(b.T), c)
    else:
        _sums(board, packed(a), packed(b), c)
    return c
