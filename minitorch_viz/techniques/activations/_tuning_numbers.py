"""Invariance: how much of what a unit's answers differ by is not due to the one thing that was changed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from minitorch_viz._types import Array

LIVE = 0.02  # of the pictures: a unit that answers above 0 in fewer is not chosen by itself
AWAKE = 0.5  # of the unchanged photos: the same


def invariance(answers: Array) -> Array:
    """Return for answers (S, D, U), S objects in D steps of one thing, (U,) numbers 0..1; NaN where none can be said.

    1 - (variance along the steps, mean over the objects) / (variance over all): 1 where only the objects count and the
    steps change nothing, 0 where the steps account for everything. It is the share of the variance that lies between
    the objects' means, so that NaN stands for one object alone, and for a unit that always answers the same.
    """
    answers = answers.astype(np.float64)
    whole = answers.var(axis=(0, 1))
    along = answers.var(axis=1).mean(axis=0)
    nothing = whole <= (1e-6 * np.abs(answers).max(axis=(0, 1), initial=1e-30)) ** 2
    if len(answers) < 2:
        return np.full(answers.shape[2], np.nan)
    share: Array = np.where(nothing, np.nan, 1 - along / np.where(nothing, 1, whole))
    return share


def most_selective(answers: Mapping[str, Array], count: int, unchanged: Array | None = None) -> Array:
    """Return the channels (U,) to show: for each thing in turn the live one that it moves most, each channel once.

    answers: {what changes: (S, D, C)}. Of one object alone, whose invariance cannot be said, those whose answers
    spread most for their size. unchanged: (S, C), the answers to photos as they are: those that are live answer them,
    and not only what becomes of them.
    """
    everything = np.concatenate([values.reshape(-1, values.shape[2]) for values in answers.values()])
    live = (everything > 0).mean(axis=0) >= LIVE
    if unchanged is not None:
        live &= ((unchanged > 0).mean(axis=0) >= AWAKE) & (unchanged.mean(axis=0) >= everything.mean(axis=0))
    ranks = []
    for values in answers.values():
        order = invariance(values) if len(values) > 1 else -values.std(axis=1)[0] / _size(values)
        order = np.where(np.isnan(order), np.inf, order) + np.where(live, 0, 1e6)
        ranks.append(np.argsort(order, kind="stable").tolist())
    chosen: list[int] = []
    total = min(count, len(ranks[0]))
    while len(chosen) < total:
        for rank in ranks:
            if len(chosen) < total:
                chosen.append(next(channel for channel in rank if channel not in chosen))
    return np.array(chosen)


def _size(values: Array) -> Array:
    """Return the mean magnitude of each channel's answers, with a floor, so that hardly living ones do not win."""
    means = np.abs(values).mean(axis=(0, 1))
    sizes: Array = means + means.max(initial=0) / 10 + 1e-30
    return sizes
