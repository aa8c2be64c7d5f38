"""Hardswish: SiLU drawn with a ruler and one parabola."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.layers.base import Example, Layer, expect_floats
from minitorch_viz.layers.kind import Kind


@dataclass(frozen=True, eq=False, repr=False)
class Hardswish(Layer):
    """Weigh each number by its own hard sigmoid: y = x * min(max(x / 6 + 1/2, 0), 1).

    x of any shape -> y of the same shape, y >= -3/8. It is 0 below -3, x above 3, and a parabola between.
    Howard et al. 2019 (MobileNetV3).
    """

    kind: ClassVar[Kind] = Kind.GATES
    pixelwise: ClassVar[bool] = True

    class Saved(NamedTuple):
        x: Array  # the input

    def forward(self, x: Array) -> tuple[Array, Saved]:
        expect_floats(self, x)
        return x * np.clip(x + 3, 0, 6) / 6, self.Saved(x)

    def backward(self, dy: Array, saved: Saved) -> Array:
        x = saved.x
        return np.where(x <= -3, 0, np.where(x < 3, dy * (x / 3 + 0.5), dy))

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        shapes = [(1,), (2, 3), (1, 1, 1, 1), (2, 3, 4, 5), (3, 1, 7, 2), (2, 5, 4)]
        return [(cls(), (3 * rng.standard_normal(shape),)) for shape in shapes]
