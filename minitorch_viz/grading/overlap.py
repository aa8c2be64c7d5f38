"""Overlap: how well the map, cut at its best threshold, covers the object."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.grading.checks import need_map, need_mask


class BestIoU(NamedTuple):
    """Hold the best overlap that any threshold gives."""

    iou: float  # 0..1: pixels in both over pixels in either
    threshold: float  # the map's value from which on (>=) a pixel is counted
    share: float  # of all pixels that are counted, 0..1: the threshold as a quantile is 1 - share


def best_iou(heat: Array, mask: Array) -> BestIoU:
    """Return intersection over union of the object and {heat >= t}, at the threshold t that suits the map best.

    heat (h, w), signed or not; mask (h, w) bool. Every quantile of the map is tried (each distinct value once), so the
    answer does not change when the heat is passed through a growing function: it grades the ranking of pixels. From
    the mask's share of the pixels (what a constant map gets: all or nothing is counted) to 1; higher is better.

    Raises ShapeError for a map that is not finite or a mask that is empty or of another size.

    >>> best_iou(np.array([[9.0, 5.0], [2.0, 1.0]]), np.array([[True, True], [False, False]]))
    BestIoU(iou=1.0, threshold=5.0, share=0.5)
    """
    heat = need_map(heat)
    mask = need_mask(mask, heat)
    order = np.argsort(-heat, axis=None, kind="stable")
    values, hits = heat.ravel()[order], np.cumsum(mask.ravel()[order])
    last = np.append(values[1:] < values[:-1], True)  # equal values are counted together or not at all
    counted = np.flatnonzero(last) + 1
    shared = hits[last]
    iou = shared / (counted + mask.sum() - shared)
    best = int(np.argmax(iou))
    return BestIoU(float(iou[best]), float(values[counted[best] - 1]), float(counted[best] / heat.size))
