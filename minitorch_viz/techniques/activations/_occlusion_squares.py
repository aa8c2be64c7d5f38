"""The squares that cover a photo: where they stand, what colour they have, and what the net sees then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Pair
from minitorch_viz.boxes import Boxes, Patch
from minitorch_viz.errors import SettingError
from minitorch_viz.techniques.explain.given import level_of

if TYPE_CHECKING:
    from minitorch_viz.models import Model

FILLS = {"grey": 128.0, "black": 0.0, "white": 255.0}


def places_on(side: int, size: int, stride: int) -> Array:
    """Return where squares begin on one axis: as few as cover it, as far over the one border as over the other."""
    count = len(range(0, min(side - size + stride, side), stride))
    span = (count - 1) * stride + size
    return np.arange(count) * stride - int(
        (span - side) / 2
    )  # towards 0: one pixel that cannot be halved is at the end


def covers(firsts: Array, size: int, side: int) -> Array:
    """Return (places, side): 1 where a square that begins at firsts[place] covers a pixel, else 0."""
    places, pixels = firsts[:, None], np.arange(side)
    return ((places <= pixels) & (pixels < places + size)).astype(float)


def covered(x: Array, places: Sequence[Pair], size: int, colour: Array) -> Patch:
    """Return what x (1, C, h, w) shows where a square of `colour` (C, 1, 1) covers it, at each of K places (top, left).

    A square may hang over the border. Its patch is then moved inside and shows some of x itself.
    """
    last_top, last_left = x.shape[2] - size, x.shape[3] - size
    inside = [(min(max(top, 0), last_top), min(max(left, 0), last_left)) for top, left in places]
    boxes = Boxes.at((top for top, _ in inside), (left for _, left in inside), (size, size))
    values = np.broadcast_to(boxes.take(x), (len(places), x.shape[1], size, size)).copy()
    for square, (top, left), (row, column) in zip(values, places, inside, strict=True):
        over = [slice(max(0, by), size + min(0, by)) for by in (top - row, left - column)]
        square[:, *over] = colour
    return Patch(values, boxes)


def fill_value(model: Model, fill: str, x: Array) -> Array:
    """Return the occluder's colour in the net's units, (C, 1, 1)."""
    if fill == "mean":
        colour: Array = x[0].mean(axis=(1, 2), keepdims=True)
        return colour
    try:
        level = FILLS[fill] if fill in FILLS else float(fill)
    except (TypeError, ValueError):
        level = -1.0
    if not 0 <= level <= 255:
        raise SettingError(f"fill must be mean, {', '.join(FILLS)} or a grey level from 0 to 255, but got {fill!r}.")
    return kernels.to_device(level_of(model)(level, x.dtype), kernels.device_of(x))
