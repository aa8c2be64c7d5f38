"""Set a picture into a border."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from minitorch_viz._types import Generator, Pair
from minitorch_viz.layers.fields import WholeField
from minitorch_viz.optimize.maps import LinearMap, Separable
from minitorch_viz.optimize.transforms.base import Transform


@dataclass(frozen=True)
class Pad(Transform):
    """Add `width` pixels of the mean colour on each side, so that jitter and rotation do not cut the picture.

    Paper: Lucid, Olah et al. 2017: 12 pixels, of middle grey.
    """

    width: WholeField = WholeField(least=0)

    def draw(self, rng: Generator, size: Pair) -> LinearMap:  # noqa: ARG002  # the base's signature
        rows, columns = (np.eye(side + 2 * self.width, side, -self.width) for side in size)
        return Separable(rows, columns)

    @classmethod
    def examples(cls) -> list[Self]:
        return [cls(3), cls(0)]
