"""Energy: which share of the heat falls on the object, and which on the others."""

from __future__ import annotations

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import ShapeError
from minitorch_viz.grading.checks import need_map, need_mask


def energy_inside(heat: Array, mask: Array) -> float:
    """Return the share of the positive heat that falls on the object, 0..1; higher is better.

    heat (h, w): negative values, which speak against the class, count as 0. mask (h, w) bool. A map without positive
    heat says nothing and gets what a constant map gets: the mask's share of the pixels, which is chance.

    Raises ShapeError for a map that is not finite or a mask that is empty or of another size.

    Paper: Wang et al. 2020 (Score-CAM), the energy-based pointing game, there with boxes.

    >>> energy_inside(np.array([[3.0, 1.0], [-5.0, 0.0]]), np.array([[True, False], [False, False]]))
    0.75
    """
    heat = need_map(heat)
    mask = need_mask(mask, heat)
    shares = _shares(heat)
    return min(1.0, float(shares[mask].sum()))  # rounding may pass 1


def contrast(heat: Array, own: Array, others: Array) -> float:
    """Return the share of positive heat on the object explained minus that on the others, -1..1; higher is better.

    heat (h, w) explains the class of the object `own` (h, w) bool; `others` (h, w) bool are the pixels of the objects
    of other classes. 1: all heat is on the right object. -1: all of it is on the wrong ones. Background counts for
    neither. A map that is the same for every class cannot be good at it: its contrasts for two objects add up to 0.

    Raises ShapeError as `energy_inside`, and if the two masks overlap.
    """
    heat = need_map(heat)
    own, others = need_mask(own, heat, "own"), need_mask(others, heat, "others")
    if (own & others).any():
        raise ShapeError("own and others share pixels; give each object only the pixels at which it is seen.")
    shares = _shares(heat)
    return float(np.clip(shares[own].sum() - shares[others].sum(), -1, 1))


def _shares(heat: Array) -> Array:
    """Return (h, w): each pixel's share of the positive heat; the shares add up to 1."""
    positive = np.maximum(heat, 0)
    top = positive.max()
    if top == 0:
        return np.full(heat.shape, 1 / heat.size)
    positive /= top  # so that neither huge nor tiny maps overflow in the sum
    shares: Array = positive / positive.sum()
    return shares
