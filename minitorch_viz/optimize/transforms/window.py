"""Look at some pixels of a picture, as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from minitorch_viz._types import Array, Generator, Pair
from minitorch_viz.layers.fields import NumberField, PairField
from minitorch_viz.optimize.maps import LinearMap
from minitorch_viz.optimize.transforms.base import Transform


@dataclass(frozen=True)
class Window(Transform):
    """Cut out `to` = (H, W) pixels, none of them read between neighbours; a side that is no larger stays whole.

    The window's first row is normal about its middle place, with a standard deviation of `wander` of all the places
    there are, and the same for its first column: the middle of the picture is seen most.
    Paper: Øygard 2015, deepdraw: wander 0.3.
    """

    to: PairField = PairField(least=1)
    wander: NumberField = NumberField(0.3, least=0)

    def draw(self, rng: Generator, size: Pair) -> LinearMap:
        normal = rng.standard_normal(2)
        starts = [
            int(np.clip(room / 2 + self.wander * room * number, 0, room))
            for room, number in zip(self._room(size), normal, strict=True)
        ]
        return Cut(size, (starts[0], starts[1]), (min(size[0], self.to[0]), min(size[1], self.to[1])))

    def _room(self, size: Pair) -> Pair:
        """Return by how many pixels the window can move, down and right."""
        return max(0, size[0] - self.to[0]), max(0, size[1] - self.to[1])

    @classmethod
    def examples(cls) -> list[Self]:
        return [cls((4, 3)), cls((30, 30)), cls((2, 9), 1.0), cls((1, 1), 0.0)]


@dataclass(frozen=True, eq=False)
class Cut(LinearMap):
    """Keep `extent` = (h, w) pixels from `start` = (row, column) on. The adjoint puts 0 around them."""

    whole: Pair
    start: Pair
    extent: Pair

    @property
    def size(self) -> Pair:
        return self.extent

    def forward(self, x: Array) -> Array:
        shown: Array = x[self._places]
        return shown

    def adjoint(self, dy: Array) -> Array:
        dx = np.zeros((*dy.shape[:2], *self.whole), dy.dtype)
        dx[self._places] = dy
        return dx

    @property
    def _places(self) -> Any:
        (row, column), (height, width) = self.start, self.extent
        return (Ellipsis, slice(row, row + height), slice(column, column + width))
