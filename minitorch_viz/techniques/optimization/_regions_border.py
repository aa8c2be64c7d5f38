"""How far it is from the photo to the border of its answer, straight ahead in many directions at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.techniques.optimization._regions_space import Space

STEPS = 24  # of the search, to twice as far every second time: the first lies at a 4096th of the whole way
HALVINGS = 60  # at most: then two neighbouring numbers are reached


class Borders(NamedTuple):
    """Hold where the answer first changes in R directions."""

    distances: Array  # (R,): size of the move there; NaN where the answer has not changed as far as the search went
    answers: Array  # (R,) int: the answer behind the border, -1 where there is none
    changes: Array  # (R,): size of the change that is left of the move when what leaves 0..255 is cut off


def borders(space: Space, directions: Array, far: Array, precision: float) -> Borders:
    """Return where the answer first changes on the way from the middle along directions (R, D) of size 1.

    Each way is looked at in STEPS places, the last one at `far` (R,); between the last place with the middle's answer
    and the first one with another it is halved until the two are no farther apart than `precision`, a share of the
    distance. A strip of another answer that is narrower than the step between two places is missed.
    """
    count = len(directions)
    low, high = np.zeros(count), np.full(count, np.nan)  # the last size with the own answer, the first without
    behind = np.full(count, -1)
    for step in range(STEPS, -1, -1):
        open_ = np.flatnonzero(np.isnan(high))
        if not len(open_):
            break
        sizes = far[open_] * 2.0 ** (-step / 2)
        _take(space, directions, open_, sizes, low, high, behind)
    for _ in range(HALVINGS):
        wide = np.flatnonzero(high - low > precision * high)  # False of NaN
        middle = (low[wide] + high[wide]) / 2
        inside = (low[wide] < middle) & (middle < high[wide])
        if not inside.any():
            break
        _take(space, directions, wide[inside], middle[inside], low, high, behind)
    ends = np.nan_to_num(high)[:, None] * directions
    changes = np.where(np.isnan(high), np.nan, space.size(space.points(ends) - space.middle))
    return Borders(high, behind, changes)


def _take(space: Space, directions: Array, chosen: Array, sizes: Array, low: Array, high: Array, behind: Array) -> None:
    """Ask the net at these sizes of the chosen directions, and move the ends of the gap: `low`, `high`, `behind`."""
    for begin in range(0, len(chosen), space.aim.batch):
        rows, at = chosen[begin : begin + space.aim.batch], sizes[begin : begin + space.aim.batch]
        classes = space.answers(space.points(at[:, None] * directions[rows])).classes
        changed = classes != space.own
        low[rows[~changed]] = at[~changed]
        high[rows[changed]], behind[rows[changed]] = at[changed], classes[changed]
