"""A part of the text, and the cells that are on in it and off around it (LSTMVis, Strobelt et al. 2018).

For each cell the mean in the part and the mean of the letters around it are taken; halfway between them lies its
threshold, and on is the side of the part. Its number is

    score = (share of the part where it is on - share of the letters around where it is on) * distance of the means

the distance as a share of the whole scale: 1 for a cell that is at one end in the part and at the other around it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError

AROUND = 20  # letters at either side that must be off, at least; else as many as the part has
LISTED = 12  # cells that are ranked in a figure


class Ranked(NamedTuple):
    """Hold the R best cells for a part of a text, the best first."""

    cells: Array  # (R,) int: which of the C cells
    scores: Array  # (R,) -1..1; see above
    inside: Array  # (R,) 0..1: the share of the part where it is on
    around: Array  # (R,) 0..1: the same of the letters around
    gaps: Array  # (R,): mean in the part minus mean around; below 0 where on is the lower side
    thresholds: Array  # (R,)


def span_of(text: str, span: str | None, select: str | None) -> tuple[int, int] | None:
    """Return the part start <= i < stop of a text that is asked for; None where none is.

    Raises SettingError for what is no part of the text, for all of it, and where both are given.
    """
    if span is None and select is None:
        return None
    if span is not None and select is not None:
        raise SettingError("A part of the text is given by span or by select, not both.")
    if select is not None:
        if not isinstance(select, str) or not select:
            raise SettingError(f"select must be words of the text, but got {select!r}.")
        start = text.find(select)
        if start < 0:
            raise SettingError(f"The text does not contain {select!r:.80}; select takes words as they stand in it.")
        stop = start + len(select)
    else:
        numbers = re.fullmatch(r"\s*(\d+)\s*:\s*(\d+)\s*", span) if isinstance(span, str) else None
        if numbers is None:
            raise SettingError(f'span must be "START:STOP", two places of letters from 0 on, but got {span!r:.60}.')
        start, stop = int(numbers[1]), int(numbers[2])
        if not start < stop <= len(text):
            raise SettingError(
                f"The span {start}:{stop} is no part of the text: START must be below STOP, and STOP at most "
                f"{len(text)}."
            )
    if stop - start == len(text):
        raise SettingError("The part is the whole text, so that there is nothing around it; choose less.")
    return start, stop


def around(length: int, start: int, stop: int) -> Array:
    """Return which of `length` letters lie around a part, (length,) bool: at either side as many as it has, or 20."""
    reach = max(stop - start, AROUND)
    places = np.arange(length)
    result: Array = (places >= start - reach) & (places < stop + reach) & ((places < start) | (places >= stop))
    return result


def ranked(values: Array, start: int, stop: int, width: float) -> Ranked:
    """Return all cells (T, C) ranked for the letters start <= i < stop, the best first.

    width: of the whole scale, 2 for values from -1 to 1.
    """
    part = values[start:stop].astype(np.float64)
    others = values[around(len(values), start, stop)].astype(np.float64)
    inside, outside = part.mean(axis=0), others.mean(axis=0)
    gaps, thresholds = inside - outside, (inside + outside) / 2
    on_inside, on_around = (is_on(array, thresholds, gaps).mean(axis=0) for array in (part, others))
    scores = (on_inside - on_around) * np.minimum(np.abs(gaps) / width, 1)
    order = np.argsort(-scores, kind="stable")
    return Ranked(order, *(array[order] for array in (scores, on_inside, on_around, gaps, thresholds)))


def is_on(values: Array, thresholds: Array, gaps: Array) -> Array:
    """Return where each cell (T, C) is on, bool: beyond its threshold, on the side of the part."""
    result: Array = (values - thresholds) * np.sign(gaps) > 0
    return result


def runs(flags: Array) -> Array:
    """Return where (T,) truth values are true: (r, 2) of start <= i < stop, in the text's order.

    >>> runs(np.array([True, True, False, True])).tolist()
    [[0, 2], [3, 4]]
    """
    edges = np.diff(np.concatenate([[0], flags.astype(np.int8), [0]]))
    return np.stack([np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)], axis=1)
