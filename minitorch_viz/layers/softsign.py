"""Softsign: a tanh that is never quite full."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.layers.base import Example, Layer, expect_floats
from minitorch_viz.layers.kind import Kind


@dataclass(frozen=True, eq=False, repr=False)
class Softsign(Layer):
    """Squash any number into -1..1: y = x / (1 + |x|).

    x of any shape -> y of the same shape. The derivative 1 / (1 + |x|)² falls off as a power, not exponentially as a
    tanh's does, so a unit far out still learns. Glorot and Bengio 2010.
    """

    kind: ClassVar[Kind] = Kind.GATES
    pixelwise: ClassVar[bool] = True

    class Saved(NamedTuple):
        x: Array  # the input

    def forward(self, x: Array) -> tuple[Array, Saved]:
        expect_floats(self, x)
        return x / (1 + np.abs(x)), self.Saved(x)

    def backward(self, dy: Array, saved: Saved) -> Array:
        slope: Array = 1 / (1 + np.abs(saved.x)) ** 2
        return dy * slope

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        shapes = [(1,), (2, 3), (1, 1, 1, 1), (2, 3, 4, 5), (3, 1, 7, 2), (2, 5, 4)]
        return [(cls(), (2 * rng.standard_normal(shape),)) for shape in shapes]
