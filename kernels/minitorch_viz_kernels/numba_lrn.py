"""Local response normalization in Numba: the sums over channels are compiled, the powers are NumPy's.

channel   0   1   2   3   4        size 3: the sum at channel 2 takes channels 1 to 3,
             [---------]           each a whole map added to a whole map.
"""

from __future__ import annotations

import numpy as np

from .contract import Array
from .numba_jit import kernel, packed


@kernel
def _sum_over_channels(x: Array, total: Array, before: int, after: int) -> None:
    """x (N, C, pixels) -> added into total: at channel c, the channels c - before to c + after that exist."""
    images, channels, pixels = x.shape
    for n in range(images):
        for c in range(channels):
            target = total[n, c]
            for d in range(max(0, c - before), min(channels, c + after + 1)):
                source = x[n, d]
                for p in range(pixels):
                    target[p] += source[p]


def _window_sums(x: Array, before: int, after: int) -> Array:
    n, c, height, width = x.shape
    total = np.zeros((n, c, height * width), x.dtype)
    _sum_over_channels(packed(x).reshape(n, c, height * width), total, before, after)
    return total.reshape(x.shape)


def lrn(x: Array, size: int, alpha: float, beta: float, k: float) -> tuple[Array, Array]:
    scale = k + alpha * _window_sums(x * x, size // 2, (size - 1) // 2)
    return x / scale**beta, scale


def lrn_dx(dy: Array, x: Array, scale: Array, size: int, alpha: float, beta: float) -> Array:
    power = scale**-beta
    through_scale = _window_sums(dy * x * power / scale, (size - 1) // 2, size // 2)
    return dy * power - 2 * alpha * beta * x * through_scale
