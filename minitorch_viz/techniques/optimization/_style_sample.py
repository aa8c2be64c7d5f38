"""A generated painting, so that the command runs without one: brush strokes along a swirling wind."""

from __future__ import annotations

import functools

import numpy as np

from minitorch_viz._types import Array

COLOURS = np.array(
    [(18, 32, 84), (38, 84, 150), (86, 142, 190), (172, 202, 204), (236, 202, 88), (244, 164, 42)], float
)


@functools.cache
def strokes(side: int = 192, seed: int = 3) -> Array:
    """Return (side, side, 3) uint8: noise that is smeared along a smooth field of directions, in blues and yellows."""
    from scipy import ndimage

    rng = np.random.default_rng(seed)

    def smooth(sigma: float) -> Array:
        noise: Array = ndimage.gaussian_filter(rng.standard_normal((side, side)), sigma, mode="wrap")
        return noise

    height, down = smooth(side / 9), smooth(side / 16)
    rows, columns = np.gradient(height / height.std(), 1 / side)  # along the lines of equal height: swirls
    length = np.hypot(rows, columns) + 1e-9
    rows, columns = -columns / length, rows / length
    grain = smooth(1.2)
    at = np.indices((side, side)).astype(float)
    streaks = np.zeros((side, side))
    for sign in (1, -1):
        place = at.copy()
        for _ in range(10):
            streaks += ndimage.map_coordinates(grain, place, order=1, mode="grid-wrap")
            step = [ndimage.map_coordinates(part, place, order=0, mode="grid-wrap") for part in (rows, columns)]
            place = place + sign * np.array(step)
    level = down / down.std() + 0.7 * streaks / streaks.std()
    ranks = level.ravel().argsort().argsort().reshape(side, side) / level.size  # each colour is as frequent
    places = ranks * (len(COLOURS) - 1)
    lower = np.floor(places).astype(int)
    part = (places - lower)[..., None]
    mixed = COLOURS[lower] * (1 - part) + COLOURS[np.minimum(lower + 1, len(COLOURS) - 1)] * part
    shade = 1 + 0.12 * (streaks / streaks.std())[..., None]
    pixels: Array = np.clip(mixed * shade, 0, 255).astype(np.uint8)
    return pixels
