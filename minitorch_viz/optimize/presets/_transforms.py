"""Transforms as presets write them: amounts in pixels, of pictures as large as the paper's."""

from __future__ import annotations

from minitorch_viz.optimize.stage import Drawing, Moment
from minitorch_viz.optimize.transforms import Composed, Jitter, Pad, Rotate, Scale, Transform, Window


def pixels_of(amount: float, moment: Moment, side: int) -> int:
    """Return an amount that a paper states for pictures of `side` pixels, for the one at hand: at most as much."""
    return round(moment.of_side(amount, side))


def jitter(most: int, side: int = 224) -> Drawing:
    """Roll by up to `most` pixels of a picture of `side` pixels."""
    return lambda moment: Jitter(pixels_of(most, moment, side))


def window(moment: Moment) -> Transform:
    """Look at a window as large as the net's pictures, at random, mostly about the middle (Øygard 2015, deepdraw)."""
    return Window(moment.net, 0.3)


def lucid(moment: Moment) -> Transform:
    """Return Lucid's transforms, stated for 128 pixels: pad, jitter, scale, rotate, jitter."""
    return Composed((
        Pad(pixels_of(12, moment, 128)),
        Jitter(pixels_of(8, moment, 128)),
        Scale(),
        Rotate(),
        Jitter(pixels_of(4, moment, 128)),
    ))  # fmt: skip
