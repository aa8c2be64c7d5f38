"""A Laplacian pyramid: what each halving of a picture loses, and the small picture that is left.

Paper: Burt and Adelson 1983; the kernel and the borders (0) are those of Mordvintsev's DeepDream notebook, 2015.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from minitorch_viz._types import Array, Pair
from minitorch_viz.optimize.maps import Separable

KERNEL = np.array([1, 4, 6, 4, 1]) / 16


@functools.lru_cache(maxsize=16)
def halving(size: Pair) -> Separable:
    """Return the map to half the size, rounded up: each side blurred by the kernel, every second pixel kept.

    Back to the full size goes 4 times its adjoint (2 a side, as every second pixel is missing).
    """
    rows, columns = (_halves(side) for side in size)
    return Separable(rows, columns)


def up(x: Array, size: Pair) -> Array:
    """Return the picture (N, C, h, w) at the size (H, W) of which it is the half: smooth, of the same brightness."""
    return 4 * halving(size).adjoint(x)


def up_adjoint(dy: Array) -> Array:
    """Carry a gradient back through `up`, from (N, C, H, W) to half the size."""
    return 4 * halving((dy.shape[-2], dy.shape[-1])).forward(dy)


def split(x: Array, levels: int) -> list[Array]:
    """Return `levels` layers of detail, the finest (N, C, H, W) first, and last the small picture that is left.

    `merge` puts them together to x again.
    """
    layers = []
    for _ in range(levels):
        size = (x.shape[-2], x.shape[-1])
        small = halving(size).forward(x)
        layers.append(x - up(small, size))
        x = small
    return [*layers, x]


def merge(layers: Sequence[Array]) -> Array:
    """Return the picture (N, C, H, W) of its layers, the finest first: each is added to what lies below, enlarged."""
    x = layers[-1]
    for layer in reversed(layers[:-1]):
        x = layer + up(x, (layer.shape[-2], layer.shape[-1]))
    return x


def merge_adjoint(dx: Array, levels: int) -> list[Array]:
    """Carry a gradient by the picture back to its layers, the finest first."""
    gradients = [dx]
    for _ in range(levels):
        gradients.append(up_adjoint(gradients[-1]))
    return gradients


def sizes(size: Pair, levels: int) -> list[Pair]:
    """Return the sizes of the layers, the finest first."""
    return [(-(-size[0] // 2**level), -(-size[1] // 2**level)) for level in range(levels + 1)]


def _halves(side: int) -> Array:
    """Return (ceil(side / 2), side): row i weighs the pixels about 2 i."""
    offsets = np.arange(side) - 2 * np.arange(-(-side // 2))[:, None]
    weights: Array = np.where(np.abs(offsets) <= 2, KERNEL[np.clip(offsets + 2, 0, 4)], 0)
    return weights
