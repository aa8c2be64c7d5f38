"""Linears: the same linear layer of many nets, side by side, so that all of them are trained at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.errors import ShapeError
from minitorch_viz.layers.base import Example, Layer, expect_axes, expect_field


@dataclass(frozen=True, eq=False, repr=False)
class Linears(Layer):
    """Compute S linear layers that have nothing in common: y[s] = x[s] W[s]ᵀ + b[s].

    x (S, N, D) -> y (S, N, O); weight (S, O, D), bias (S, O). What happens to one net never changes a bit of another.

    Raises ShapeError if x is not for S nets, or has not D features.
    """

    weight: Array
    bias: Array

    param_names: ClassVar[tuple[str, ...]] = ("weight", "bias")

    class Saved(NamedTuple):
        x: Array  # (S, N, D): the input

    def __post_init__(self) -> None:
        expect_field(self, "weight", "S", "O", "D")
        expect_field(self, "bias", *self.weight.shape[:2])

    def forward(self, x: Array) -> tuple[Array, Saved]:
        expect_axes(self, x, "S, N, D")
        if (x.shape[0], x.shape[2]) != (self.weight.shape[0], self.weight.shape[2]):
            raise ShapeError(f"Linears' weight {self.weight.shape} needs x (S, N, D) to match, but got {x.shape}.")
        return np.matmul(x, self.weight.swapaxes(1, 2)) + self.bias[:, None], self.Saved(x)

    def backward(self, dy: Array, saved: Saved) -> Array:  # noqa: ARG002 (a linear layer: its gradient needs no x)
        dx: Array = np.matmul(dy, self.weight)
        return dx

    def param_grads(self, dy: Array, saved: Saved) -> dict[str, Array]:
        return {"weight": np.matmul(dy.swapaxes(1, 2), saved.x), "bias": dy.sum(axis=1)}

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        sizes = [(2, 3, 4, 5), (1, 1, 1, 1), (1, 4, 2, 3), (3, 1, 5, 2), (2, 2, 1, 4), (4, 3, 3, 1)]
        return [
            (cls(rng.standard_normal((s, o, d)), rng.standard_normal((s, o))), (rng.standard_normal((s, n, d)),))
            for s, n, d, o in sizes
        ]
