"""Laplacian normalization: every scale of a gradient gets the same strength."""

from __future__ import annotations

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.optimize.pyramid import merge, split


def laplacian_normalized(gradient: Array, levels: int = 4, floor: float = 1e-10) -> Array:
    """Return the gradient (N, C, H, W) with each layer of its pyramid over its root mean square.

    Fine detail no longer outweighs coarse detail; the result has no unit, so that a step is in steps of 0..255.
    levels: how many times the size is halved, as long as more than one pixel is left. floor: the least divisor.
    Paper: Mordvintsev, Olah, Tyka 2015, DeepDream with TensorFlow: 4 levels.
    """
    possible = (max(gradient.shape[-2:]) - 1).bit_length()
    return merge([_of_strength_one(layer, floor) for layer in split(gradient, min(levels, possible))])


def _of_strength_one(layer: Array, floor: float) -> Array:
    """Return a layer (N, C, h, w) over each picture's own root mean square."""
    strength = np.sqrt(np.mean(layer**2, axis=(1, 2, 3), keepdims=True))
    even: Array = layer / np.maximum(strength, np.asarray(floor, layer.dtype))
    return even
