"""From decorrelated numbers without bounds to a picture with pixels in 0..255: colours, then a sigmoid."""

from __future__ import annotations

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.optimize.parametrizations.colours import mixed
from minitorch_viz.optimize.units import WHITE, Units


def squashed(values: Array, matrix: Array, units: Units) -> Array:
    """Return x = 255 sigmoid(M v) - mean, (N, C, H, W): its pixels lie in 0..255, whatever v is."""
    return units.picture(WHITE * _sigmoid(mixed(matrix, values)))


def squashed_gradient(values: Array, matrix: Array, dx: Array) -> Array:
    """Return the gradient by v, given that by the picture: M' (255 s (1 - s) dx)."""
    share = _sigmoid(mixed(matrix, values))
    return mixed(matrix.T, WHITE * share * (1 - share) * dx)


def unsquashed(x: Array, matrix: Array, units: Units, edge: float = 1e-3) -> Array:
    """Return v with squashed(v) = x; pixels are brought into edge..1-edge of the range first, where they are finite.

    Paper: accentuation, Hamblin et al. 2024, with edge = 1e-3.
    """
    share = np.clip(units.pixels(x) / WHITE, edge, 1 - edge)
    return mixed(np.linalg.inv(matrix), np.log(share) - np.log1p(-share))


def _sigmoid(values: Array) -> Array:
    """Return 1 / (1 + exp(-v)), without overflow."""
    half: Array = 0.5 * (1 + np.tanh(0.5 * values))
    return half
