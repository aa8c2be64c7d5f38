"""The matrix product."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from minitorch_viz_kernels.contract import Array


class Product(Protocol):
    """List what each rung of this folder holds."""

    def matmul(self, a: Array, b: Array) -> Array:
        """Multiply two matrices: a (M, K), b (K, P) -> c (M, P).

        c[m, p] = sum over k of a[m, k] * b[k, p]
        """
        ...


if TYPE_CHECKING:  # the type checker compares each function of each rung with the contract
    from . import cuda_, loops, numba_, numpy_

    _RUNGS: tuple[Product, ...] = (loops, numpy_, numba_, cuda_)
