"""Scales: which value of a map is drawn as full colour; colours that are told apart."""

from __future__ import annotations

import numpy as np

from minitorch_viz._types import Array

# Told apart by those who see few colours, too (Okabe and Ito 2008).
PALETTE = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#000000")


def robust_max(x: Array, percentile: float = 99.5) -> float:
    """Return the value below which `percentile` % of |x| lie: a scale that a few outliers do not set.

    1.0 for an array of zeros, so that dividing by it is safe. Not finite values raise ValueError.
    """
    if not np.isfinite(x).all():
        raise ValueError("The map holds values that are not finite (NaN or infinity), so there is no scale to draw it.")
    top = float(np.percentile(np.abs(x), percentile)) if x.size else 0.0
    return top or float(np.abs(x).max(initial=0.0)) or 1.0


def signed_colour(x: Array, scale: float) -> Array:
    """Return a signed (3, H, W) array as a colour picture (H, W, 3) in 0..1: zero is mid-grey, +-scale the ends."""
    picture: Array = np.clip(0.5 + x.transpose(1, 2, 0) / (2 * scale), 0, 1)
    return picture
