"""Nearest neighbours, and how much of them a map on paper keeps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.techniques.workers import products_by_one_thread

CHUNK = 2**22  # distances at a time
ROUNDING = 1e-12  # of the largest squared distance from the middle: more than products in double precision lose
MOST_TIES = 512  # points that are measured by differences


class Neighbours(NamedTuple):
    """Hold the nearest points of each of n points, the nearest first; a tie goes to the lower number."""

    numbers: Array  # (n, k) int
    distances: Array  # (n, k) float64


def nearest(points: Array, count: int) -> Neighbours:
    """Return the `count` nearest other points of each of (n, d) points, or all if there are fewer."""
    count = min(count, len(points) - 1)
    numbers, distances = np.zeros((len(points), count), np.int64), np.zeros((len(points), count))
    slack = ROUNDING * float(((points - points.mean(axis=0, dtype=np.float64)) ** 2).sum(axis=1).max())
    for begin, squares in _squared_distances(points):
        for number, row in enumerate(squares if count else (), start=begin):
            row[number] = np.inf
            numbers[number], distances[number] = _smallest(points[number], points, row, slack, count)
    return Neighbours(numbers, distances)


def nearest_to(queries: Array, points: Array, count: int) -> Neighbours:
    """Return the `count` points nearest to each of (q, d) queries, which are none of the (n, d) points."""
    count = min(count, len(points))
    numbers, distances = np.zeros((len(queries), count), np.int64), np.zeros((len(queries), count))
    for number, query in enumerate(queries.astype(np.float64)):
        squares = ((points - query) ** 2).sum(axis=1)
        numbers[number], distances[number] = _smallest(query, points, squares, 0.0, count)
    return Neighbours(numbers, distances)


def _smallest(query: Array, points: Array, squares: Array, slack: float, count: int) -> tuple[Array, Array]:
    """Return the numbers of the points (n, d) nearest to a query (d,), with their distances.

    squares: (n,) their squared distances, which are wrong by `slack` at most: those that may be among the nearest are
    measured by differences, so that equal points are 0 apart, and a tie is one.
    """
    limit = np.partition(squares, count - 1)[count - 1]
    candidates = np.flatnonzero(squares <= limit + slack)
    if len(candidates) > MOST_TIES:  # so many equal points: the first ones of them
        order = np.argsort(squares[candidates], kind="stable")
        candidates = np.sort(candidates[order[:MOST_TIES]])
    distances = np.linalg.norm(points[candidates].astype(np.float64) - query, axis=1)
    order = np.lexsort((candidates, distances))[:count]
    return candidates[order], distances[order]


def _squared_distances(points: Array) -> Iterator[tuple[int, Array]]:
    """Yield (number of the first row, squared distances (rows, n)) of (n, d) points, some rows at a time."""
    points = points.astype(np.float64)
    points -= points.mean(axis=0)
    squares = (points**2).sum(axis=1)
    rows = max(CHUNK // max(len(points), 1), 1)
    for begin in range(0, len(points), rows):
        part = slice(begin, begin + rows)
        with products_by_one_thread:
            products = points[part] @ points.T
        yield begin, np.maximum(squares[part, None] + squares - 2 * products, 0)


class Kept(NamedTuple):
    """Say how much of the neighbours in the codes a map keeps."""

    share: float  # of the k nearest on the map that are among the k nearest by codes
    trust: float  # trustworthiness: 1 if no point comes near on the map that was far away before


def kept(points: Array, neighbours: Array, positions: Array) -> Kept:
    """Return how much of the nearest neighbours (n, k) of (n, d) points is kept on a map (n, 2).

    The trustworthiness (Venna, Kaski 2001) takes from 1 for each of the nearest on the map that was not among the
    nearest before, the more the further down it stood; NaN where there are too few points (n < 2 k + 1).
    """
    total, count = neighbours.shape
    on_map, _ = nearest(positions, count)
    same = sum(len(np.intersect1d(before, now)) for before, now in zip(neighbours, on_map, strict=True))
    too_far = 0
    for begin, squares in _squared_distances(points):
        for place, row in enumerate(squares, start=begin):
            row[place] = np.inf
            ranks = 1 + (row < row[on_map[place]][:, None]).sum(axis=1)
            too_far += int(np.maximum(ranks - count, 0).sum())
    is_defined = 2 * count < total
    worst = total * count * (2 * total - 3 * count - 1) / 2
    return Kept(same / max(total * count, 1), 1 - too_far / worst if is_defined else float("nan"))


def same_class(numbers: Array, labels: Array) -> tuple[float, float]:
    """Return the share of neighbours (n, k) that have the same label as their point, and the share by chance.

    labels: (n,) int; those of -1 are left out. NaN where fewer than two points have one.
    """
    has_label = labels >= 0
    total = int(has_label.sum())
    if total < 2 or numbers.shape[1] == 0:
        return float("nan"), float("nan")
    theirs = labels[numbers[has_label]]
    is_known = theirs >= 0
    same = (theirs == labels[has_label][:, None]) & is_known
    sizes = np.bincount(labels[has_label])
    by_chance = float((sizes * (sizes - 1)).sum() / (total * (total - 1)))
    return (float(same.sum() / is_known.sum()) if is_known.any() else float("nan")), by_chance
