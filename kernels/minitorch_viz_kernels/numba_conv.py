"""Convolution in Numba: which of the algorithms computes which shape. This table is the only place that decides.

    filters   stride, dilation, groups   dtype     forward and dx    why
    3x3       1, 1, 1                    float32   Winograd          a quarter of the multiplications
    3x3       1, 1, 1 and few channels   float32   direct            changing the basis costs more than it saves
    others                               float32   direct            also 1x1, where it is a plain matrix product
    all                                  float64   direct            exact: the gradient check must not see rounding

dw is always the direct sum over places (`numba_filters`).
"""

from __future__ import annotations

import numpy as np

from .contract import Array, Pair
from .numba_direct import conv2d as direct
from .numba_direct import conv2d_dx as direct_dx
from .numba_filters import conv2d_dw
from .numba_winograd import conv3x3

__all__ = ["algorithm", "conv2d", "conv2d_dw", "conv2d_dx"]

# Below so many channels on either side the changes of basis cost more than the multiplications that they save:
# measured at 3 -> 64, 224x224: 0.6 times the speed of the direct sum; at 16 -> 64, 55x55: 1.3 times.
FEW = 8


def algorithm(w: Array, stride: Pair, dilation: Pair, groups: int) -> str:
    """ "winograd" or "direct": how conv2d and conv2d_dx compute with filters w (O, C/g, kh, kw)."""
    plain = w.shape[2:] == (3, 3) and stride == dilation == (1, 1) and groups == 1
    return "winograd" if plain and w.dtype == np.float32 and min(w.shape[:2]) >= FEW else "direct"


def conv2d(x: Array, w: Array, b: Array | None, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    if algorithm(w, stride, dilation, groups) == "winograd":
        return conv3x3(x, w, b, padding)
    return direct(x, w, b, stride, padding, dilation, groups)


def conv2d_dx(dy: Array, w: Array, size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    if algorithm(w, stride, dilation, groups) == "winograd":
        return conv3x3(dy, w, None, (2 - padding[0], 2 - padding[1]), backward=True)
    return direct_dx(dy, w, size, stride, padding, dilation, groups)
