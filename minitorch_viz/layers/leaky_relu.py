"""LeakyReLU: a ReLU that lets a little of the negative through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.layers.base import Example, Layer
from minitorch_viz.layers.fields import NumberField
from minitorch_viz.layers.kind import Kind


@dataclass(frozen=True, eq=False, repr=False)
class LeakyReLU(Layer):
    """Keep what is positive, shrink what is negative: y = x if x > 0 else negative_slope * x.

    x of any shape -> y of the same shape. The derivative at 0 is negative_slope.
    No unit is ever quite dead: some gradient always comes through. Maas, Hannun and Ng 2013.
    """

    negative_slope: NumberField = NumberField(0.01)

    kind: ClassVar[Kind] = Kind.GATES
    pixelwise: ClassVar[bool] = True

    class Saved(NamedTuple):
        on: Array  # bool, shape of x: where x > 0

    def forward(self, x: Array) -> tuple[Array, Saved]:
        on = x > 0
        return np.where(on, x, self.negative_slope * x), self.Saved(on)

    def backward(self, dy: Array, saved: Saved) -> Array:
        return np.where(saved.on, dy, self.negative_slope * dy)

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        shapes = [(1,), (2, 3), (1, 1, 1, 1), (2, 3, 4, 5), (3, 1, 7, 2), (2, 5, 4)]
        slopes = [0.01, 0.2, 0.5, 0.01, 0.0, -0.5]
        return [(cls(slope), (rng.standard_normal(shape),)) for shape, slope in zip(shapes, slopes, strict=True)]
