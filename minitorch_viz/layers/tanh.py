"""Tanh: the soft switch between -1 and 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.layers.base import Example, Layer
from minitorch_viz.layers.kind import Kind


@dataclass(frozen=True, eq=False, repr=False)
class Tanh(Layer):
    """Squash any number into -1..1, with 0 staying 0: y = tanh(x).

    x of any shape -> y of the same shape. It is a sigmoid in other units: tanh(x) = 2 sigmoid(2x) - 1.
    """

    kind: ClassVar[Kind] = Kind.GATES
    limits: ClassVar[tuple[float, ...]] = (-1, 1)
    pixelwise: ClassVar[bool] = True

    class Saved(NamedTuple):
        y: Array  # shape of x: the output, from which the derivative follows

    def forward(self, x: Array) -> tuple[Array, Saved]:
        y = np.tanh(x)
        return y, self.Saved(y)

    def backward(self, dy: Array, saved: Saved) -> Array:
        dx: Array = dy * (1 - saved.y**2)
        return dx

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        shapes = [(1,), (2, 3), (1, 1, 1, 1), (2, 3, 4, 5), (3, 1, 7, 2), (2, 5, 4)]
        return [(cls(), (2 * rng.standard_normal(shape),)) for shape in shapes]
