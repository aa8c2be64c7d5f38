"""Rung two, which is also rung five: NumPy's product, or CuPy's, which is cuBLAS's."""

from __future__ import annotations

from minitorch_viz_kernels.contract import Array


def matmul(a: Array, b: Array) -> Array:
    c: Array = a @ b
    return c
