"""Sigmoid: the soft switch between 0 and 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.layers.base import Example, Layer
from minitorch_viz.layers.kind import Kind


@dataclass(frozen=True, eq=False, repr=False)
class Sigmoid(Layer):
    """Squash any number into 0..1: y = 1 / (1 + exp(-x)).

    x of any shape -> y of the same shape. Far from 0 the curve is flat and hardly any gradient passes.
    """

    kind: ClassVar[Kind] = Kind.GATES
    limits: ClassVar[tuple[float, ...]] = (0, 1)
    pixelwise: ClassVar[bool] = True

    class Saved(NamedTuple):
        y: Array  # shape of x: the output, from which the derivative follows

    def forward(self, x: Array) -> tuple[Array, Saved]:
        y = sigmoid(x)
        return y, self.Saved(y)

    def backward(self, dy: Array, saved: Saved) -> Array:
        dx: Array = dy * saved.y * (1 - saved.y)
        return dx

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        shapes = [(1,), (2, 3), (1, 1, 1, 1), (2, 3, 4, 5), (3, 1, 7, 2), (2, 5, 4)]
        return [(cls(), (3 * rng.standard_normal(shape),)) for shape in shapes]


def sigmoid(x: Array) -> Array:
    """Return 1 / (1 + exp(-x)) for any x: the exponential is only taken of numbers below 0, so it never overflows."""
    e = np.exp(-np.abs(x))
    y: Array = np.where(x >= 0, 1, e) / (1 + e)
    return y
