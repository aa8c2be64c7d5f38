"""Varied photos: a photo as the net sees it, turned, moved, enlarged, brighter, or of other hues."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.models.readers import Preprocessing


class Dimension(NamedTuple):
    """Say how a photo is changed, and in which steps."""

    values: Sequence[float]
    steps: tuple[str, ...]
    axis: str
    unchanged: float  # the value that leaves it as it is
    change: Callable[[Preprocessing, Array, float], Array]  # (reader, x (1, C, h, w), value) -> x


def moved(x: Array, angle: float = 0.0, scale: float = 1.0, across: float = 0.0) -> Array:
    """Return a net's input (1, C, h, w) turned clockwise about its middle, enlarged, and moved to the right.

    angle: degrees. across: as a share of the width. Bilinear; what comes in from beyond the border is 0, the net's mean
    colour.
    """
    from scipy.ndimage import affine_transform

    size = np.array(x.shape[2:])
    turn = math.radians(angle)
    matrix = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]]) / scale
    middle = (size - 1) / 2
    offset = middle - matrix @ (middle + np.array([0, across * size[1]]))
    maps = [affine_transform(channel, matrix, offset, order=1, mode="grid-constant", cval=0.0) for channel in x[0]]
    return np.stack(maps)[None].astype(x.dtype)


def brighter(reader: Preprocessing, x: Array, factor: float) -> Array:
    """Return the input with every pixel's colour times a factor, cut off at white."""
    return _of_pixels(reader, np.clip(factor * reader.restore(x).astype(np.float64), 0, 255), x)


def of_other_hue(reader: Preprocessing, x: Array, degrees: float) -> Array:
    """Return the input with all hues moved on around the colour circle; saturation and value stay."""
    from skimage.color import hsv2rgb, rgb2hsv

    colours = rgb2hsv(reader.restore(x))
    colours[..., 0] = (colours[..., 0] + degrees / 360) % 1
    return _of_pixels(reader, 255 * hsv2rgb(colours), x)


def _of_pixels(reader: Preprocessing, pixels: Array, x: Array) -> Array:
    """Return pixels (h, w, 3), 0..255, as the net's input of the form of x; of a grey net the first channel."""
    values = reader.level(pixels.transpose(2, 0, 1)[: x.shape[1]], np.float64)
    return np.ascontiguousarray(values[None]).astype(x.dtype)


def dimensions_of(reader: Preprocessing) -> dict[str, Dimension]:
    """Return what of a photo can be changed for a net: hues of those that see colours only."""
    turns = [float(angle) for angle in range(-180, 180, 30)]
    moves = [-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3]
    scales = [0.4, 0.5, 0.65, 0.8, 1.0, 1.25, 1.6, 2.0]
    lights = [0.2, 0.4, 0.6, 0.8, 1.0, 1.3, 1.6, 2.0]
    hues = [float(angle) for angle in range(0, 360, 45)]
    dimensions = {
        "rotation": Dimension(turns, _whole(turns), "rotation in degrees", 0, lambda _, x, v: moved(x, angle=v)),
        "size": Dimension(scales, _short(scales), "size: times as large", 1, lambda _, x, v: moved(x, scale=v)),
        "place": Dimension(
            moves,
            _whole([100 * v for v in moves]),
            "place: moved by % of the width",
            0,
            lambda _, x, v: moved(x, across=v),
        ),
        "brightness": Dimension(lights, _short(lights), "brightness: times as bright", 1, brighter),
        "colour": Dimension(hues, _whole(hues), "colour: hues moved by degrees", 0, of_other_hue),
    }
    if reader.channels == 1:
        del dimensions["colour"]
    return dimensions


def _whole(values: Sequence[float]) -> tuple[str, ...]:
    return tuple(f"{value:.0f}" for value in values)


def _short(values: Sequence[float]) -> tuple[str, ...]:
    return tuple(f"{value:g}" for value in values)


def varied_photo(reader: Preprocessing, x: Array, dimension: Dimension) -> Array:
    """Return a net's input (1, C, h, w) in all steps of a dimension, (D, C, h, w)."""
    x = kernels.to_cpu(x)
    return np.concatenate([dimension.change(reader, x, value) for value in dimension.values])
