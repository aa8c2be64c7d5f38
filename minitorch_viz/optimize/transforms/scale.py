"""Zoom into a picture, or out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from minitorch_viz._types import Generator, Pair
from minitorch_viz.errors import SettingError
from minitorch_viz.layers.fields import NumberField
from minitorch_viz.optimize.maps import LinearMap, Separable, window
from minitorch_viz.optimize.transforms.base import Transform


@dataclass(frozen=True)
class Scale(Transform):
    """Enlarge about the middle by a factor drawn evenly from low..high; the size stays.

    Below 1 the border is left in the mean colour. Pixels are read linearly between neighbours.
    Paper: Lucid, Olah et al. 2017: 0.9 to 1.1. Xplique: 0.95 to 1.05.
    """

    low: NumberField = NumberField(0.9, least=0)
    high: NumberField = NumberField(1.1, least=0)

    def __post_init__(self) -> None:
        if not 0 < self.low <= self.high:
            raise SettingError(f"A scale needs 0 < low <= high, but got {self.low:g} to {self.high:g}.")

    def draw(self, rng: Generator, size: Pair) -> LinearMap:
        factor = rng.uniform(self.low, self.high)
        rows, columns = (window(side, side / 2 * (1 - 1 / factor), side / 2 * (1 + 1 / factor), side) for side in size)
        return Separable(rows, columns)

    @classmethod
    def examples(cls) -> list[Self]:
        return [cls(0.5, 0.6), cls(1.0, 1.0), cls(1.5, 3.0)]
