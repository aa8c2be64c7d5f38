"""Which channels of a node answer alike on one picture: their correlations over its places, alike ones side by side."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array

FEWEST = 9  # places: over fewer, channels correlate by chance
MOST = 64  # channels in a matrix
PAIRS = 3  # that are named


class Correlation(NamedTuple):
    """Hold the correlations of a node's channels over the places of one picture."""

    channels: Array  # (m,) int: those that vary most, alike ones side by side
    matrix: Array  # (m, m), -1..1
    pairs: tuple[tuple[int, int, float], ...]  # the most alike of all its channels: (channel, channel, correlation)
    places: int  # over how many places
    constant: int  # channels that have one value everywhere, and so no correlation


def correlation(values: Array) -> Correlation | None:
    """Return how channels (C, P) correlate over P places; None for too few places or fewer than two that vary."""
    if values.ndim != 2 or values.shape[1] < FEWEST or not np.isfinite(values).all():
        return None
    centred = values.astype(np.float64) - values.mean(axis=1, keepdims=True, dtype=np.float64)
    spread = np.sqrt((centred**2).sum(axis=1))
    least = 1e-6 * np.abs(values).max(axis=1, initial=0) * np.sqrt(values.shape[1])  # float32's rounding
    varying = np.flatnonzero(spread > least)
    if len(varying) < 2:
        return None
    unit = centred[varying] / spread[varying, None]
    every = np.clip(unit @ unit.T, -1, 1)
    rows, columns = np.triu_indices(len(varying), 1)
    alike = every[rows, columns]
    best = np.argsort(-alike, kind="stable")[:PAIRS]
    pairs = tuple((int(varying[rows[k]]), int(varying[columns[k]]), float(alike[k])) for k in best)
    picked = np.sort(np.argsort(-spread[varying], kind="stable")[:MOST])
    order = picked[clustered(every[np.ix_(picked, picked)])]
    constant = len(values) - len(varying)
    return Correlation(varying[order], every[np.ix_(order, order)], pairs, values.shape[1], constant)


def clustered(matrix: Array) -> Array:
    """Return an order of rows in which alike ones stand side by side: the leaves of an average-linkage tree."""
    if len(matrix) < 3:
        return np.arange(len(matrix))
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    distance = np.clip(1 - (matrix + matrix.T) / 2, 0, 2)
    np.fill_diagonal(distance, 0)
    order: Array = leaves_list(linkage(squareform(distance, checks=False), "average", optimal_ordering=True))
    return order
