"""Convolution in Numba: which of the algorithms computes which shape. This table is the only place that decides.

    filters   stride, dilation, groups          dtype     forward and dx   why
    3x3       1, 1, 1                           float32   Winograd         a quarter of the multiplications
    3x3       1, 1, 1, but few channels         float32   direct           changing the basis costs more than it saves
    others                                      float32   direct           also 1x1, a plain matrix product
    all                                         float64   direct           the gradient check must not see rounding

dw is always the direct sum over places (`numba_filters`).

"Few" was measured, the time of the direct sum over Winograd's on one thread: 0.53 to 0.72 with 3 or 4 channels to read,
0.56 for 8 -> 8, 0.9 for 64 -> 8; 1.2 for 8 -> 64 and 16 -> 16, 1.45 for 64 -> 3, 1.7 for 16 -> 64.
"""

from __future__ import annotations

import numpy as np

from .contract import Array, Pair
from .numba_direct import conv2d as direct
from .numba_direct import conv2d_dx as direct_dx
from .numba_filters import conv2d_dw
from .numba_winograd import conv3x3

__all__ = ["algorithm", "conv2d", "conv2d_dw", "conv2d_dx"]


def algorithm(w: Array, stride: Pair, dilation: Pair, groups: int, backward: bool = False) -> str:
    """ "winograd" or "direct": how conv2d, or backward conv2d_dx, computes with filters w (O, C/g, kh, kw)."""
    plain = w.shape[2:] == (3, 3) and stride == dilation == (1, 1) and groups == 1 and w.dtype == np.float32
    read = w.shape[0] if backward else w.shape[1]
    few = read < 8 or w.shape[0] * w.shape[1] < 192
    return "winograd" if plain and not few else "direct"


def conv2d(
    x: Array, w: Array, b: Array | None, stride: Pair, padding: Pair, dilation: Pair, groups: int, relu: bool = False
) -> Array:
    if algorithm(w, stride, dilation, groups) == "winograd":
        return conv3x3(x, w, b, padding, relu=relu)
    return direct(x, w, b, stride, padding, dilation, groups, relu)


def conv2d_dx(dy: Array, w: Array, size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    if algorithm(w, stride, dilation, groups, backward=True) == "winograd":
        return conv3x3(dy, w, None, (2 - padding[0], 2 - padding[1]), backward=True)
    return direct_dx(dy, w, size, stride, padding, dilation, groups)
