"""What is computed number by number: the gates of a ReLU, sums, and arrays put side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from minitorch_viz_kernels.contract import Array


class Pointwise(Protocol):
    """List what each rung of this folder holds."""

    def relu(self, x: Array) -> Array:
        """Keep what is positive: x of any shape -> y = max(x, 0) of the same shape. A NaN stays."""
        ...

    def relu_dx(self, dy: Array, y: Array | None, positive: bool = False) -> Array:
        """Let a gradient through where the gates are open, 0 elsewhere.

        dy (K, ...), y (K or 1, ...) as relu returned it, or None -> dx (K, ...)

            dx = dy where y > 0 (None: everywhere), and, if `positive`, where dy > 0

        With `y` this is the derivative of relu; with both gates guided backpropagation; with `positive` alone the
        deconvnet. A NaN of dy passes the positive gate.
        """
        ...

    def add(self, a: Array, b: Array) -> Array:
        """Add two arrays of one shape."""
        ...

    def concat(self, xs: tuple[Array, ...], axis: int) -> Array:
        """Put arrays side by side along an axis; all other axes agree.

        xs (..., S1, ...), (..., S2, ...), ... -> y (..., S1 + S2 + ..., ...)
        """
        ...


if TYPE_CHECKING:  # the type checker compares each function of each rung with the contract
    from . import cuda_, loops, numba_, numpy_

    _RUNGS: tuple[Pointwise, ...] = (loops, numpy_, numba_, cuda_)
