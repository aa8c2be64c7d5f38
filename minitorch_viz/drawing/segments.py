"""A segmentation net's answer in colours: each place in the colour of the channel that wins it, over the photo."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.models.segments import Segments, is_background

# The channels in order, told apart by those who see few colours too (Okabe and Ito 2008); then lighter ones.
COLOURS = (
    "#e69f00", "#0072b2", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#7b4fa3",
    "#f4c97a", "#7fb2d9", "#7fcbb3", "#e3b8d1", "#a6d5f2", "#ea9a66", "#f7efa0", "#b79ccd",
)  # fmt: skip
GROUND = "#9a9a9a"  # background, and what no channel wins
STRENGTH = 0.6  # how opaque a colour is


class Entry(NamedTuple):
    """Hold one line of a legend."""

    name: str
    colour: str  # "#rrggbb"
    share: float  # of the picture, 0..1


def legend(segments: Segments) -> list[Entry]:
    """Return the channels that win somewhere, with their colours and shares, the largest first."""
    return [Entry(segments.name(c), colour_of(segments, c), share) for c, share in segments.shares.items()]


def colour_of(segments: Segments, channel: int) -> str:
    """Return a channel's colour; colours are given in the order of the channels, and come again after sixteen."""
    if is_background(segments.name(channel)):
        return GROUND
    earlier = sum(not is_background(name) for name in segments.names[:channel])
    return COLOURS[earlier % len(COLOURS)]


def coloured(segments: Segments, picture: Array) -> Array:
    """Return (h, w, 3) uint8: the winners' colours over a picture (h, w, 3) uint8 in grey."""
    height, width = picture.shape[:2]
    rows = (np.arange(height) * segments.winners.shape[0]) // height
    columns = (np.arange(width) * segments.winners.shape[1]) // width
    winners = segments.winners[rows[:, None], columns]
    grey = picture.mean(axis=2, keepdims=True).repeat(3, axis=2)
    colours = np.zeros((height, width, 3))
    strength = np.zeros((height, width, 1))
    for channel in segments.shares:
        colour = colour_of(segments, channel)
        colours[winners == channel] = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
        strength[winners == channel] = STRENGTH if colour != GROUND else 0
    mixed: Array = np.round(grey * (1 - strength) + colours * strength).astype(np.uint8)
    return mixed
