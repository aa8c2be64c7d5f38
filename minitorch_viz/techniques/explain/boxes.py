"""A box out of a map: what hangs together above a share of its maximum."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array


class Box(NamedTuple):
    """Hold a rectangle of pixels: columns x0 to x1 and rows y0 to y1, the ends not included."""

    x0: int
    y0: int
    x1: int
    y1: int


def box_above(heat: Array, share: float) -> Box | None:
    """Return the box around the largest connected part of a map (h, w) that is at least `share` of its maximum.

    Negative values count as 0, and pixels that touch at a corner are connected. None without positive heat.
    """
    if heat.max() <= 0:
        return None
    return largest_part(heat >= max(share * heat.max(), np.nextafter(0, 1)))


def largest_part(mask: Array) -> Box:
    """Return the box around the largest 8-connected part of a mask (h, w) bool that has one."""
    from scipy.ndimage import find_objects, label

    parts, _ = label(mask, np.ones((3, 3)))
    largest = int(np.argmax(np.bincount(parts.ravel())[1:]))
    rows, columns = find_objects(parts)[largest]
    return Box(columns.start, rows.start, columns.stop, rows.stop)
