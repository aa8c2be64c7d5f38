"""Pooling: the largest value of each window, or the mean. The rungs are those of `convolution`."""

from __future__ import annotations

from minitorch_viz_kernels.contract import Array, Pair
from minitorch_viz_kernels.machine.checks import floats
from minitorch_viz_kernels.machine.registry import Rungs, kernel

from . import checks
from .contract import Pooling

RUNGS: Rungs[Pooling] = Rungs(__name__)


@kernel
def maxpool2d(x: Array, kernel: Pair, stride: Pair, padding: Pair, out: Pair) -> tuple[Array, Array]:
    """Take the largest value of each window, y (N, C, H', W'), and the flat index of its pixel, won (int32)."""
    (x,) = floats("maxpool2d", x=x)
    geometry = checks.maxpool2d(x, kernel, stride, padding, out)
    return RUNGS(x).maxpool2d(x, *geometry)


@kernel
def maxpool2d_dx(dy: Array, won: Array, size: Pair) -> Array:
    """Hand each dy (N, C, H', W') to the pixel that won -> dx (N, C, H, W); won may have a batch of 1."""
    (dy,) = floats("maxpool2d_dx", dy=dy)
    size = checks.maxpool2d_dx(dy, won, size)
    return RUNGS(dy).maxpool2d_dx(dy, won, size)


@kernel
def avgpool2d(x: Array, kernel: Pair, stride: Pair, padding: Pair, out: Pair, count_include_pad: bool) -> Array:
    """Take the mean of each window, y (N, C, H', W')."""
    (x,) = floats("avgpool2d", x=x)
    geometry = checks.avgpool2d(x, kernel, stride, padding, out)
    return RUNGS(x).avgpool2d(x, *geometry, bool(count_include_pad))


@kernel
def avgpool2d_dx(dy: Array, kernel: Pair, stride: Pair, padding: Pair, size: Pair, count_include_pad: bool) -> Array:
    """Share each dy (N, C, H', W') equally among the pixels of its window -> dx (N, C, H, W)."""
    (dy,) = floats("avgpool2d_dx", dy=dy)
    geometry = checks.avgpool2d_dx(dy, kernel, stride, padding, size)
    return RUNGS(dy).avgpool2d_dx(dy, *geometry, bool(count_include_pad))
