"""Convolution in Numba: which of the algorithms computes which shape. This table is the only place that decides.

    filters    stride, dilation, groups         dtype     forward and dx   why
    one a      any, any, as many as channels    both      depthwise        no channel is added to another: no product of
    channel                                                                matrices
    3x3, 5x5   1, 1, 1                          float32   Winograd         a quarter, a third of the multiplications
    3x3, 5x5   1, 1, 1, but few channels        float32   direct           changing the basis costs more than it saves
    3 strides  2 or more, 1, 1; many answers    float32   strided          11x11 at stride 4, 5x5 at stride 2: 3x3 over
                                                          (dx: direct)     the phases of the image, by Winograd's way
    others                                      float32   direct           also 1x1, a plain matrix product
    all                                         float64   direct           rounding would disturb the gradient check

    filters    stride, dilation, groups         dtype     dw               why
    3x3        1, 1, 1                          float32   Winograd         a quarter of the multiplications
    3x3        1, 1, 1, but few channels        float32   direct           changing the basis costs more than it saves
    3x3        1, 1, 1, but few tiles           float32   direct           there are 36 sums for each 9 weights
    others                                      both      direct

"Few" was measured, the time of the direct sum over Winograd's on one thread. 3x3: 0.53 to 0.72 with 3 or 4 channels to
read, 0.56 for 8 -> 8, 0.9 for 64 -> 8; 1.2 for 8 -> 64 and 16 -> 16, 1.45 for 64 -> 3, 1.7 for 16 -> 64. 5x5, on maps
of 7 to 60 pixels: 0.4 to 0.8 for 8 -> 8, 0.7 to 1.0 for 64 -> 8, 0.7 to 1.1 for 8 -> 16; 0.9 to 1.3 for 8 -> 32, 1.35
to 1.6 for 16 -> 16, 1.7 to 2.1 for 64 -> 16, 1.5 to 1.9 for 16 -> 64. With a stride, counting the channels of all
phases: 0.6 to 1.4 for 12 -> 16 or 32, 0.6 to 0.9 for 64 -> 32 on 14x14 pixels, 0.6 to 1.3 for 256 -> 64 on 14x14 and
28x28; 1.3 for 27 -> 64, 2.0 to 2.4 for 48 -> 64 or 96, 1.8 for 384 -> 256, 2.0 to 2.9 for 64 -> 64 on 112x112.
Depthwise, over the direct sum: 3.5 for 7x7 on 96 maps of 56x56, 2.9 for 7x7 on 384 of 14x14, 3.1 for 5x5 on 240 of
28x28, 15 for 3x3 on 96 of 112x112.
dw: 0.5 for 3 -> 64, 0.7 for 8 -> 8, 0.7 to 0.8 for the 4 tiles of one map of 7x7; 1.1 to 1.3 for 8 tiles of two, 1.0
to 1.8 for 13x13, 1.5 to 3.2 for more.
"""

from __future__ import annotations

import numpy as np

from minitorch_viz_kernels.contract import Array, Pair

from .depthwise import conv2d as depthwise
from .depthwise import conv2d_dx as depthwise_dx
from .direct import conv2d as direct
from .direct import conv2d_dx as direct_dx
from .filter_gradient import conv2d_dw as direct_dw
from .strided import strided_winograd
from .winograd import winograd
from .winograd_filter_gradient import conv3x3_dw

__all__ = ["algorithm", "algorithm_dw", "conv2d", "conv2d_dw", "conv2d_dx"]


def algorithm(w: Array, stride: Pair, dilation: Pair, groups: int, places: int = 0, backward: bool = False) -> str:
    """Return how conv2d, or backward conv2d_dx, computes with filters w (O, C/g, kh, kw), by name.

    The names are "depthwise", "winograd", "strided" and "direct".

    places: about how many answers each filter has, in all images together.
    """
    if groups == len(w) > 1 and w.shape[1] == 1:
        return "depthwise"
    if dilation != (1, 1) or groups != 1 or w.dtype != np.float32:
        return "direct"
    if stride != (1, 1):
        three_strides = all(2 * stride[a] < w.shape[2 + a] <= 3 * stride[a] and stride[a] > 1 for a in (0, 1))
        enough_work = len(w) >= 32 and w.shape[1] * stride[0] * stride[1] >= 24 and places >= 400
        return "strided" if three_strides and enough_work and not backward else "direct"
    plain = w.shape[2:] in ((3, 3), (5, 5))
    write, read = (w.shape[1], w.shape[0]) if backward else w.shape[:2]
    few_channels = read < 8 or (write * read < 192 if w.shape[2] == 3 else write < 16 or write * read < 256)
    return "winograd" if plain and not few_channels else "direct"


def algorithm_dw(dy: Array, x: Array, kernel: Pair, stride: Pair, dilation: Pair, groups: int) -> str:
    """Return how conv2d_dw computes with dy (N, O, H', W') and x (N, C, H, W): "winograd" or "direct"."""
    plain = kernel == (3, 3) and stride == dilation == (1, 1) and groups == 1 and x.dtype == np.float32
    tiles = len(dy) * -(-dy.shape[2] // 4) * -(-dy.shape[3] // 4)
    too_small = min(x.shape[1], dy.shape[1]) < 12 or tiles < 8
    return "winograd" if plain and not too_small else "direct"


def conv2d(
    x: Array, w: Array, b: Array | None, stride: Pair, padding: Pair, dilation: Pair, groups: int, relu: bool = False
) -> Array:
    places = len(x) * x.shape[2] * x.shape[3] // (stride[0] * stride[1])
    name = algorithm(w, stride, dilation, groups, places)
    if name == "depthwise":
        return depthwise(x, w, b, stride, padding, dilation, relu)
    if name == "winograd":
        return winograd(x, w, b, padding, relu=relu)
    if name == "strided":
        return strided_winograd(x, w, b, stride, padding, relu)
    return direct(x, w, b, stride, padding, dilation, groups, relu)


def conv2d_dx(dy: Array, w: Array, size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    name = algorithm(w, stride, dilation, groups, backward=True)
    if name == "depthwise":
        return depthwise_dx(dy, w, size, stride, padding, dilation)
    if name == "winograd":
        return winograd(dy, w, None, (w.shape[2] - 1 - padding[0], w.shape[3] - 1 - padding[1]), backward=True)
    return direct_dx(dy, w, size, stride, padding, dilation, groups)


def conv2d_dw(dy: Array, x: Array, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    if algorithm_dw(dy, x, kernel, stride, dilation, groups) == "winograd":
        return conv3x3_dw(dy, x, padding)
    return direct_dw(dy, x, kernel, stride, padding, dilation, groups)
