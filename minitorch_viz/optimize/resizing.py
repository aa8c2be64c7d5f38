"""Pictures at another size: the one way for starts and stages, octaves, paintings, and what a net is shown."""

from __future__ import annotations

import numpy as np

from minitorch_viz._types import Array, Pair
from minitorch_viz.optimize.maps import Separable, window


def resizing(old: Pair, new: Pair, margin: int = 0) -> Separable:
    """Return the linear map from pictures of size (H, W), without so many pixels on each side, to (h, w).

    A side that grows is read linearly between neighbours. Where one shrinks, each new pixel is a mean over the old
    ones, weighed by how near they are, so that none is skipped.
    """
    rows, columns = (_weights(before, after, margin) for before, after in zip(old, new, strict=True))
    return Separable(rows, columns)


def resized(x: Array, size: Pair) -> Array:
    """Return pictures (N, C, H, W) at another size; of its own size x itself."""
    old = (x.shape[-2], x.shape[-1])
    return x if old == size else resizing(old, size).forward(x)


def _weights(old: int, new: int, margin: int) -> Array:
    """Return (new, old): how a line of pixels becomes another."""
    inner = old - 2 * margin
    if new >= inner:
        return window(old, margin, old - margin, new)
    spread = window(new, 0, new, inner).T  # (new, inner): what an enlarging map would give back
    weights: Array = np.pad(spread / spread.sum(axis=1, keepdims=True), ((0, 0), (margin, margin)))
    return weights
