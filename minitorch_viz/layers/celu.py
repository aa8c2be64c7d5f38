"""CELU: an ELU without a corner, whatever its depth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.layers.base import Example, Layer, expect_floats
from minitorch_viz.layers.fields import NumberField
from minitorch_viz.layers.kind import Kind


@dataclass(frozen=True, eq=False, repr=False)
class CELU(Layer):
    """Keep what is positive, let the negative sink towards -alpha: y = x if x > 0 else alpha * (exp(x / alpha) - 1).

    x of any shape -> y of the same shape, y > -alpha. Unlike an ELU's, its derivative is 1 at 0 for every alpha.
    Barron 2017.
    """

    alpha: NumberField = NumberField(1.0, least=1e-6)

    kind: ClassVar[Kind] = Kind.GATES
    limits: ClassVar[tuple[float, ...]] = (-1,)  # with an alpha of 1; an instance has its own
    pixelwise: ClassVar[bool] = True

    class Saved(NamedTuple):
        x: Array  # the input

    def __post_init__(self) -> None:
        self.__dict__["limits"] = (-self.alpha,)

    def forward(self, x: Array) -> tuple[Array, Saved]:
        expect_floats(self, x)
        return np.where(x > 0, x, self.alpha * np.expm1(np.minimum(x, 0) / self.alpha)), self.Saved(x)

    def backward(self, dy: Array, saved: Saved) -> Array:
        return dy * np.exp(np.minimum(saved.x, 0) / self.alpha)

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        shapes = [(1,), (2, 3), (1, 1, 1, 1), (2, 3, 4, 5), (3, 1, 7, 2), (2, 5, 4)]
        alphas = [1.0, 1.0, 0.5, 1.0, 2.0, 0.25]
        return [(cls(alpha), (2 * rng.standard_normal(shape),)) for alpha, shape in zip(alphas, shapes, strict=True)]
