"""Local response normalization in Numba: the sums over channels are compiled, the powers are NumPy's.

channel   0   1   2   3   4        size 3: the sum at channel 2 takes channels 1 to 3,
             [---------]           each a whole map added to a whole map.

Threads take some of the pixels each, so that every sum over channels stays within one thread.
"""

from __future__ import annotations

import numpy as np

from .contract import Array
from .numba_jit import kernel, packed
from .threads import split

COST = 150  # a pixel's powers and sums cost about as much as so many multiplications of a convolution


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
    total = np.zeros(x.shape, x.dtype)
    _sum_over_channels(packed(x), total, before, after)
    return total


def _flat(*arrays: Array) -> list[Array]:
    return [array.reshape(*array.shape[:2], array.shape[2] * array.shape[3]) for array in arrays]


def lrn(x: Array, size: int, alpha: float, beta: float, k: float) -> tuple[Array, Array]:
    y, scale = np.empty(x.shape, x.dtype), np.empty(x.shape, x.dtype)
    pixels, answers, scales = _flat(x, y, scale)

    def work(start: int, stop: int) -> None:
        some = pixels[:, :, start:stop]
        sums = k + alpha * _window_sums(some * some, size // 2, (size - 1) // 2)
        scales[:, :, start:stop] = sums
        np.divide(some, sums**beta, out=answers[:, :, start:stop])

    split(pixels.shape[2], COST * x.size, work)
    return y, scale


def lrn_dx(dy: Array, x: Array, scale: Array, size: int, alpha: float, beta: float) -> Array:
    dx = np.empty(dy.shape, dy.dtype)
    gradients, pixels, scales, answers = _flat(dy, x, scale, dx)

    def work(start: int, stop: int) -> None:
        some = (slice(None), slice(None), slice(start, stop))
        power = scales[some] ** -beta
        through_scale = _window_sums(gradients[some] * pixels[some] * power / scales[some], (size - 1) // 2, size // 2)
        answers[some] = gradients[some] * power - 2 * alpha * beta * pixels[some] * through_scale

    split(pixels.shape[2], COST * dy.size, work)
    return dx
