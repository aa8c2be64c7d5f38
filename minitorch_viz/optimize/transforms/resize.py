"""Bring a picture to the size that a net takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from minitorch_viz._types import Generator, Pair
from minitorch_viz.layers.fields import PairField
from minitorch_viz.optimize.maps import LinearMap, Separable, window
from minitorch_viz.optimize.transforms.base import Transform


@dataclass(frozen=True)
class Resize(Transform):
    """Stretch the whole picture to (H, W), read linearly between neighbours; nothing is drawn.

    Made much smaller, single pixels are skipped: blur before.
    """

    to: PairField = PairField(least=1)

    def draw(self, rng: Generator, size: Pair) -> LinearMap:  # noqa: ARG002  # the base's signature
        rows, columns = (window(side, 0, side, out) for side, out in zip(size, self.to, strict=True))
        return Separable(rows, columns)

    @classmethod
    def examples(cls) -> list[Self]:
        return [cls((5, 3)), cls((13, 14))]
