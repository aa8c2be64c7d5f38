"""Linear: every output is a weighted sum of all inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Self

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Generator, Pair
from minitorch_viz.errors import ShapeError
from minitorch_viz.layers.base import Example, Layer, expect_field, expect_floats, same_batch
from minitorch_viz.layers.kind import Kind
from minitorch_viz.layers.products import products
from minitorch_viz.layers.window import PIXEL, PIXELS, Sight


@dataclass(frozen=True, eq=False, repr=False)
class Linear(Layer):
    """Compare a vector with a template for each output (the fully connected layer): y = x Wᵀ + b.

    x (N, ..., D) -> y (N, ..., O): each vector along the last axis by itself, whatever stands between (time, say).

    weight (O, D), bias (O,) or None. Row o of the weight is the template that output o compares its input with.

    Raises ShapeError if the last axis of x is not D long.
    """

    weight: Array
    bias: Array | None = None

    kind: ClassVar[Kind] = Kind.WEIGHS
    channel_axis: ClassVar[int | None] = -1
    param_names: ClassVar[tuple[str, ...]] = ("weight", "bias")

    class Saved(NamedTuple):
        x: Array  # (N, ..., D): the input

    def __post_init__(self) -> None:
        expect_field(self, "weight", "O", "D")
        if self.bias is not None:
            expect_field(self, "bias", self.weight.shape[0])

    def forward(self, x: Array) -> tuple[Array, Saved]:
        self._check(x)
        y = products(x, self.weight.T)
        return (y if self.bias is None else y + self.bias), self.Saved(x)

    def backward(self, dy: Array, saved: Saved) -> Array:  # noqa: ARG002 (a linear layer: its gradient needs no x)
        return kernels.matmul_dx(dy, self.weight) if dy.ndim == 2 else products(dy, self.weight)  # dy W

    def param_grads(self, dy: Array, saved: Saved) -> dict[str, Array]:
        dy, x = same_batch(dy, saved.x)
        dy, x = dy.reshape(-1, dy.shape[-1]), x.reshape(-1, x.shape[-1])  # all vectors of all images in one list
        dw = kernels.matmul(dy.T, x)
        return {"weight": dw} if self.bias is None else {"weight": dw, "bias": dy.sum(axis=0)}

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        def case(shape: tuple[int, ...], out: int, bias: bool = True) -> Example:
            b = rng.standard_normal(out) if bias else None
            return cls(rng.standard_normal((out, shape[-1])), b), (rng.standard_normal(shape),)

        return [
            case((3, 5), 4),
            case((2, 4), 3, bias=False),
            case((1, 1), 1),
            case((1, 7), 2),
            case((2, 3, 4), 5),  # a sequence: (N, T, D)
            case((2, 2, 3, 4), 3, bias=False),
        ]

    def sees(self, axes: Pair = PIXELS) -> Sight | None:
        """Return that each pixel's vector is by itself, where the channels of maps are the last axis."""
        return Sight(PIXEL, axes) if max(axes) < 3 else None

    @classmethod
    def random(cls, rng: Generator, in_features: int, out_features: int) -> Self:
        """Return a layer with He et al.'s (2015) initialization, std sqrt(2 / D), zero bias, float32."""
        weight = rng.standard_normal((out_features, in_features)) * np.sqrt(2 / in_features)
        return cls(weight.astype(np.float32), np.zeros(out_features, np.float32))

    def _check(self, x: Array) -> None:
        expect_floats(self, x)
        features = self.weight.shape[1]
        if x.ndim < 2 or x.shape[-1] != features:
            flat = x.ndim > 2 and np.prod(x.shape[1:]) == features
            advice = "put a Flatten before it" if flat else "check the layer before it"
            raise ShapeError(
                f"Linear's weight {self.weight.shape} needs x with the axes (N, ..., {features}), "
                f"but x has shape {x.shape}; {advice}."
            )
