"""The product of a step, in the processor's registers: the four gates of 16 memory cells, for some sequences at once.

                u[k]   [ i of 16 ][ f of 16 ][ g of 16 ][ o of 16 ]
    h[0, k]  *      ->  [        ][        ][        ][        ]      each is a register,
    h[1, k]  *      ->  [        ][        ][        ][        ]      written to memory once
      ...

It is wider than the tile of `product`, since the four gates of a cell are needed together, and a text that is read
alone gives one row only: four sums that do not wait for each other keep the processor busy all the same.
"""

from __future__ import annotations

from minitorch_viz_kernels.contract import Array
from minitorch_viz_kernels.machine.compiling import inner
from minitorch_viz_kernels.machine.llvm import VECTOR_BYTES
from minitorch_viz_kernels.machine.vectors import ZERO
from minitorch_viz_kernels.product.numba_.tile import make

GATES = 4
ROWS = 2 if VECTOR_BYTES == 32 else 6  # processors that have AVX only have 16 registers
_rows, _four, _two, _one = make(ROWS, GATES), make(4, GATES), make(2, GATES), make(1, GATES)


@inner
def add_gates(
    rows: int, h: Array, h_at: int, h_row: int, u: Array, u_at: int, u_steps: Array, depth: int,
    z: Array, z_at: int, z_row: int,
) -> None:  # fmt: skip
    """Add h (rows, depth) @ a panel (depth, 4 vectors) to z (rows, 4 vectors). All arrays are flat."""
    r, one = 0, ZERO + 1
    while r < rows:
        rows_left, h_r, z_r = rows - r, h_at + r * h_row, z_at + r * z_row
        if rows_left >= ROWS:
            _rows(h, h_r, h_row, one, u, u_at, u_steps, depth, z, z_r, z_row)
            r += ROWS
        elif rows_left >= 4:
            _four(h, h_r, h_row, one, u, u_at, u_steps, depth, z, z_r, z_row)
            r += 4
        elif rows_left >= 2:
            _two(h, h_r, h_row, one, u, u_at, u_steps, depth, z, z_r, z_row)
            r += 2
        else:
            _one(h, h_r, h_row, one, u, u_at, u_steps, depth, z, z_r, z_row)
            r += 1
