"""How alike codes change: signs of differences, the share of units in which two pictures' signs differ, its error."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array

ROUNDING = 1e-5  # of a layer's largest magnitude: what changes by less has not changed


class Mean(NamedTuple):
    """Hold means over all pairs of pictures, with their standard errors."""

    values: Array  # (...)
    errors: Array  # (...)


def signs_of(codes: Array, changed: Array) -> Array:
    """Return the signs, -1, 0 and 1 as int8, of how codes (1, D) change to (K, D)."""
    differences = codes.astype(np.float64) - changed
    least = ROUNDING * max(float(np.abs(codes).max(initial=0)), float(np.abs(changed).max(initial=0)))
    return np.where(np.abs(differences) <= least, 0, np.sign(differences)).astype(np.int8)


def over_pairs(pairs: Array) -> Mean:
    """Return the mean over all pairs of different pictures, of distances (..., n, n), and its jackknife error.

    A picture is in many pairs, so that these are not independent: one picture after another is left out.
    """
    count = pairs.shape[-1]
    off = ~np.eye(count, dtype=bool)
    total = np.where(off, pairs, 0).sum(axis=(-2, -1))
    values = total / (count * (count - 1))
    if count < 3:
        return Mean(values, np.full(values.shape, np.nan))
    rows = np.where(off, pairs, 0).sum(axis=-1)  # symmetric: a picture's pairs are its row and its column
    without = (total[..., None] - 2 * rows) / ((count - 1) * (count - 2))
    spread = ((without - without.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1)
    return Mean(values, np.sqrt((count - 1) / count * spread))
