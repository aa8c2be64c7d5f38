"""A bilateral filter: blur that stops at edges."""

from __future__ import annotations

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError


def bilateral(x: Array, colour: float = 30.0, radius: float = 1.0, window: int = 5) -> Array:
    """Return x (N, C, H, W), each pixel a mean of those that are near in place and alike in colour.

    A neighbour weighs exp(-|difference of colours|^2 / (2 colour^2) - distance^2 / (2 radius^2)).

    colour: how unlike a neighbour may be, in steps of 0..255 over all channels; radius: how far, in pixels; window:
    side of the square that is averaged, odd. Borders are mirrored. The sums are written out: scikit-image 0.26 lays its
    table of distances out for a window one larger, divides unlikeness by C, and takes 1, 3 or 4 channels only.
    Paper: the filter, Tomasi and Manduchi 1998; in ascents, Tyka 2016, who gives no numbers.
    """
    if colour <= 0 or radius <= 0 or window < 1 or window % 2 == 0:
        raise SettingError(
            f"A bilateral filter takes colour and radius above 0 and an odd window, but got {colour!r}, {radius!r} and "
            f"{window!r}."
        )
    height, width = x.shape[-2:]
    margin = window // 2
    padded = np.pad(x, ((0, 0), (0, 0), (margin, margin), (margin, margin)), "symmetric")
    total, weights = np.zeros_like(x), np.zeros_like(x[:, :1])
    for i in range(window):
        for j in range(window):
            neighbour = padded[..., i : i + height, j : j + width]
            unlike = np.sum((neighbour - x) ** 2, axis=1, keepdims=True) / (2 * colour**2)
            far = ((i - margin) ** 2 + (j - margin) ** 2) / (2 * radius**2)
            weight = np.exp(-unlike - far)
            total += weight * neighbour
            weights += weight
    return total / weights
