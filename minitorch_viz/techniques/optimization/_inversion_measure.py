"""How like the photo an inversion is, by the numbers that papers state."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.optimize.units import Units

WINDOW = 7  # pixels: the side of SSIM's


class Likeness(NamedTuple):
    """Hold how like two pictures are."""

    psnr: float  # decibels: 10 log10(255^2 / mean squared difference)
    ssim: float  # -1..1, 1 where they are equal; NaN of pictures under 3 pixels a side
    lost: float  # the mean squared difference as a share of the photo's variance: 1 is as good as one colour


def likeness(units: Units, x: Array, photo: Array) -> Likeness:
    """Return how like a picture is to the photo, both (1, C, H, W), pixel - mean; what is outside 0..255 is cut off."""
    picture, original = (_pixels(units, each) for each in (x, photo))
    squares = float(((picture - original) ** 2).mean())
    variance = float(original.var(axis=(1, 2)).mean())
    psnr = 10 * np.log10(255**2 / squares) if squares > 0 else np.inf
    return Likeness(float(psnr), _ssim(picture, original), squares / variance if variance > 0 else np.nan)


def stretched(x: Array, photo: Array) -> Array:
    """Return a picture with the mean and the standard deviation of the photo, both (1, C, H, W)."""
    deviation = x.std()
    spread: Array = (x - x.mean()) * (photo.std() / deviation if deviation > 0 else 1.0) + photo.mean()
    return spread


def _ssim(picture: Array, original: Array) -> float:
    """Return the structural similarity (Wang et al. 2004) of pixels (C, H, W) each."""
    from skimage.metrics import structural_similarity

    side = min(*original.shape[1:], WINDOW)
    side -= side % 2 == 0
    if side < 3:
        return float("nan")
    return float(structural_similarity(picture, original, win_size=side, channel_axis=0, data_range=255))


def _pixels(units: Units, x: Array) -> Array:
    """Return the pixels (C, H, W) as a screen shows them, 0..255."""
    pixels: Array = units.pixels(units.clip(x.astype(np.float64)))[0]
    return pixels
