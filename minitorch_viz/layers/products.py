"""Products of many vectors with a matrix, by the engine's own threads.

A matrix library's threads would wait awake after each product, on the cores that the next layer needs.
"""

from __future__ import annotations

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array


def products(vectors: Array, matrix: Array) -> Array:
    """Multiply each vector of vectors (..., D) by the matrix (D, O) -> (..., O)."""
    rows = kernels.matmul(vectors.reshape(-1, vectors.shape[-1]), matrix)
    return rows.reshape(*vectors.shape[:-1], matrix.shape[1])


def of_sides(rows: Array, x: Array, columns: Array) -> Array:
    """Multiply each map by both matrices, rows (h, H) @ x (N, C, H, W) @ columns.T (W, w) -> (N, C, h, w)."""
    across = products(x, columns.T)  # (N, C, H, w)
    down = products(across.swapaxes(2, 3), rows.T)  # (N, C, w, h)
    y: Array = kernels.array_module(x).ascontiguousarray(down.swapaxes(2, 3))
    return y
