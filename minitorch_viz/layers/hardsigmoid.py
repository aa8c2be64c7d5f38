"""Hardsigmoid: the sigmoid drawn with a ruler."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.layers.base import Example, Layer, expect_floats
from minitorch_viz.layers.kind import Kind


@dataclass(frozen=True, eq=False, repr=False)
class Hardsigmoid(Layer):
    """Squash any number into 0..1 along three straight lines: y = min(max(x / 6 + 1/2, 0), 1).

    x of any shape -> y of the same shape. Beyond -3 and 3 the curve is flat and no gradient passes at all.
    Howard et al. 2019 (MobileNetV3): as good a gate as the sigmoid, without an exponential.
    """

    kind: ClassVar[Kind] = Kind.GATES
    limits: ClassVar[tuple[float, ...]] = (0, 1)
    pixelwise: ClassVar[bool] = True

    class Saved(NamedTuple):
        between: Array  # bool, shape of x: where -3 < x < 3

    def forward(self, x: Array) -> tuple[Array, Saved]:
        expect_floats(self, x)
        return np.clip(x + 3, 0, 6) / 6, self.Saved((x > -3) & (x < 3))

    def backward(self, dy: Array, saved: Saved) -> Array:
        return np.where(saved.between, dy / 6, 0)

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        shapes = [(1,), (2, 3), (1, 1, 1, 1), (2, 3, 4, 5), (3, 1, 7, 2), (2, 5, 4)]
        return [(cls(), (3 * rng.standard_normal(shape),)) for shape in shapes]
