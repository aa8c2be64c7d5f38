"""From what the outputs of a CPPN say to pixels: grey, or hue, saturation and value."""

from __future__ import annotations

import numpy as np

from minitorch_viz._types import Array

# Times around the circle of hues as an output goes from 0 to 1: 510 degrees, as in the program of Nguyen et al., whose
# hue is 0..255 in steps of 2 degrees. What saturates is red at one end and green at the other, not red at both.
TURNS = 255 / 180


def pixels_of(values: Array) -> Array:
    """Return pixels (N, C, P) uint8 of outputs (N, C, P) from -1 to 1; the sign does not count.

    Three outputs are hue, saturation and value, as in the paper; other counts are the channels' levels, 1 white.
    """
    shares = np.abs(values)
    if shares.shape[1] == 3:
        shares = rgb(TURNS * shares[:, 0], shares[:, 1], shares[:, 2])
    return np.round(255 * shares).astype(np.uint8)


def rgb(hue: Array, saturation: Array, value: Array) -> Array:
    """Return red, green and blue (N, 3, P) 0..1; hue counts turns: 0 is red, 1/3 green, 2/3 blue, 1 red again."""
    place = 6 * (hue - np.floor(hue))  # in sixths of the circle
    full = np.stack([np.abs(place - 3) - 1, 2 - np.abs(place - 2), 2 - np.abs(place - 4)], axis=1)
    colours: Array = value[:, None] * (1 - saturation[:, None] * (1 - np.clip(full, 0, 1)))
    return colours
