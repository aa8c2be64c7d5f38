"""Set a picture into its place in a larger one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from minitorch_viz._types import Generator, Pair, Region
from minitorch_viz.errors import SettingError
from minitorch_viz.layers.fields import PairField
from minitorch_viz.optimize.maps import LinearMap, Separable
from minitorch_viz.optimize.transforms.base import Transform


@dataclass(frozen=True)
class Placed(Transform):
    """Set a picture into one of the mean colour, as large as the net takes, such as where one unit looks.

    to: (H, W) of the larger one. box: (top, left, bottom, right) in it, whose middle is the picture's; it may reach
    beyond the border, and what lies there is cut off. A picture of another size than the box keeps its pixels.
    """

    to: PairField = PairField(least=1)
    box: Region = (0, 0, 1, 1)

    def __post_init__(self) -> None:
        top, left, bottom, right = self.box
        if bottom <= top or right <= left:
            raise SettingError(f"A place needs top < bottom and left < right, but got {self.box}.")

    def draw(self, rng: Generator, size: Pair) -> LinearMap:  # noqa: ARG002  # the base's signature
        rows, columns = (
            np.eye(whole, side, -((begin + end - side) // 2))
            for whole, side, begin, end in zip(self.to, size, self.box[:2], self.box[2:], strict=True)
        )
        return Separable(rows, columns)

    @classmethod
    def examples(cls) -> list[Self]:
        return [cls((12, 11), (2, 3, 9, 8)), cls((6, 7), (-3, 2, 5, 10)), cls((3, 3), (0, 0, 3, 3))]
