"""Total variation: how much neighbouring pixels differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.layers.fields import NumberField
from minitorch_viz.optimize.regularizers.base import Penalty


@dataclass(frozen=True)
class TotalVariation(Penalty):
    """Sum (down^2 + right^2 + guard) ** (beta / 2) - guard ** (beta / 2) over all values of a picture.

    down, right: the differences to the neighbours below and at the right, over `scale`; 0 at the last row and column.

    beta: 1 leaves flat areas with sharp edges, 2 makes edges soft, too. guard: keeps the slope finite where neighbours
    are equal and beta is below 2; the papers' code cuts the squares off at 1e-5 in the gradient alone, which is then
    no derivative of the value: here it is. scale: the difference that counts as 1, in steps of 0..255.
    Paper: Mahendran and Vedaldi 2015.
    """

    beta: NumberField = NumberField(2.0, least=1)
    guard: NumberField = NumberField(1e-5, least=0)
    scale: NumberField = NumberField(1.0, least=1e-6)

    def value(self, x: Array) -> Array:
        down, right = self._differences(x)
        terms = (down**2 + right**2 + self.guard) ** (self.beta / 2) - self.guard ** (self.beta / 2)
        total: Array = terms.sum(axis=(1, 2, 3))
        return total

    def gradient(self, x: Array) -> Array:
        down, right = self._differences(x)
        squares = down**2 + right**2 + self.guard
        slope = np.zeros_like(x)  # without a guard the slope at 0 is taken as 0
        np.power(squares, self.beta / 2 - 1, out=slope, where=squares > 0)
        down, right = (self.beta / self.scale) * slope * down, (self.beta / self.scale) * slope * right
        dx = -down - right
        dx[..., 1:, :] += down[..., :-1, :]
        dx[..., :, 1:] += right[..., :, :-1]
        return dx

    @classmethod
    def examples(cls) -> list[Self]:
        return [cls(), cls(1.0), cls(1.5, 0.1, 10.0), cls(3.0, 0.0)]

    def _differences(self, x: Array) -> tuple[Array, Array]:
        """Return each pixel's differences to its neighbours below and at the right, (N, C, H, W) each."""
        down, right = np.zeros_like(x), np.zeros_like(x)
        down[..., :-1, :] = np.diff(x, axis=-2) / self.scale
        right[..., :, :-1] = np.diff(x, axis=-1) / self.scale
        return down, right
