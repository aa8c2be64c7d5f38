"""Affine: numbers that were learned scale and shift the values at their places."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.errors import ShapeError
from minitorch_viz.layers.base import Example, Layer, expect_floats, same_batch
from minitorch_viz.layers.kind import Kind
from minitorch_viz.layers.window import PIXEL, Window


@dataclass(frozen=True, eq=False, repr=False)
class Affine(Layer):
    """Scale and shift by learned numbers, the same for every image: y = x * weight + bias.

    x (N, ...) -> y of the same shape. weight and bias, each an array or None, have the axes of one image; a side of 1
    stands for all along that axis: (C, 1, 1) is ConvNeXt's layer scale, (T, D) the places that a transformer adds.
    Raises ShapeError if they do not fit x.
    """

    weight: Array | None = None
    bias: Array | None = None

    kind: ClassVar[Kind] = Kind.GATES
    param_names: ClassVar[tuple[str, ...]] = ("weight", "bias")

    class Saved(NamedTuple):
        x: Array  # (N, ...): the input

    def forward(self, x: Array) -> tuple[Array, Saved]:
        expect_floats(self, x)
        for name, value in self.params.items():
            same_axes = value.ndim == x.ndim - 1
            if not same_axes or any(
                own_side not in (1, side) for side, own_side in zip(x.shape[1:], value.shape, strict=True)
            ):
                raise ShapeError(
                    f"Affine's {name} {value.shape} must have the axes of one image of x {tuple(x.shape)}, "
                    "each as long or 1."
                )
        y = x if self.weight is None else x * self.weight
        return (y if self.bias is None else y + self.bias), self.Saved(x)

    def backward(self, dy: Array, saved: Saved) -> Array:  # noqa: ARG002 (a linear layer: its gradient needs no x)
        return dy if self.weight is None else dy * self.weight

    def param_grads(self, dy: Array, saved: Saved) -> dict[str, Array]:
        dy, x = same_batch(dy, saved.x)
        products = {"weight": dy * x, "bias": dy}
        return {name: _summed(products[name], value.shape) for name, value in self.params.items()}

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        def case(shape: tuple[int, ...], weight: tuple[int, ...] | None, bias: tuple[int, ...] | None) -> Example:
            arrays = [None if sides is None else rng.standard_normal(sides) for sides in (weight, bias)]
            return cls(*arrays), (rng.standard_normal(shape),)

        return [
            case((2, 3, 4, 5), (3, 1, 1), None),  # a layer scale
            case((2, 5, 3), None, (5, 3)),  # the places of a sequence
            case((1, 1), (1,), (1,)),
            case((2, 4), (4,), (4,)),
            case((1, 2, 3, 4), (2, 1, 1), (2, 1, 1)),  # a normalization in use
            case((3, 2, 2, 3), (1, 1, 1), (2, 2, 3)),
        ]

    @property
    def has_filters(self) -> bool:
        return False

    @property
    def window(self) -> Window | None:
        """Return PIXEL if all pixels of a map share their numbers."""
        shared = all(value.ndim == 3 and math.prod(value.shape[1:]) == 1 for value in self.params.values())
        return PIXEL if shared else None


def _summed(products: Array, shape: tuple[int, ...]) -> Array:
    """Sum (N, ...) over images, and along each axis on which `shape` has one number for all."""
    shared = tuple(axis for axis, side in enumerate(shape) if side == 1)
    total: Array = np.sum(products, axis=0).sum(axis=shared, keepdims=True)
    return total
