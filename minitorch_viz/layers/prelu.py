"""PReLU: a ReLU that learns how much of the negative to let through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.errors import ShapeError
from minitorch_viz.layers.base import Example, Layer, expect_field, expect_floats, same_batch
from minitorch_viz.layers.kind import Kind


@dataclass(frozen=True, eq=False, repr=False)
class PReLU(Layer):
    """Keep what is positive, scale what is negative by a learned slope: y = x if x > 0 else weight * x.

    x (N, C, ...) -> y of the same shape. weight (C,): a slope a channel, or (1,): one for all. The derivative at 0 is
    the slope. Raises ShapeError if weight has neither C values nor one. He et al. 2015.
    """

    weight: Array

    kind: ClassVar[Kind] = Kind.GATES
    param_names: ClassVar[tuple[str, ...]] = ("weight",)
    pixelwise: ClassVar[bool] = True

    class Saved(NamedTuple):
        x: Array  # the input

    def __post_init__(self) -> None:
        expect_field(self, "weight", "C")

    def forward(self, x: Array) -> tuple[Array, Saved]:
        return np.where(x > 0, x, self._slopes(x) * x), self.Saved(x)

    def backward(self, dy: Array, saved: Saved) -> Array:
        return np.where(saved.x > 0, dy, self._slopes(saved.x) * dy)

    def param_grads(self, dy: Array, saved: Saved) -> dict[str, Array]:
        dy, x = same_batch(dy, saved.x)
        products = dy * np.minimum(x, 0)
        if len(self.weight) == 1:
            return {"weight": products.sum().reshape(1)}
        return {"weight": products.sum(axis=tuple(axis for axis in range(x.ndim) if axis != 1))}

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        shapes = [(1, 1), (2, 3), (1, 2, 1, 1), (2, 3, 4, 5), (3, 1, 7, 2), (2, 5, 4)]
        slopes = [1, 3, 1, 3, 1, 5]
        return [
            (cls(rng.standard_normal(count)), (rng.standard_normal(shape),))
            for count, shape in zip(slopes, shapes, strict=True)
        ]

    def _slopes(self, x: Array) -> Array:
        """Return the slopes in the shape in which they multiply x (N, C, ...)."""
        expect_floats(self, x)
        if len(self.weight) > 1 and (x.ndim < 2 or x.shape[1] != len(self.weight)):
            raise ShapeError(f"PReLU has slopes for {len(self.weight)} channels, but x has shape {tuple(x.shape)}.")
        return self.weight.reshape(-1, *[1] * max(x.ndim - 2, 0))
