"""Reshape: the same values in the same order, counted into other axes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from minitorch_viz._types import Array, Generator
from minitorch_viz.errors import SettingError, ShapeError
from minitorch_viz.layers.base import Example, Layer
from minitorch_viz.layers.fields import WholesField
from minitorch_viz.layers.kind import Kind


@dataclass(frozen=True, eq=False, repr=False)
class Reshape(Layer):
    """Count the values of each image into other axes, in reading order: the last axis runs fastest.

    x (N, ...) -> y (N, *shape). shape: the axes of one image; one of them may be -1, as many as are left.
    Raises SettingError for two of them or a 0, ShapeError if x has another number of values.
    """

    shape: WholesField = WholesField(least=-1)

    kind: ClassVar[Kind] = Kind.SELECTS
    passes_on: ClassVar[bool] = True

    class Saved(NamedTuple):
        shape: tuple[int, ...]  # the input's shape

    def __post_init__(self) -> None:
        if self.shape.count(-1) > 1 or 0 in self.shape:
            raise SettingError(
                f"Reshape's shape needs sides of at least 1, of which one may be left open as -1, but got {self.shape}."
            )

    def forward(self, x: Array) -> tuple[Array, Saved]:
        values, block = math.prod(x.shape[1:]), abs(math.prod(self.shape))
        if x.ndim == 0 or values % block or (-1 not in self.shape and values != block):
            raise ShapeError(
                f"Reshape counts an image into {self.shape}, but x has shape {tuple(x.shape)}: "
                f"{values} values an image do not fit."
            )
        sides = tuple(values // block if side == -1 else side for side in self.shape)  # not -1: the batch may be empty
        return x.reshape(x.shape[0], *sides), self.Saved(tuple(x.shape))

    def backward(self, dy: Array, saved: Saved) -> Array:
        return dy.reshape(dy.shape[0], *saved.shape[1:])

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        def case(shape: tuple[int, ...], *sides: int) -> Example:
            return cls(sides), (rng.standard_normal(shape),)

        return [
            case((2, 3, 4, 5), 3, 20),  # the pixels of a map in one row
            case((2, 3, 20), 3, 4, 5),
            case((1, 6), -1, 2),
            case((1, 1, 1), 1),
            case((2, 2, 6), 4, -1),
            case((3, 4), 2, 1, 2),
        ]
