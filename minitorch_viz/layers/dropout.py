"""Dropout: switch units off at random while training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Generator
from minitorch_viz.errors import SettingError
from minitorch_viz.layers.base import Example, Layer, expect_floats
from minitorch_viz.layers.fields import NumberField
from minitorch_viz.layers.kind import Kind


@dataclass(frozen=True, eq=False, repr=False)
class Dropout(Layer):
    """Set a share p of the values to 0 while training; do nothing otherwise.

    x of any shape -> y of the same shape. `forward(x)` is the identity; `forward(x, rng=rng)` drops, and multiplies
    what it keeps by 1 / (1 - p), so that the expected output is the input and nothing need be rescaled in use.

    p: 0 <= p < 1, the share that is dropped.
    Srivastava et al. 2014 (there the weights are rescaled in use instead).
    """

    p: NumberField = NumberField(0.5, least=0, most=1)

    kind: ClassVar[Kind] = Kind.GATES
    uses_rng: ClassVar[bool] = True
    passes_on: ClassVar[bool] = True
    pixelwise: ClassVar[bool] = True

    class Saved(NamedTuple):
        factor: Array | None  # shape of x: 0 where dropped, 1 / (1 - p) where kept; None without rng

    def __post_init__(self) -> None:
        if self.p == 1:
            raise SettingError("Dropout's p must be below 1, but got 1: dropping everything would leave no signal.")

    def forward(self, x: Array, rng: Generator | None = None) -> tuple[Array, Saved]:
        expect_floats(self, x)
        if rng is None:
            return x, self.Saved(None)
        mask = rng.random(x.shape, dtype=np.float32) >= self.p
        factor = kernels.array_module(x).asarray(mask.astype(x.dtype) / (1 - self.p))
        return x * factor, self.Saved(factor)

    def backward(self, dy: Array, saved: Saved) -> Array:
        return dy if saved.factor is None else dy * saved.factor

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        shapes = [(1, 1), (2, 3), (1, 8), (2, 3, 4, 5), (3, 1, 7, 2), (2, 5, 4)]
        shares = [0.5, 0.0, 0.9, 0.5, 0.2, 0.7]
        return [(cls(p), (rng.standard_normal(shape),)) for p, shape in zip(shares, shapes, strict=True)]
