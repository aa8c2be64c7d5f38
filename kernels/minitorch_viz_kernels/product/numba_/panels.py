"""A matrix product, a @ b, at the processor's peak: each number is in the nearest cache when its turn comes.

    b, cut into panels        [ 32 columns ][ 32 columns ]...   each lies in memory in the order in which it is read
                                   depth rows

    a, a block of rows     x       a panel        =    a block of answers, 8 x 32 of them at a time in registers
       (rows, depth)               (depth, 32)         (`tile`)

A block of a's rows stays in the second cache while it meets all panels, and a panel in the first while it meets the
rows. Threads take different blocks. For a.T @ b the block is turned on its way, some hundred numbers of the sum at a
time, so that the large matrix need not be turned as a whole.
"""

from __future__ import annotations

import numpy as np

from minitorch_viz_kernels.contract import Array
from minitorch_viz_kernels.machine.compiling import compiled, inner, packed
from minitorch_viz_kernels.machine.llvm import lanes_of
from minitorch_viz_kernels.machine.memory import empty
from minitorch_viz_kernels.machine.parallel import parallel, part_count, part_range
from minitorch_viz_kernels.machine.threads import board_for
from minitorch_viz_kernels.machine.vectors import ZERO, frozen, store_transposed

from .few_rows import FEW_ROWS, few_rows
from .tile import multiply

BLOCK_ROWS = 64  # rows of a that meet all panels before the next
TRANSPOSED_ROWS = 256  # rows of a (numbers of a sum of a.T @ b) that are transposed at a time


@inner
def _panels_part(number: int, _worker: int, b: Array, wide: int, out: Array) -> None:
    """Fill one panel."""
    depth, width = b.shape
    first = number * wide
    count = min(wide, width - first)
    for k in range(depth):
        target, source = out[number, k], b[k, first:]
        for j in range(count):
            target[j] = source[j]
        target[count:] = 0


@compiled
def _fill_panels(board: Array, b: Array, wide: int, out: Array) -> None:
    """Cut b (K, P) into panels: out (P / wide, K, wide), zeros beyond the last column."""
    parallel(_panels_part, len(out), board, (b, wide, out))


def panels(b: Array) -> Array:
    """Return b (K, P) cut into panels of two vectors: flat (P / wide, K, wide), zeros beyond the last column."""
    wide = 2 * lanes_of(b.dtype)
    out = empty((-(-b.shape[1] // wide), len(b), wide), b.dtype)
    _fill_panels(board_for(4.0 * out.size), packed(b), wide, out)
    return packed(out, out.size)


def panel_steps(depth: int, lanes: int) -> Array:
    """Return where the rows of a panel begin."""
    return packed(np.arange(depth, dtype=np.int64) * 2 * lanes)


@inner
def add_product(
    a: Array, a_at: int, rows: int, panels: Array, length: int, skip: int, steps: Array, first: int, stop: int,
    c: Array, c_at: int, width: int, lanes: int,
) -> None:  # fmt: skip
    """Add a (rows, depth) @ rows skip to skip + depth of the panels first to stop to c (rows, width).

    All arrays are flat; a begins at a_at, c at c_at. A whole panel has `length` rows; steps are its `panel_steps`.
    """
    depth, wide, two = len(steps), 2 * lanes, ZERO + 2
    for p in range(first, stop):
        at, column = (p * length + skip) * wide, p * wide
        if column + wide <= width:
            multiply(rows, two, a, a_at, depth, ZERO + 1, panels, at, steps, depth, c, c_at + column, width)
        else:
            sums = np.zeros(rows * wide, c.dtype)
            multiply(rows, two, a, a_at, depth, ZERO + 1, panels, at, steps, depth, sums, ZERO, wide)
            for r in range(rows):
                for j in range(width - column):
                    c[c_at + r * width + column + j] += sums[r * wide + j]


@inner
def _rows_part(
    number: int, _worker: int, parts: int, a: Array, panels: Array, steps: Array, b: Array, c: Array, lanes: int
) -> None:  # fmt: skip
    """Compute some rows, a block at a time."""
    (rows, depth), width = a.shape, c.shape[1]
    blocks = -(-rows // BLOCK_ROWS)
    first, stop = part_range(blocks, number, parts)
    for block in range(first, stop):
        top, bottom = block * BLOCK_ROWS, min(rows, (block + 1) * BLOCK_ROWS)
        for r in range(top, bottom):
            row = c[r]
            for j in range(width):  # not row[:] = b: compiling its error message takes seconds
                row[j] = b[j]
        add_product(
            a.reshape(a.size), top * depth, bottom - top, panels, depth, ZERO, steps, ZERO, -(-width // (2 * lanes)),
            c.reshape(c.size), top * width, width, lanes,
        )  # fmt: skip


@compiled
def _rows(board: Array, a: Array, panels: Array, steps: Array, b: Array, c: Array, lanes: int) -> None:
    """Compute c (M, P) = a (M, K) @ the matrix (K, P) in the panels + b (P,)."""
    parts = part_count(board, -(-len(a) // BLOCK_ROWS), float(a.size) * c.shape[1])
    parallel(_rows_part, parts, board, (parts, a, panels, steps, b, c, lanes))


@inner
def _transpose_block(a: Array, top: int, bottom: int, first: int, stop: int, lanes: int, out: Array) -> None:
    """Transpose rows top to bottom and columns first to stop of a -> out, flat (stop - first, bottom - top)."""
    width, rows, flat = a.shape[1], bottom - top, a.reshape(a.size)
    for k in range(0, rows, lanes):
        for j in range(0, stop - first, lanes):
            if k + lanes <= rows and j + lanes <= stop - first:
                store_transposed(flat, (top + k) * width + first + j, width, out, j * rows + k, rows)
            else:
                for i in range(k, min(k + lanes, rows)):
                    for column in range(j, min(j + lanes, stop - first)):
                        out[column * rows + i] = a[top + i, first + column]


@inner
def _transposed_rows_part(
    number: int, _worker: int, parts: int, a: Array, panels: Array, steps: Array, c: Array, lanes: int
) -> None:  # fmt: skip
    """Compute some columns of a, which are rows of c: a block and a piece of the sum at a time."""
    (depth, rows), width = a.shape, c.shape[1]
    blocks = -(-rows // BLOCK_ROWS)
    first, stop = part_range(blocks, number, parts)
    block_of_a = np.empty(BLOCK_ROWS * TRANSPOSED_ROWS, a.dtype)
    for block in range(first, stop):
        left, right = block * BLOCK_ROWS, min(rows, (block + 1) * BLOCK_ROWS)
        c[left:right] = 0
        for top in range(0, depth, TRANSPOSED_ROWS):
            bottom = min(depth, top + TRANSPOSED_ROWS)
            _transpose_block(a, top, bottom, left, right, lanes, block_of_a)
            add_product(
                frozen(block_of_a), ZERO, right - left, panels, depth, top, steps[: bottom - top], ZERO,
                -(-width // (2 * lanes)), c.reshape(c.size), left * width, width, lanes,
            )  # fmt: skip


@compiled
def _transposed_rows(board: Array, a: Array, panels: Array, steps: Array, c: Array, lanes: int) -> None:
    """Compute c (M, P) = the transpose of a (K, M) @ the matrix (K, P) in the panels."""
    parts = part_count(board, -(-a.shape[1] // BLOCK_ROWS), float(a.size) * c.shape[1])
    parallel(_transposed_rows_part, parts, board, (parts, a, panels, steps, c, lanes))


def matmul_panels(a: Array, cut: Array, b: Array) -> Array:
    """Return a (M, K) @ the matrix (K, P) that `panels` cut + b (P,)."""
    c, lanes = empty((len(a), len(b)), a.dtype), lanes_of(a.dtype)
    a, steps, b = packed(a), panel_steps(a.shape[1], lanes), packed(b)
    _rows(board_for(float(c.size) * a.shape[1]), a, cut, steps, b, c, lanes)  # last, as workers soon sleep
    return c


def matmul(a: Array, b: Array) -> Array:
    width = b.shape[1]
    if a.size == 0 or width == 0:
        return np.zeros((len(a), width), a.dtype)
    if len(a) <= FEW_ROWS:
        return few_rows(a, b)
    if not a.T.flags.c_contiguous or a.flags.c_contiguous:
        return matmul_panels(a, panels(b), np.zeros(width, a.dtype))
    c, lanes, cut = empty((len(a), width), a.dtype), lanes_of(a.dtype), panels(b)
    _transposed_rows(
        board_for(float(a.size) * width), packed(a.T), cut, panel_steps(min(TRANSPOSED_ROWS, len(b)), lanes), c, lanes
    )
    return c
