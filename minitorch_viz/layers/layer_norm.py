"""Layer normalization: every vector by itself."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Generator, Pair
from minitorch_viz.errors import ShapeError
from minitorch_viz.layers.base import Example, Layer, expect_field, expect_floats, same_batch
from minitorch_viz.layers.fields import NumberField, WholesField
from minitorch_viz.layers.kind import Kind
from minitorch_viz.layers.window import PIXEL, PIXELS, Sight


@dataclass(frozen=True, eq=False, repr=False)
class LayerNorm(Layer):
    """Give every vector mean 0 and variance 1, then a learned scale and shift.

    x (N, ..., *normalized_shape) -> y of the same shape, y = weight * (x - mean) / sqrt(var + eps) + bias. Mean and
    variance are those of the last axes of each image by itself; so nothing of a batch or of training enters.

    normalized_shape: a whole number or several, the last axes of x. weight, bias: arrays of that shape, or None.
    Raises ShapeError if x has other last axes. Ba, Kiros and Hinton 2016.
    """

    normalized_shape: WholesField = WholesField(least=1)
    weight: Array | None = None
    bias: Array | None = None
    eps: NumberField = NumberField(1e-5, least=0)

    kind: ClassVar[Kind] = Kind.SCALES
    param_names: ClassVar[tuple[str, ...]] = ("weight", "bias")

    class Saved(NamedTuple):
        x: Array  # (N, ..., *normalized_shape): the input
        mean: Array  # (N, ..., 1): of each vector
        scale: Array  # (N, ..., 1): 1 / sqrt(var + eps)

    def __post_init__(self) -> None:
        for name in self.params:
            expect_field(self, name, *self.normalized_shape)

    def forward(self, x: Array) -> tuple[Array, Saved]:
        expect_floats(self, x)
        axes = self.normalized_shape
        if x.ndim <= len(axes) or x.shape[-len(axes) :] != axes:
            raise ShapeError(
                f"LayerNorm normalizes the last axes {axes} of x (N, ..., {', '.join(map(str, axes))}), "
                f"but x has shape {tuple(x.shape)}."
            )
        vectors, length = x.shape[: x.ndim - len(axes)], math.prod(axes)
        rows = x.reshape(math.prod(vectors), length)
        y, mean, scale = kernels.layer_norm(rows, self._weight(x), self._bias(x), self.eps)
        ones = [1] * len(axes)
        return y.reshape(x.shape), self.Saved(x, mean.reshape(*vectors, *ones), scale.reshape(*vectors, *ones))

    def backward(self, dy: Array, saved: Saved) -> Array:
        length = math.prod(self.normalized_shape)
        vectors = math.prod(dy.shape[1:]) // length  # of an image
        mean, scale = (array.reshape(len(saved.x), vectors) for array in (saved.mean, saved.scale))
        gradients, x = dy.reshape(len(dy), vectors, length), saved.x.reshape(len(saved.x), vectors, length)
        return kernels.layer_norm_dx(gradients, x, mean, scale, self._weight(dy)).reshape(dy.shape)

    def param_grads(self, dy: Array, saved: Saved) -> dict[str, Array]:
        dy, x = same_batch(dy, saved.x)
        vectors = tuple(range(x.ndim - len(self.normalized_shape)))
        products = {"weight": dy * ((x - saved.mean) * saved.scale), "bias": dy}
        return {name: products[name].sum(axis=vectors) for name in self.params}

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        def case(
            shape: tuple[int, ...], last: int, weight: bool = True, bias: bool = True, eps: float = 1e-5
        ) -> Example:
            sides = shape[-last:]
            w, b = (rng.standard_normal(sides) if given else None for given in (weight, bias))
            return cls(sides, w, b, eps), (2 + 3 * rng.standard_normal(shape),)

        return [
            case((2, 3, 4), 1),  # a sequence: each step by itself
            case((3, 5), 1, bias=False),
            case((1, 2, 3, 6), 1),  # maps with the channels last
            case((2, 2, 3, 2), 2, eps=0.1),
            case((1, 4, 3), 2, weight=False, bias=False),
            case((2, 2, 2, 3), 3),
        ]

    def sees(self, axes: Pair = PIXELS) -> Sight | None:
        """Return that each pixel's vector is by itself, where the normalized axes are none of the pixels'."""
        return Sight(PIXEL, axes) if max(axes) < 4 - len(self.normalized_shape) else None

    def _weight(self, like: Array) -> Array:
        """Return the weight as one vector; ones, in an array's precision and on its device, if there is none."""
        length = math.prod(self.normalized_shape)
        return np.ones_like(like, shape=length) if self.weight is None else self.weight.reshape(length)

    def _bias(self, like: Array) -> Array:
        """Return the bias as one vector; zeros, in an array's precision and on its device, if there is none."""
        length = math.prod(self.normalized_shape)
        return np.zeros_like(like, shape=length) if self.bias is None else self.bias.reshape(length)

    def channels_at(self, axis: int) -> int:
        return -1 if len(self.normalized_shape) == 1 else axis
