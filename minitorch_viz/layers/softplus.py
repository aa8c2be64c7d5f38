"""Softplus: a ReLU without the corner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.layers.base import Example, Layer, expect_floats
from minitorch_viz.layers.fields import NumberField
from minitorch_viz.layers.kind import Kind
from minitorch_viz.layers.sigmoid import sigmoid


@dataclass(frozen=True, eq=False, repr=False)
class Softplus(Layer):
    """Bend the ReLU's corner into a curve: y = log(1 + exp(beta * x)) / beta.

    x of any shape -> y of the same shape, y > 0. The derivative is sigmoid(beta * x); a large beta is nearly a ReLU.
    threshold: where beta * x is larger, y is x itself, as PyTorch has it: at 20 the two differ by 2e-9.
    At 0 it gives log(2) / beta, not 0: a part of the output that no input made. Dugas et al. 2001.
    """

    beta: NumberField = NumberField(1.0, least=1e-30)
    threshold: NumberField = NumberField(20.0)

    kind: ClassVar[Kind] = Kind.GATES
    limits: ClassVar[tuple[float, ...]] = (0,)
    pixelwise: ClassVar[bool] = True

    class Saved(NamedTuple):
        x: Array  # the input

    def forward(self, x: Array) -> tuple[Array, Saved]:
        expect_floats(self, x)
        z = self.beta * x
        curve = np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))  # log(1 + exp(z)), whose exponential cannot overflow
        return np.where(z > self.threshold, x, curve / self.beta), self.Saved(x)

    def backward(self, dy: Array, saved: Saved) -> Array:
        z = self.beta * saved.x
        return np.where(z > self.threshold, dy, dy * sigmoid(z))

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        shapes = [(1,), (2, 3), (1, 1, 1, 1), (2, 3, 4, 5), (3, 1, 7, 2), (2, 5, 4)]
        settings = [(1.0, 20.0), (1.0, 20.0), (2.0, 20.0), (0.5, 20.0), (1.0, 20.0), (3.0, 20.0)]
        return [(cls(*given), (2 * rng.standard_normal(shape),)) for given, shape in zip(settings, shapes, strict=True)]
