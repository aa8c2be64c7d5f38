"""Masks that set to the mean colour what is small, or hardly counts.

Each takes a percentage of the places of each picture, the least of them, and returns a new picture. 0 keeps all.
Paper: Yosinski et al. 2015, "Understanding neural networks through deep visualization".
"""

from __future__ import annotations

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError


def small_values(x: Array, percentage: float) -> Array:
    """Return x (N, C, H, W) without its values nearest to the mean colour, each channel's on its own."""
    return _without_least(x, np.abs(x), percentage)


def small_norms(x: Array, percentage: float) -> Array:
    """Return x (N, C, H, W) without the pixels nearest to the mean colour: the least root of the sum of x^2 over C."""
    return _without_least(x, np.sqrt(np.sum(x**2, axis=1, keepdims=True)), percentage)


def small_contributions(x: Array, gradient: Array, percentage: float) -> Array:
    """Return x (N, C, H, W) without the pixels that hardly count: the least |sum of x gradient over C|.

    That is how far the objective would change, to first order, if the pixel became the mean colour.
    gradient: the objective's by x, (N, C, H, W).
    """
    return _without_least(x, np.abs(np.sum(x * gradient, axis=1, keepdims=True)), percentage)


def _without_least(x: Array, sizes: Array, percentage: float) -> Array:
    """Return x with 0 where `sizes` (N, C or 1, H, W) are below that percentile of their picture."""
    if not 0 <= percentage <= 100:
        raise SettingError(f"A mask takes a percentage from 0 to 100, but got {percentage!r}.")
    bars = np.percentile(sizes, percentage, axis=(1, 2, 3), keepdims=True)
    return np.where(sizes < bars, 0, x).astype(x.dtype)
