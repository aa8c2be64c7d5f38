"""The L_p norm of a picture, to its power."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.layers.fields import NumberField
from minitorch_viz.optimize.regularizers.base import Penalty


@dataclass(frozen=True)
class LpNorm(Penalty):
    """Sum |x / scale| ** power over all values of a picture: large powers hardly touch what lies within `scale`.

    power: 2 keeps all small (Simonyan et al. 2013), 6 cuts off outliers; at least 1.
    scale: the size that counts as 1, in steps of 0..255; it also keeps the sum of sixth powers small in float32.
    of_pixels: whether |x| is the length of a pixel's colour, the root of the sum of squares over its channels.
    Paper: Mahendran and Vedaldi 2015 (power 6, x over the images' deviation), 2016 (scale 80, of pixels).
    """

    power: NumberField = NumberField(6.0, least=1)
    scale: NumberField = NumberField(1.0, least=1e-6)

    of_pixels: bool = False

    def value(self, x: Array) -> Array:
        total: Array = (self._sizes(x) ** self.power).sum(axis=(1, 2, 3))
        return total

    def gradient(self, x: Array) -> Array:
        sizes = self._sizes(x)
        directions = np.sign(x)
        if self.of_pixels:
            directions = x / self.scale / np.maximum(sizes, np.finfo(x.dtype).tiny)
        slope: Array = directions * sizes ** (self.power - 1) * (self.power / self.scale)
        return slope

    @classmethod
    def examples(cls) -> list[Self]:
        return [cls(2.0), cls(6.0, 80.0), cls(1.0), cls(2.5, 20.0), cls(6.0, 80.0, of_pixels=True)]

    def _sizes(self, x: Array) -> Array:
        """Return |x / scale|, of values (N, C, H, W) or of pixels (N, 1, H, W)."""
        if self.of_pixels:
            sizes: Array = np.sqrt(np.sum((x / self.scale) ** 2, axis=1, keepdims=True))
            return sizes
        return np.abs(x / self.scale)
