"""SELU: an ELU whose two numbers keep mean 0 and variance 1 from layer to layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.layers.base import Example, Layer, expect_floats
from minitorch_viz.layers.kind import Kind

ALPHA = 1.6732632423543772  # the fixed point of Klambauer et al., equation 14
SCALE = 1.0507009873554805


@dataclass(frozen=True, eq=False, repr=False)
class SELU(Layer):
    """Stretch what is positive, let the negative sink: y = scale * (x if x > 0 else alpha * (exp(x) - 1)).

    x of any shape -> y of the same shape, y > -scale * alpha = -1.758. With alpha 1.673 and scale 1.051 inputs of mean
    0 and variance 1 give outputs of mean 0 and variance 1: a net normalizes itself. Klambauer et al. 2017.
    """

    kind: ClassVar[Kind] = Kind.GATES
    limits: ClassVar[tuple[float, ...]] = (-SCALE * ALPHA,)
    pixelwise: ClassVar[bool] = True

    class Saved(NamedTuple):
        x: Array  # the input

    def forward(self, x: Array) -> tuple[Array, Saved]:
        expect_floats(self, x)
        return np.where(x > 0, SCALE * x, SCALE * ALPHA * np.expm1(np.minimum(x, 0))), self.Saved(x)

    def backward(self, dy: Array, saved: Saved) -> Array:
        return np.where(saved.x > 0, SCALE * dy, dy * (SCALE * ALPHA * np.exp(np.minimum(saved.x, 0))))

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        shapes = [(1,), (2, 3), (1, 1, 1, 1), (2, 3, 4, 5), (3, 1, 7, 2), (2, 5, 4)]
        return [(cls(), (2 * rng.standard_normal(shape),)) for shape in shapes]
