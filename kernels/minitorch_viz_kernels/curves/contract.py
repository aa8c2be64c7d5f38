"""Smooth curves, number by number, and their gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from minitorch_viz_kernels.contract import Array


class Curves(Protocol):
    """List what each rung of this folder holds."""

    def gelu(self, x: Array, tanh: bool = False) -> Array:
        """Weigh each number by the normal distribution's share below it.

        x of any shape -> y of the same shape

            y = x * P(x),  P(x) = (1 + erf(x / sqrt(2))) / 2
            y = x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x ** 3)))        with `tanh`
        """
        ...

    def gelu_dx(self, dy: Array, x: Array, tanh: bool = False) -> Array:
        """Carry a gradient back through gelu.

        dy (K, ...), x (K or 1, ...) -> dx (K, ...)

            dx = dy * (P(x) + x * exp(-x ** 2 / 2) / sqrt(2 pi))
        """
        ...

    def silu(self, x: Array) -> Array:
        """Weigh each number by its own sigmoid: y = x * s, s = 1 / (1 + exp(-x))."""
        ...

    def silu_dx(self, dy: Array, x: Array) -> Array:
        """Carry a gradient back through silu.

        dy (K, ...), x (K or 1, ...) -> dx (K, ...)

            dx = dy * (s + x * s * (1 - s))
        """
        ...


if TYPE_CHECKING:  # the type checker compares each function of each rung with the contract
    from . import cuda_, loops, numba_, numpy_

    _RUNGS: tuple[Curves, ...] = (loops, numpy_, numba_, cuda_)
