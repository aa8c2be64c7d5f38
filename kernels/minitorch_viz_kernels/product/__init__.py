"""The matrix product."""

from __future__ import annotations

from minitorch_viz_kernels.contract import Array
from minitorch_viz_kernels.machine.checks import floats
from minitorch_viz_kernels.machine.registry import Rungs, kernel
from minitorch_viz_kernels.machine.zero_channels import without_zero_channels

from . import checks
from .contract import Product

RUNGS: Rungs[Product] = Rungs(__name__)


@kernel
def matmul(a: Array, b: Array) -> Array:
    """Multiply the matrices a (M, K) and b (K, P) -> (M, P)."""
    a, b = floats("matmul", a=a, b=b)
    checks.matmul(a, b)
    return RUNGS(a).matmul(a, b)


def matmul_dx(dy: Array, w: Array) -> Array:
    """Carry a gradient of x @ w.T back to x: dy (M, O) and w (O, D) -> dx (M, D), dy @ w where dy has a signal."""
    checks.matmul(dy, w)
    return matmul(*without_zero_channels(dy, w))
