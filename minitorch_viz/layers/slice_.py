"""Slice and Flip: a part of an axis, or all of it from the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.errors import ShapeError
from minitorch_viz.layers.base import Example, Layer, Nothing
from minitorch_viz.layers.fields import WholeField
from minitorch_viz.layers.kind import Kind

FARTHEST = 2**31 - 1  # where an axis has surely ended


@dataclass(frozen=True, eq=False, repr=False)
class Slice(Layer):
    """Take a part of one axis: y = x[:, start:stop:step] along axis 1, for example.

    x (N, C, ...) -> y with fewer places along the axis. start, stop: whole numbers as Python counts them, so -1 is the
    last place and a stop beyond the end is the end; step at least 1. The way back puts 0 where nothing was taken.
    Raises SettingError for other numbers, ShapeError if x has no such axis or nothing would be left.
    """

    axis: WholeField = WholeField(1, least=1)
    start: WholeField = WholeField(0, least=-FARTHEST)
    stop: WholeField = WholeField(FARTHEST, least=-FARTHEST)
    step: WholeField = WholeField(1, least=1)

    kind: ClassVar[Kind] = Kind.SELECTS

    class Saved(NamedTuple):
        shape: tuple[int, ...]  # the input's shape

    def forward(self, x: Array) -> tuple[Array, Saved]:
        if x.ndim <= self.axis:
            raise ShapeError(f"Slice takes a part of axis {self.axis}, but x has shape {tuple(x.shape)}.")
        y = x[self._cut]
        if y.shape[self.axis] == 0:
            raise ShapeError(
                f"Slice from {self.start} to {self.stop} leaves nothing of axis {self.axis} of x {tuple(x.shape)}."
            )
        return y, self.Saved(tuple(x.shape))

    def backward(self, dy: Array, saved: Saved) -> Array:
        dx: Array = np.zeros_like(dy, shape=(dy.shape[0], *saved.shape[1:]))
        dx[self._cut] = dy
        return dx

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        def case(shape: tuple[int, ...], *settings: int) -> Example:
            return cls(*settings), (rng.standard_normal(shape),)

        return [
            case((2, 4, 3, 2), 1, 0, 2),  # half of the channels
            case((2, 5, 3), 1, -1),  # the last step of a sequence
            case((1, 6), 1, 1, -1, 2),
            case((1, 2, 3, 4), 3, 1, 99),
            case((2, 3, 5, 2), 2, 0, FARTHEST, 3),
            case((1, 1), 1),
        ]

    @property
    def _cut(self) -> tuple[slice, ...]:
        return (*[slice(None)] * self.axis, slice(self.start, self.stop, self.step))


@dataclass(frozen=True, eq=False, repr=False)
class Flip(Layer):
    """Turn one axis around, the last place first: how a recurrent layer comes to read a sequence backwards.

    x (N, T, ...) -> y of the same shape. Raises ShapeError if x has no such axis.
    """

    axis: WholeField = WholeField(1, least=1)

    kind: ClassVar[Kind] = Kind.SELECTS

    Saved = Nothing

    def forward(self, x: Array) -> tuple[Array, Nothing]:
        if x.ndim <= self.axis:
            raise ShapeError(f"Flip turns axis {self.axis} around, but x has shape {tuple(x.shape)}.")
        return np.flip(x, self.axis), Nothing()

    def backward(self, dy: Array, saved: Nothing) -> Array:  # noqa: ARG002 (a linear layer: its gradient needs no x)
        return np.flip(dy, self.axis)

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        def case(shape: tuple[int, ...], axis: int) -> Example:
            return cls(axis), (rng.standard_normal(shape),)

        return [
            case((2, 5, 3), 1),
            case((1, 1), 1),
            case((1, 4), 1),
            case((2, 3, 4, 5), 3),
            case((1, 2, 3, 2), 2),
            case((3, 2, 2), 2),
        ]
