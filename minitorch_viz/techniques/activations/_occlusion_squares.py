"""The squares that cover a photo: where they stand, and what the net sees then."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minitorch_viz._types import Array, Pair
from minitorch_viz.boxes import Boxes, Patch
from minitorch_viz.techniques.activations._occlusion_fills import Filling


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


def covered(x: Array, places: Sequence[Pair], size: int, filling: Filling) -> Patch:
    """Return what x (1, C, h, w) shows where a square covers it, at each of K places (top, left).

    A square may hang over the border. Its patch is then moved inside and shows some of x itself.
    """
    last_top, last_left = x.shape[2] - size, x.shape[3] - size
    inside = [(min(max(top, 0), last_top), min(max(left, 0), last_left)) for top, left in places]
    boxes = Boxes.at((top for top, _ in inside), (left for _, left in inside), (size, size))
    values = np.broadcast_to(boxes.take(x), (len(places), x.shape[1], size, size)).copy()
    for square, (top, left), (row, column) in zip(values, places, inside, strict=True):
        shifts = (top - row, left - column)
        over, shown = ([slice(max(0, by), size + min(0, by)) for by in each] for each in (shifts, (-s for s in shifts)))
        square[:, *over] = np.broadcast_to(filling(top, left), square.shape)[:, *shown]
    return Patch(values, boxes)


def middle_of(shape: Sequence[int], size: int) -> Pair:
    """Return where a square in the middle of maps (h, w) begins, (top, left)."""
    return (shape[0] - size) // 2, (shape[1] - size) // 2
