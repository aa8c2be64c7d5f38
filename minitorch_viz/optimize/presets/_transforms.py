"""Transforms as presets write them: amounts in pixels, of pictures as large as the paper's."""

from __future__ import annotations

from collections.abc import Callable

from minitorch_viz.optimize.stage import Moment
from minitorch_viz.optimize.transforms import Composed, Jitter, Pad, Rotate, Scale, Transform


def pixels_of(amount: float, moment: Moment, side: int) -> int:
    """Return an amount that a paper states for pictures of `side` pixels, for the one at hand: at most as much."""
    return round(amount * min(1.0, min(moment.size) / side))


def jitter(most: int, side: int = 224) -> Callable[[Moment], Transform]:
    """Roll by up to `most` pixels of a picture of `side` pixels."""
    return lambda moment: Jitter(pixels_of(most, moment, side))


def lucid(moment: Moment) -> Transform:
    """Return Lucid's transforms, stated for 128 pixels: pad, jitter, scale, rotate, jitter."""
    return Composed((
        Pad(pixels_of(12, moment, 128)),
        Jitter(pixels_of(8, moment, 128)),
        Scale(),
        Rotate(),
        Jitter(pixels_of(4, moment, 128)),
    ))  # fmt: skip
