"""The map in colours: each answer has one, paler where the net is less sure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing import PALETTE
from minitorch_viz.techniques.optimization._regions_grid import levels_of, on_round, spread

if TYPE_CHECKING:
    from minitorch_viz.techniques.optimization.regions import Regions

HUES = PALETTE[:7]  # without black, which has no paler shade that is told from grey
REST = "#8c8c8c"  # of all other answers together
PALEST = 0.25  # how much of its colour is left where the net could hardly be less sure
OUTSIDE = {0.1: (":", "a tenth"), 0.5: ("--", "half")}  # shares of the values beyond 0..255 at which a line is drawn
UNKNOWN = 0.8  # grey of what has not been asked


@dataclass(frozen=True)
class Colours:
    """Hold which answer has which colour: the photo's own the first, others in the order in which they were met."""

    classes: tuple[int, ...]  # those with a colour of their own
    least: float  # the confidence that is drawn palest
    others: int  # answers on the map that have none

    @classmethod
    def of(cls, result: Regions) -> Self:
        """Give colours: in each round to the answers that are new in it, the most frequent first, as far as they go.

        Then to those that are met in other directions, and those to the real pictures.
        """
        met = [result.own]
        for level in levels_of(len(result.classes)):
            answers, _ = on_round(result.classes, level.stride)
            numbers, counts = np.unique(answers[answers >= 0], return_counts=True)
            met += [int(k) for k in numbers[np.argsort(-counts, kind="stable")] if int(k) not in met]
            if level.stride == result.stride:
                break
        on_map = len(met)
        for answers in (result.behind, result.meant):
            met += [k for k in dict.fromkeys(answers.tolist()) if k >= 0 and k not in met]
        chosen = tuple(met[: len(HUES)])
        least = 1 / len(result.names) if len(result.names) > 1 else 0.0
        return cls(chosen, least, max(on_map - len(chosen), 0))

    def hue(self, answer: int) -> str:
        """Return the colour of an answer, "#rrggbb"."""
        return HUES[self.classes.index(answer)] if answer in self.classes else REST

    def shades(self, answers: Array, confidences: Array) -> Array:
        """Return the colours (..., 3), 0..1, of answers (...) with their probabilities."""
        table = np.array([_rgb(self.hue(k)) for k in self.classes] + [_rgb(REST)])
        rows = np.full(answers.shape, len(self.classes))
        for row, answer in enumerate(self.classes):
            rows[answers == answer] = row
        sure = np.clip((confidences - self.least) / (1 - self.least), 0, 1)
        strength = (PALEST + (1 - PALEST) * sure)[..., None]
        shades: Array = 1 - strength * (1 - table[rows])
        return shades


def painted(result: Regions) -> Array:
    """Return the map as a picture (n, n, 3) uint8, as fine as the last round that is finished; grey: not asked yet."""
    answers, confidences = (spread(values, result.stride) for values in (result.classes, result.confidences))
    shades = result.colours.shades(answers, np.nan_to_num(confidences))
    shades[answers < 0] = UNKNOWN
    return np.round(255 * shades).astype(np.uint8)


def drawn_shares(result: Regions) -> list[float]:
    """Return the shares of `OUTSIDE` that are reached on the map, and not at once on leaving the middle."""
    outside, _ = on_round(result.outside, result.stride)
    if not result.pictures or np.isnan(outside).any():
        return []
    around = np.sort(outside.ravel())[1:]  # of the middle itself it is 0
    return [share for share in OUTSIDE if around.min() < share < around.max()]


def _rgb(colour: str) -> list[float]:
    return [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
