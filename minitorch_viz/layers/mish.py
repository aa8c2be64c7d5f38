"""Mish: a smooth gate whose factor is the tanh of a softplus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.layers.base import Example, Layer, expect_floats
from minitorch_viz.layers.kind import Kind
from minitorch_viz.layers.sigmoid import sigmoid


@dataclass(frozen=True, eq=False, repr=False)
class Mish(Layer):
    """Weigh each number by a factor between 0 and 1 that grows with it: y = x * tanh(log(1 + exp(x))).

    x of any shape -> y of the same shape, y > -0.31. With t the factor, the derivative is t + x (1 - t²) sigmoid(x).
    Misra 2019 (YOLOv4's activation).
    """

    kind: ClassVar[Kind] = Kind.GATES
    pixelwise: ClassVar[bool] = True

    class Saved(NamedTuple):
        x: Array  # the input

    def forward(self, x: Array) -> tuple[Array, Saved]:
        expect_floats(self, x)
        return x * _factor(x), self.Saved(x)

    def backward(self, dy: Array, saved: Saved) -> Array:
        x, t = saved.x, _factor(saved.x)
        slope: Array = t + x * (1 - t * t) * sigmoid(x)
        return dy * slope

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        shapes = [(1,), (2, 3), (1, 1, 1, 1), (2, 3, 4, 5), (3, 1, 7, 2), (2, 5, 4)]
        return [(cls(), (2 * rng.standard_normal(shape),)) for shape in shapes]


def _factor(x: Array) -> Array:
    """Return tanh(log(1 + exp(x))), whose exponential cannot overflow."""
    y: Array = np.tanh(np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))))
    return y
