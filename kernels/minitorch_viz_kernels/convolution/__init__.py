"""Convolution: what each rung does, from the formula to the machine.

contract.py   signatures and formulas
loops.py      the formulas in Python's loops: the definition
columns.py    one matrix product in NumPy, once every window is written out as a column
compiled.py   the loops again, through a compiler: the naive rung, for tests and timings
numba_/       the fast one: products without columns, Winograd's, blocks that fit the caches, vectors, threads
cuda_/        the GPU's: columns or Winograd's, one thread for each number
"""

from __future__ import annotations

from minitorch_viz_kernels.contract import Array, Pair
from minitorch_viz_kernels.machine.checks import floats
from minitorch_viz_kernels.machine.registry import Rungs, kernel
from minitorch_viz_kernels.machine.zero_channels import without_zero_channels

from . import checks
from .contract import Convolution

RUNGS: Rungs[Convolution] = Rungs(__name__, numpy="columns")


@kernel
def conv2d(
    x: Array, w: Array, b: Array | None, stride: Pair, padding: Pair, dilation: Pair, groups: int, relu: bool = False
) -> Array:
    """Cross-correlate images x (N, C, H, W) with filters w (O, C/g, kh, kw) -> y (N, O, H', W'). See the contract."""
    x, w, b = floats("conv2d", x=x, w=w, b=b)
    geometry = checks.conv2d(x, w, b, stride, padding, dilation, groups)
    return RUNGS(x).conv2d(x, w, b, *geometry, bool(relu))


@kernel
def conv2d_dx(dy: Array, w: Array, size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    """Carry a gradient back to the images: dy (N, O, H', W') -> dx (N, C, H, W) with (H, W) = size."""
    dy, w = floats("conv2d_dx", dy=dy, w=w)
    size, geometry = checks.conv2d_dx(dy, w, size, stride, padding, dilation, groups)
    if groups == 1:
        dy, w = without_zero_channels(dy, w)
    return RUNGS(dy).conv2d_dx(dy, w, size, *geometry)


@kernel
def conv2d_dw(dy: Array, x: Array, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    """Sum the gradient of conv2d for its filters over images: -> dw (O, C/g, kh, kw) with (kh, kw) = kernel."""
    dy, x = floats("conv2d_dw", dy=dy, x=x)
    kernel, geometry = checks.conv2d_dw(dy, x, kernel, stride, padding, dilation, groups)
    return RUNGS(dy).conv2d_dw(dy, x, kernel, *geometry)
