"""Weak localization: a box out of a heat map, from a net that was never told where anything is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import ShapeError
from minitorch_viz.grading.checks import need_map, need_number
from minitorch_viz.techniques.explain.boxes import Box, box_above, largest_part

__all__ = ["USUAL_SHARE", "Box", "best_match", "best_share", "box_iou", "box_of_map", "largest_part"]

USUAL_SHARE = 0.15  # of the maximum, for Grad-CAM (Selvaraju et al. 2017)


def box_of_map(heat: Array, share: float = USUAL_SHARE) -> Box | None:
    """Return the box around the largest connected part of the map that is at least `share` of its maximum.

    heat (h, w): negative values count as 0. Pixels that touch at a corner are connected. None for a map without
    positive heat, which points nowhere.

    Papers: 15 % for Grad-CAM (Selvaraju et al. 2017), 20 % for CAM (Zhou et al. 2016).

    >>> box_of_map(np.array([[0.0, 4.0, 3.0], [1.0, 0.0, 0.0]]), 0.5)
    Box(x0=1, y0=0, x1=3, y1=1)
    """
    heat, share = need_map(heat), need_number("share of the maximum", share, 0, 1)
    return box_above(heat, share)


def box_iou(a: Box | None, b: Box) -> float:
    """Return the intersection over union of two boxes, 0..1; 0 for no box."""
    _need_box(b)
    if a is None:
        return 0.0
    _need_box(a)
    width = min(a.x1, b.x1) - max(a.x0, b.x0)
    height = min(a.y1, b.y1) - max(a.y0, b.y0)
    shared_area = max(width, 0) * max(height, 0)
    return shared_area / ((a.x1 - a.x0) * (a.y1 - a.y0) + (b.x1 - b.x0) * (b.y1 - b.y0) - shared_area)


def best_share(maps: Sequence[Array], boxes: Sequence[Sequence[Box]], shares: Sequence[float]) -> float:
    """Return the share of the maximum at which the maps' boxes overlap their true boxes best, on average.

    boxes: for each map its true boxes, of which the nearest counts. This uses the truth: it grades what the map
    could do with the threshold that suits its method, the same for all photos.

    Paper: Choe et al. 2020 (Evaluating weakly supervised object localization methods right) show why: methods differ
    in their scales more than in their merits.
    """
    means = [
        np.mean([best_match(heat, truth, share) for heat, truth in zip(maps, boxes, strict=True)]) for share in shares
    ]
    return float(shares[int(np.argmax(means))])


def best_match(heat: Array, boxes: Sequence[Box], share: float) -> float:
    """Return the overlap of the map's box with the true box that it fits best, 0..1."""
    if not boxes:
        raise ShapeError("There is no true box to compare with; leave this map out.")
    map_box = box_of_map(heat, share)
    return max(box_iou(map_box, box) for box in boxes)


def _need_box(box: Box) -> None:
    if not (box.x0 < box.x1 and box.y0 < box.y1):
        raise ShapeError(f"A box needs x0 < x1 and y0 < y1, but got {tuple(box)}.")
