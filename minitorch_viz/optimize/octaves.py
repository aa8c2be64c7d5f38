"""Octaves: the same picture at sizes a fixed factor apart, worked on from the smallest to the largest.

What is added to a small one is carried to the next as detail: its difference from the small picture, enlarged, and laid
over the next picture, which so keeps its own sharpness.
"""

from __future__ import annotations

import numpy as np

from minitorch_viz._types import Array, Pair
from minitorch_viz.optimize.maps import Separable, window
from minitorch_viz.optimize.resizing import resized


def octave_sizes(final: Pair, octaves: int, scale: float) -> list[Pair]:
    """Return so many sizes (H, W), each `scale` times the one before; the last is `final`.

    >>> octave_sizes((300, 420), 3, 1.5)
    [(133, 187), (200, 280), (300, 420)]
    """
    powers = [scale**step for step in reversed(range(octaves))]
    return [(max(1, round(final[0] / power)), max(1, round(final[1] / power))) for power in powers]


def octave_pictures(x: Array, sizes: list[Pair]) -> list[Array]:
    """Return the picture (N, C, H, W) at each size, the smallest first; each is made of the next larger one."""
    pictures = [x]
    for size in reversed(sizes[:-1]):
        pictures.append(resized(pictures[-1], size))
    return pictures[::-1]


def zoomed(x: Array, share: float) -> Array:
    """Return the middle of pictures (N, C, H, W), without `share` of each side, at the size of the whole.

    Paper: DeepDream, Mordvintsev et al. 2015, with share = 0.05.
    """
    height, width = x.shape[-2:]
    rows, columns = (window(side, share / 2 * side, (1 - share / 2) * side, side) for side in (height, width))
    y: Array = np.asarray(Separable(rows, columns).forward(x))
    return y
