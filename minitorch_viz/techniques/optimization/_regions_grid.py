"""The points of a map in the order in which they are asked, coarse to fine, and the map as it looks on the way."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array

COARSEST = 4  # steps at least from the middle to the edge of the coarsest map


class Level(NamedTuple):
    """Hold the points that one round adds."""

    stride: int  # points apart
    points: Array  # (n,) int: row * side + column


def levels_of(side: int) -> list[Level]:
    """Return the rounds in which a map of side x side points is asked; side is odd, and the middle in each round.

    The first is a coarse map of the whole, and each other one puts points between those that are there.
    """
    half = side // 2
    stride = 1
    while half // (2 * stride) >= COARSEST:
        stride *= 2
    offsets = np.arange(-half, half + 1)
    taken = np.zeros((side, side), bool)
    levels = []
    while stride:
        is_on_it = offsets % stride == 0
        points = (is_on_it[:, None] & is_on_it) & ~taken
        taken |= points
        levels.append(Level(stride, np.flatnonzero(points)))
        stride //= 2
    return levels


def finished(done: int, levels: list[Level]) -> int:
    """Return the stride of the finest round that is finished after `done` points; that of the first if none is."""
    stride = levels[0].stride
    for level in levels:
        done -= len(level.points)
        if done < 0:
            break
        stride = level.stride
    return stride


def spread(values: Array, stride: int) -> Array:
    """Return a map (side, side) in which each point without a value has that of the nearest one of a round.

    values: those of points that have not been asked are never read, except of the round itself.
    """
    half = len(values) // 2
    offsets = np.arange(-half, half + 1)
    reach = half // stride * stride
    nearest = np.clip(np.floor(offsets / stride + 0.5).astype(int) * stride, -reach, reach) + half
    filled: Array = values[nearest[:, None], nearest]
    return filled


def on_round(values: Array, stride: int) -> tuple[Array, Array]:
    """Return the values (n, n) at the points of a round alone, and where these are, (n,) steps from the middle."""
    half = len(values) // 2
    reach = half // stride
    offsets = np.arange(-reach, reach + 1) * stride
    return values[np.ix_(offsets + half, offsets + half)], offsets
