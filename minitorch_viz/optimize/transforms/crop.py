"""Look at a random part of a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from minitorch_viz._types import Generator, Pair
from minitorch_viz.errors import SettingError
from minitorch_viz.layers.fields import NumberField, PairField
from minitorch_viz.optimize.maps import LinearMap, Separable, window
from minitorch_viz.optimize.transforms.base import Transform


@dataclass(frozen=True)
class Crop(Transform):
    """Cut out a part and bring it to the size `to`.

    Its share of each side is drawn evenly from low..high, and then moved by a normal number of `spread`, within
    0.05..1; its middle is normal about the picture's, with `wander` of each side. The middle is moved so far that the
    whole part lies inside the picture.

    to: (H, W) that comes out, such as the net's. Paper: MaCo, Fel et al. 2023: low = high = a share that falls from
    0.5 to 0.05, spread 0.05, wander 0.15. Horama: spread 0, low 0.20, high 0.25.
    """

    to: PairField = PairField(least=1)
    low: NumberField = NumberField(0.5, least=0, most=1)
    high: NumberField = NumberField(0.5, least=0, most=1)
    spread: NumberField = NumberField(0.05, least=0)
    wander: NumberField = NumberField(0.15, least=0)

    def __post_init__(self) -> None:
        if not 0 < self.low <= self.high:
            raise SettingError(f"A crop needs shares 0 < low <= high <= 1, but got {self.low:g} to {self.high:g}.")

    def draw(self, rng: Generator, size: Pair) -> LinearMap:
        share, middles = self.share(rng), 0.5 + self.wander * rng.standard_normal(2)
        middles = np.clip(middles, share / 2, 1 - share / 2)
        rows, columns = (
            window(side, side * (middle - share / 2), side * (middle + share / 2), out)
            for side, middle, out in zip(size, middles, self.to, strict=True)
        )
        return Separable(rows, columns)

    def share(self, rng: Generator) -> float:
        """Return the part's share of each side, drawn by `rng`: without spread, low..high exactly."""
        share = rng.uniform(self.low, self.high)
        if self.spread:
            share = float(np.clip(share + self.spread * rng.standard_normal(), 0.05, 1))
        return share

    @classmethod
    def examples(cls) -> list[Self]:
        return [cls((6, 4)), cls((9, 7), 0.2, 0.25, 0.0), cls((8, 8), 1.0, 1.0, 0.0), cls((3, 4), 0.05, 0.05, wander=2)]
