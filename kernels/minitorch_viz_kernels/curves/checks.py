"""What goes into the gradient of a curve."""

from __future__ import annotations

from minitorch_viz_kernels.contract import Array
from minitorch_viz_kernels.machine.checks import needs_shape


def curve_dx(kernel: str, dy: Array, x: Array) -> None:
    """Raise ValueError unless dy (K, ...) fits x (K or 1, ...)."""
    if dy.ndim == 0:
        raise ValueError(f"{kernel}: dy is a single number, but it needs an axis of seeds.")
    needs_shape(kernel, "x", x.shape, dy.shape, (1, *dy.shape[1:]))
