"""Mul: one array scales another, as the gates of a squeeze-and-excitation block scale channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from minitorch_viz._types import Array, Generator
from minitorch_viz.errors import ShapeError
from minitorch_viz.layers.base import Example, Layer, expect_floats
from minitorch_viz.layers.kind import Kind


@dataclass(frozen=True, eq=False, repr=False)
class Mul(Layer):
    """Multiply an array by a factor, number by number: y = x * factor. Each input's derivative is the other input.

    x (N, C, H, W) and factor (N, C, 1, 1) -> y (N, C, H, W); in general a side of 1 in the factor stands for all along
    that axis of x. The order says which is the signal and which the factor: what goes on is the first.
    Raises ShapeError unless the factor has the axes and the batch of x. Hu, Shen and Sun 2018 (squeeze and excitation).
    """

    kind: ClassVar[Kind] = Kind.SCALES

    class Saved(NamedTuple):
        x: Array  # (N, ...): what was scaled
        factor: Array  # (N, ...): by what, with sides of 1 where one number scales many

    def forward(self, x: Array, factor: Array) -> tuple[Array, Saved]:
        expect_floats(self, x)
        expect_floats(self, factor, "its factor")
        same_axes = x.ndim == factor.ndim and x.shape[:1] == factor.shape[:1]
        if not same_axes or any(
            factor_side not in (1, side) for side, factor_side in zip(x.shape[1:], factor.shape[1:], strict=True)
        ):
            raise ShapeError(
                f"Mul needs a factor with the axes of its first input, each as long or 1, but got the shapes "
                f"{tuple(x.shape)} and {tuple(factor.shape)}; give the larger one first."
            )
        return x * factor, self.Saved(x, factor)

    def backward(self, dy: Array, saved: Saved) -> tuple[Array, Array]:
        shared = tuple(axis for axis in range(1, dy.ndim) if saved.factor.shape[axis] == 1)
        return dy * saved.factor, (dy * saved.x).sum(axis=shared, keepdims=True)

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        def case(shape: tuple[int, ...], factor: tuple[int, ...]) -> Example:
            return cls(), (rng.standard_normal(shape), rng.standard_normal(factor))

        return [
            case((2, 3, 4, 5), (2, 3, 1, 1)),  # a gate a channel
            case((1, 1), (1, 1)),
            case((2, 3), (2, 3)),
            case((1, 2, 3, 4), (1, 1, 3, 4)),  # a mask over the map
            case((2, 5, 4), (2, 5, 1)),
            case((3, 2, 2, 2), (3, 2, 2, 2)),
        ]
