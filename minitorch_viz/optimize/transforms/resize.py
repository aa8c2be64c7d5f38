"""Bring a picture to the size that a net takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from minitorch_viz._types import Generator, Pair
from minitorch_viz.layers.fields import PairField
from minitorch_viz.optimize.maps import LinearMap
from minitorch_viz.optimize.resizing import resizing
from minitorch_viz.optimize.transforms.base import Transform


@dataclass(frozen=True)
class Resize(Transform):
    """Stretch the whole picture to (H, W), read linearly between neighbours, as means where it shrinks.

    Nothing is drawn.
    """

    to: PairField = PairField(least=1)

    def draw(self, rng: Generator, size: Pair) -> LinearMap:  # noqa: ARG002  # the base's signature
        return resizing(size, self.to)

    @classmethod
    def examples(cls) -> list[Self]:
        return [cls((5, 3)), cls((13, 14))]
