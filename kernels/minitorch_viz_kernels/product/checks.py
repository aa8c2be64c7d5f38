"""What goes into a matrix product."""

from __future__ import annotations

from minitorch_viz_kernels.contract import Array


def matmul(a: Array, b: Array) -> None:
    for name, array in (("a", a), ("b", b)):
        if array.ndim != 2:
            raise ValueError(f"matmul: {name} has shape {array.shape}, but a matrix is needed.")
    if a.shape[1] != b.shape[0]:
        raise ValueError(f"matmul: a {a.shape} has rows of {a.shape[1]} numbers, but b {b.shape} has {len(b)} rows.")
