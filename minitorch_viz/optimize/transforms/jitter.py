"""Roll a picture by some pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from minitorch_viz._types import Array, Generator, Pair
from minitorch_viz.layers.fields import WholeField
from minitorch_viz.optimize.maps import SameSize
from minitorch_viz.optimize.transforms.base import Transform


@dataclass(frozen=True)
class Jitter(Transform):
    """Roll by -most..most pixels along each side; what leaves at one border comes in at the other.

    Paper: DeepDream, Mordvintsev et al. 2015, with most = 32.
    """

    most: WholeField = WholeField(least=0)

    def draw(self, rng: Generator, size: Pair) -> Rolled:
        down, right = (int(step) for step in rng.integers(-self.most, self.most + 1, 2))
        return Rolled(size, (down, right))

    @classmethod
    def examples(cls) -> list[Self]:
        return [cls(2), cls(0), cls(30)]


@dataclass(frozen=True, eq=False)
class Rolled(SameSize):
    """Roll by (down, right) pixels. The adjoint rolls back: it is the inverse, too."""

    steps: Pair

    def forward(self, x: Array) -> Array:
        return np.roll(x, self.steps, (-2, -1))

    def adjoint(self, dy: Array) -> Array:
        return np.roll(dy, (-self.steps[0], -self.steps[1]), (-2, -1))
