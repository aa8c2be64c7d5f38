"""Smooth curves, number by number: GELU and SiLU, whose cost is an exponential."""

from __future__ import annotations

from minitorch_viz_kernels.contract import Array
from minitorch_viz_kernels.machine.checks import floats
from minitorch_viz_kernels.machine.registry import Rungs, kernel

from . import checks
from .contract import Curves

RUNGS: Rungs[Curves] = Rungs(__name__)


@kernel
def gelu(x: Array, tanh: bool = False) -> Array:
    """Weigh each number by the normal distribution's share below it: x of any shape -> y of the same shape."""
    (x,) = floats("gelu", x=x)
    return RUNGS(x).gelu(x, bool(tanh))


@kernel
def gelu_dx(dy: Array, x: Array, tanh: bool = False) -> Array:
    """Carry a gradient back through gelu: dy (K, ...) -> dx (K, ...); x may have a batch of 1."""
    dy, x = floats("gelu_dx", dy=dy, x=x)
    checks.curve_dx("gelu_dx", dy, x)
    return RUNGS(dy).gelu_dx(dy, x, bool(tanh))


@kernel
def silu(x: Array) -> Array:
    """Weigh each number by its own sigmoid: x of any shape -> y = x * sigmoid(x)."""
    (x,) = floats("silu", x=x)
    return RUNGS(x).silu(x)


@kernel
def silu_dx(dy: Array, x: Array) -> Array:
    """Carry a gradient back through silu: dy (K, ...) -> dx (K, ...); x may have a batch of 1."""
    dy, x = floats("silu_dx", dy=dy, x=x)
    checks.curve_dx("silu_dx", dy, x)
    return RUNGS(dy).silu_dx(dy, x)
