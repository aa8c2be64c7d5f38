"""Permute: the axes of an array in another order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from minitorch_viz._types import Array, Generator, Pair
from minitorch_viz.errors import SettingError, ShapeError
from minitorch_viz.layers.base import Example, Layer, Nothing
from minitorch_viz.layers.fields import WholesField
from minitorch_viz.layers.kind import Kind
from minitorch_viz.layers.window import PIXEL, PIXELS, Sight


@dataclass(frozen=True, eq=False, repr=False)
class Permute(Layer):
    """Put the axes in another order: axis i of y is axis dims[i] of x.

    x (N, C, H, W) -> y (N, H, W, C) with dims (0, 2, 3, 1): channels last, as a LayerNorm or a Linear reads them.
    dims: every axis once, the images (0) first. The way back puts them as they were.
    Raises SettingError for other dims, ShapeError if x has another number of axes.
    """

    dims: WholesField = WholesField(least=0)

    kind: ClassVar[Kind] = Kind.SELECTS

    Saved = Nothing

    def __post_init__(self) -> None:
        if self.dims[0] != 0 or sorted(self.dims) != list(range(len(self.dims))):
            raise SettingError(
                f"Permute's dims must name every axis once and begin with 0, the images, such as (0, 2, 3, 1), "
                f"but got {self.dims}."
            )

    def forward(self, x: Array) -> tuple[Array, Nothing]:
        if x.ndim != len(self.dims):
            raise ShapeError(f"Permute orders {len(self.dims)} axes, {self.dims}, but x has shape {tuple(x.shape)}.")
        return x.transpose(self.dims), Nothing()

    def backward(self, dy: Array, saved: Nothing) -> Array:  # noqa: ARG002 (a linear layer: its gradient needs no x)
        return dy.transpose([self.dims.index(axis) for axis in range(len(self.dims))])

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        def case(shape: tuple[int, ...], *dims: int) -> Example:
            return cls(dims), (rng.standard_normal(shape),)

        return [
            case((2, 3, 4, 5), 0, 2, 3, 1),  # channels last
            case((2, 4, 5, 3), 0, 3, 1, 2),  # and first again
            case((1, 1, 1), 0, 2, 1),
            case((1, 3, 5), 0, 2, 1),
            case((2, 2, 3, 4, 2), 0, 1, 4, 3, 2),
            case((2, 3), 0, 1),
        ]

    def sees(self, axes: Pair = PIXELS) -> Sight | None:
        """Return that each pixel is where it was, along other axes."""
        if max(axes) >= len(self.dims):
            return None
        return Sight(PIXEL, (self.dims.index(axes[0]), self.dims.index(axes[1])))

    def channels_at(self, axis: int) -> int:
        return self.dims.index(axis % len(self.dims))
