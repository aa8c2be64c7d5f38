"""The states of all cells as a sum of a few nonnegative factors: which cells move together over a text.

A cell's value has a sign, and a nonnegative factorization takes none: its mean over the text is taken off, and it
stands for two columns, how far it is above its mean and how far below. Without that the factors would tell what cells
always do, and take ten times as long (tried on 1,148 letters of C: 4.3 s and 0.5 s).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.techniques.activations._factors_parts import Parts, parts_of

MOST_LETTERS = 3000  # that are taken apart: 1024 columns of so many take about 20 s


class Side(NamedTuple):
    """Name one side of a cell that belongs to a factor."""

    cell: int  # of the C cells
    sign: int  # +1: where the cell is above its mean, -1: where it is below
    weight: float  # 0..1: its share of the factor's squared length


def split(values: Array) -> Array:
    """Return cells (T, C) as nonnegative columns (T, 2 C): how far each is above its mean, then how far below."""
    values = values - values.mean(axis=0, dtype=np.float64)
    return np.concatenate([np.maximum(values, 0), np.maximum(-values, 0)], axis=1)


def taken_apart(values: Array, count: int, seed: int) -> Parts:
    """Return cells (T, C) as `count` factors: strengths (T, count), directions (count, 2 C), the largest first."""
    columns = split(values)
    return parts_of(columns, min(count, *columns.shape), seed)


def explained(values: Array, parts: Parts) -> float:
    """Return the share of the variance of (T, C) that the factors explain, both sides put together: 1 is all of it."""
    cells = values.shape[1]
    rebuilt = parts.strengths @ (parts.directions[:, :cells] - parts.directions[:, cells:])
    changes = values - values.mean(axis=0, dtype=np.float64)
    total = float((changes**2).sum())
    return 1 - float(((changes - rebuilt) ** 2).sum()) / total if total else 1.0


def makers(directions: Array, count: int) -> tuple[tuple[Side, ...], ...]:
    """Return for each factor (k, 2 C) the sides of cells that it consists of, at most `count`, the largest first."""
    cells = directions.shape[1] // 2
    result = []
    for direction in directions:
        order = np.argsort(-direction, kind="stable")[:count]
        sides = [
            Side(int(column) % cells, 1 if column < cells else -1, float(direction[column]) ** 2)
            for column in order
            if direction[column] > 0
        ]
        result.append(tuple(sides))
    return tuple(result)


def strongest_places(strengths: Array, count: int, apart: int) -> Array:
    """Return for each factor (T, k) where it is strongest: (k, count) places, -1 where there are no more.

    No two places of a factor are fewer than `apart` letters apart, and where it is 0 is none.
    """
    result = np.full((strengths.shape[1], count), -1)
    for k, column in enumerate(strengths.T):
        left = column.copy()
        for number in range(count):
            place = int(left.argmax())
            if left[place] <= 0:
                break
            result[k, number] = place
            left[max(place - apart + 1, 0) : place + apart] = 0
    return result
