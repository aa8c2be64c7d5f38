"""LogSigmoid: the logarithm of a yes or no."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.layers.base import Example, Layer, expect_floats
from minitorch_viz.layers.kind import Kind
from minitorch_viz.layers.sigmoid import sigmoid


@dataclass(frozen=True, eq=False, repr=False)
class LogSigmoid(Layer):
    """Take the logarithm of the sigmoid: y = -log(1 + exp(-x)).

    x of any shape -> y of the same shape, y < 0. In one step, because far below 0 a sigmoid rounds to 0, which has no
    logarithm; y is nearly x there. The derivative is sigmoid(-x).
    """

    kind: ClassVar[Kind] = Kind.GATES
    limits: ClassVar[tuple[float, ...]] = (0,)
    pixelwise: ClassVar[bool] = True

    class Saved(NamedTuple):
        x: Array  # the input

    def forward(self, x: Array) -> tuple[Array, Saved]:
        expect_floats(self, x)
        return np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x))), self.Saved(x)

    def backward(self, dy: Array, saved: Saved) -> Array:
        return dy * sigmoid(-saved.x)

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        shapes = [(1,), (2, 3), (1, 1, 1, 1), (2, 3, 4, 5), (3, 1, 7, 2), (2, 5, 4)]
        return [(cls(), (2 * rng.standard_normal(shape),)) for shape in shapes]
