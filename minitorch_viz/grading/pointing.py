"""The pointing game: does the hottest pixel lie on the object?"""

from __future__ import annotations

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.grading.checks import need_map, need_mask, need_number


def pointing(heat: Array, mask: Array, tolerance: float = 0) -> float:
    """Return 1 if the map's maximum lies on the object, else 0; higher is better.

    heat (h, w), signed or not: the largest value counts, not the largest magnitude, since a negative value speaks
    against the class. mask (h, w) bool. tolerance: pixels by which the maximum may miss the object (Euclidean).

    Where several pixels share the maximum, the share of them that hit: what picking one at random would give on
    average. So a constant map gets `pointing_chance`, not a hit or a miss by its first pixel.

    Raises ShapeError for a map that is not finite or a mask that is empty or of another size, SettingError for a
    negative tolerance.

    Paper: Zhang et al. 2016 (Top-down neural attention by excitation backprop), there with 15 pixels on photos.

    >>> heat = np.array([[0.0, 3.0], [3.0, 1.0]])
    >>> pointing(heat, np.array([[True, True], [False, False]]))
    0.5
    """
    heat = need_map(heat)
    hits = near_mask(need_mask(mask, heat), tolerance)
    return float(hits[heat == heat.max()].mean())


def pointing_chance(mask: Array, tolerance: float = 0) -> float:
    """Return the share of pixels that count as a hit: what a point at random gets, 0..1."""
    return float(near_mask(need_mask(mask, np.asarray(mask)), tolerance).mean())


def near_mask(mask: Array, tolerance: float) -> Array:
    """Return (h, w) bool: the pixels of the mask, and those at most `tolerance` pixels from one."""
    if need_number("tolerance", tolerance, 0) == 0:
        return mask
    from scipy.ndimage import distance_transform_edt

    widened: Array = distance_transform_edt(~mask) <= tolerance
    return widened
