"""What could be chance: does a unit tell what a picture shows, and does it so more than the units of untrained nets?"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array

FEWEST = 10  # pictures with a concept, and without it, for a test
LEVEL = 0.05


class Presence(NamedTuple):
    """Hold how well each unit's mean answer tells the pictures with a concept from those without it."""

    # (C, K): of all pairs of a picture with the concept and one without, the share in which the unit answers more to
    # the first; NaN where it is not tested.
    auc: Array
    p: Array  # (C, K): two-sided p-values of Mann and Whitney's test, after Holm's correction for all C x K tests


def presence(means: Array, shown: Array) -> Presence:
    """Test every unit against every concept. means (N, C): of each picture; shown (N, K) bool: what it shows.

    The normal approximation with ties counted and without a correction for continuity. Concepts of which fewer than
    FEWEST pictures show or lack it are not tested: NaN.
    """
    from scipy.special import ndtr
    from scipy.stats import rankdata

    count, units = means.shape
    present = shown.sum(axis=0).astype(np.float64)[:, None]  # (K, 1)
    absent = count - present
    tested = (present[:, 0] >= FEWEST) & (absent[:, 0] >= FEWEST)
    auc = np.full((units, shown.shape[1]), np.nan)
    p = auc.copy()
    if not tested.any():
        return Presence(auc, p)
    present, absent = present[tested], absent[tested]
    ranks = rankdata(means, axis=0)  # (N, C); the mean rank of ties
    wins = shown[:, tested].T.astype(np.float64) @ ranks - present * (present + 1) / 2
    spread = np.sqrt(present * absent / 12 * ((count + 1) - _ties(means) / (count * (count - 1))))
    middle = present * absent / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.where(spread > 0, (wins - middle) / spread, 0)
    auc[:, tested] = (wins / (present * absent)).T
    p[:, tested] = holm(2 * ndtr(-abs(z))).T
    return Presence(auc, p)


def _ties(values: Array) -> Array:
    """Return, for each column, the sum of t^3 - t over its groups of t equal values."""
    sums = np.zeros(values.shape[1])
    for column, column_values in enumerate(values.T):
        _, counts = np.unique(column_values, return_counts=True)
        sums[column] = (counts.astype(np.float64) ** 3 - counts).sum()
    return sums


def holm(p: Array) -> Array:
    """Return p-values corrected for their number (Holm 1979): below 0.05 the chance of even one error is 5 %."""
    flat = p.ravel()
    order = np.argsort(flat, kind="stable")
    steps = flat[order] * (len(flat) - np.arange(len(flat)))
    corrected = np.empty_like(flat)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return corrected.reshape(p.shape)


def benjamini_hochberg(p: Array) -> Array:
    """Return p-values corrected for their number (1995): of those below 0.05 at most 5 % are expected to be errors."""
    flat = p.ravel()
    order = np.argsort(flat, kind="stable")
    steps = flat[order] * len(flat) / (1 + np.arange(len(flat)))
    corrected = np.empty_like(flat)
    corrected[order] = np.minimum(np.minimum.accumulate(steps[::-1])[::-1], 1)
    return corrected.reshape(p.shape)


def against_untrained(values: Array, untrained: Array) -> Array:
    """Return how likely each unit's best IoU (C,) is among the units of untrained nets (M,), corrected for C tests.

    The p-value is (1 + how many of them reach it) / (1 + M); it is corrected as by Benjamini and Hochberg.
    """
    ordered = np.sort(untrained)
    reached = len(ordered) - np.searchsorted(ordered, values, side="left")
    return benjamini_hochberg((1 + reached) / (1 + len(ordered)))


def larger_where(values: Array, shown: Array) -> tuple[float, float]:
    """Return (AUC, one-sided p) of values (N,) being larger where `shown` (N,) is true; (NaN, NaN) if it is rarely so.

    Mann and Whitney's test, as in `presence`, without a correction.
    """
    tested = presence(values[:, None], shown[:, None])
    auc, p = float(tested.auc[0, 0]), float(tested.p[0, 0])
    return auc, p / 2 if auc > 0.5 else 1 - p / 2
