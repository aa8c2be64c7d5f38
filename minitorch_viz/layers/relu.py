"""ReLU: the gate whose backward pass makes the difference between the lecture's pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.layers.base import Example, Layer


@dataclass(frozen=True, eq=False, repr=False)
class ReLU(Layer):
    """Keep what is positive: y = max(x, 0).

    x of any shape -> y of the same shape, y >= 0. The derivative at 0 is taken as 0.
    `minitorch_viz.rules.relu_mode` swaps this backward for the deconvnet's or the guided one.
    """

    pixelwise: ClassVar[bool] = True

    class Saved(NamedTuple):
        on: Array  # bool, shape of x: where x > 0

    def forward(self, x: Array) -> tuple[Array, Saved]:
        return np.maximum(x, 0), self.Saved(x > 0)

    def backward(self, dy: Array, saved: Saved) -> Array:
        return dy * saved.on

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        shapes = [(1,), (2, 3), (1, 1, 1, 1), (2, 3, 4, 5), (3, 1, 7, 2), (2, 5, 4)]
        return [(cls(), (rng.standard_normal(shape),)) for shape in shapes]
