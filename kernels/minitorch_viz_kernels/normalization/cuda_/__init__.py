"""Rung five: normalization on a GPU; `lrn.cu` beside does LRN, CuPy the rest."""

from __future__ import annotations

import cupy
import numpy as np

from minitorch_viz_kernels.contract import Array
from minitorch_viz_kernels.machine.cuda import launch
from minitorch_viz_kernels.normalization.numpy_ import batch_norm, batch_norm_dx, layer_norm, layer_norm_dx

__all__ = ["batch_norm", "batch_norm_dx", "layer_norm", "layer_norm_dx", "lrn", "lrn_dx"]


def lrn(x: Array, size: int, alpha: float, beta: float, k: float) -> tuple[Array, Array]:
    _, c, height, width = x.shape
    y: Array = cupy.empty(x.shape, x.dtype)
    scale: Array = cupy.empty(x.shape, x.dtype)
    window = (c, height * width, size // 2, (size - 1) // 2)
    launch(__package__, "lrn.cu", "lrn", y, y.size, cupy.ascontiguousarray(x), y, scale, *window, alpha, beta, k)
    return y, scale


def lrn_dx(dy: Array, x: Array, scale: Array, size: int, alpha: float, beta: float) -> Array:
    _, c, height, width = dy.shape
    dx: Array = cupy.empty(dy.shape, dy.dtype)
    dy, x, scale = cupy.ascontiguousarray(dy), cupy.ascontiguousarray(x), cupy.ascontiguousarray(scale)
    window = (c, height * width, (size - 1) // 2, size // 2)
    launch(__package__, "lrn.cu", "lrn_dx", dx, dx.size, dy, x, scale, dx, np.int64(x.size), *window, alpha, beta)
    return dx
