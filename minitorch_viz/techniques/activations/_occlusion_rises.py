"""Where covering something raises a number: what is covered there spoke against it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array

WORTH = 0.2  # of the largest change on the page: what rises by less is not marked
LEAST = 0.01  # of a probability


class Rise(NamedTuple):
    """Hold where covering raises one number, and most of all where, and what loses there."""

    marked: Array  # (rows, columns) bool: the places at which it rises by `by` or more
    by: float
    place: tuple[int, int]  # in the grid: where it rises most
    before: float  # the number on the whole photo
    after: float  # with the square at that place
    loser: int | None = None  # the class that loses the most probability there; None: not known
    lost: tuple[float, float] = (0.0, 0.0)  # its probability on the whole photo, and with the square there


def rise_of(values: Array, base: float, full: float, kind: str, answers: Array | None, whole: Array | None) -> Rise:
    """Return where a number (rows, columns) rises; NaN where it has not been measured.

    full: the largest change on the page. kind: what the number is: probability, score, value.
    answers, whole: the probabilities of all classes, (places, classes) of those measured and (classes,), if they are.
    """
    gain = np.nan_to_num(values - base, nan=-np.inf)
    by = max(WORTH * full, LEAST if kind == "probability" else 0.0)
    row, column = (int(i) for i in np.unravel_index(np.argmax(gain), gain.shape))
    rise = Rise((gain >= by) & (gain > 0), by, (row, column), base, float(values[row, column]))
    number = row * values.shape[1] + column
    if answers is None or whole is None or not rise.marked.any():
        return rise
    fall = whole - answers[number]
    loser = int(np.argmax(fall))
    if fall[loser] <= 0:
        return rise
    lost = (float(whole[loser]), float(answers[number, loser]))
    return Rise(rise.marked, by, rise.place, base, rise.after, loser, lost)


def outline(marked: Array, tops: Array, lefts: Array) -> list[list[tuple[float, float]]]:
    """Return the borders between marked cells (rows, columns) and others as lines ((x, y), (x, y)).

    tops, lefts: where the cells begin and end, (rows + 1,) and (columns + 1,).
    """
    framed = np.pad(marked, 1)
    lines = []
    for row, column in zip(*np.nonzero(framed[1:, 1:-1] != framed[:-1, 1:-1]), strict=True):
        lines.append([(lefts[column], tops[row]), (lefts[column + 1], tops[row])])
    for row, column in zip(*np.nonzero(framed[1:-1, 1:] != framed[1:-1, :-1]), strict=True):
        lines.append([(lefts[column], tops[row]), (lefts[column], tops[row + 1])])
    return lines
