"""Normalization: across neighbouring channels (LRN), within each channel of a batch, or within each vector."""

from __future__ import annotations

from minitorch_viz_kernels.contract import Array
from minitorch_viz_kernels.machine.checks import floats
from minitorch_viz_kernels.machine.registry import Rungs, kernel

from . import checks
from .contract import Normalization

RUNGS: Rungs[Normalization] = Rungs(__name__)


@kernel
def lrn(x: Array, size: int, alpha: float, beta: float, k: float) -> tuple[Array, Array]:
    """Normalize by the response of neighbouring channels: x (N, C, H, W) -> y and scale, both (N, C, H, W)."""
    (x,) = floats("lrn", x=x)
    # Python floats: a NumPy float64 would lift a float32 array to float64.
    return RUNGS(x).lrn(x, checks.lrn(x, size), float(alpha), float(beta), float(k))


@kernel
def lrn_dx(dy: Array, x: Array, scale: Array, size: int, alpha: float, beta: float) -> Array:
    """Carry a gradient back through lrn: dy (N, C, H, W) -> dx (N, C, H, W); x and scale may have a batch of 1."""
    dy, x, scale = floats("lrn_dx", dy=dy, x=x, scale=scale)
    size = checks.lrn_dx(dy, x, scale, size)
    return RUNGS(dy).lrn_dx(dy, x, scale, size, float(alpha), float(beta))


@kernel
def batch_norm(x: Array, w: Array, b: Array, eps: float) -> tuple[Array, Array, Array]:
    """Give each channel of a batch mean 0 and variance 1, then w * and b +: x (N, C, H, W) -> y, mean and var (C,)."""
    x, w, b = floats("batch_norm", x=x, w=w, b=b)
    checks.batch_norm(x, w=w, b=b)
    return RUNGS(x).batch_norm(x, w, b, float(eps))


@kernel
def batch_norm_dx(
    dy: Array, x: Array, mean: Array, var: Array, w: Array, eps: float
) -> tuple[Array, Array, Array]:  # fmt: skip
    """Carry a gradient back through batch_norm: dy (N, C, H, W) -> dx (N, C, H, W), dw and db (C,)."""
    dy, x, mean, var, w = floats("batch_norm_dx", dy=dy, x=x, mean=mean, var=var, w=w)
    checks.batch_norm_dx(dy, x, mean=mean, var=var, w=w)
    return RUNGS(dy).batch_norm_dx(dy, x, mean, var, w, float(eps))


@kernel
def layer_norm(x: Array, w: Array, b: Array, eps: float) -> tuple[Array, Array, Array]:
    """Give each vector mean 0 and variance 1, then w * and b +: x (N, D) -> y (N, D), mean and scale (N,)."""
    x, w, b = floats("layer_norm", x=x, w=w, b=b)
    checks.layer_norm(x, w=w, b=b)
    return RUNGS(x).layer_norm(x, w, b, float(eps))


@kernel
def layer_norm_dx(dy: Array, x: Array, mean: Array, scale: Array, w: Array) -> Array:
    """Carry a gradient back through layer_norm: dy (K, T, D) -> dx (K, T, D); the tape may have a batch of 1."""
    dy, x, mean, scale, w = floats("layer_norm_dx", dy=dy, x=x, mean=mean, scale=scale, w=w)
    checks.layer_norm_dx(dy, x, mean, scale, w)
    return RUNGS(dy).layer_norm_dx(dy, x, mean, scale, w)
