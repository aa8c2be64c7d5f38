"""Adaptive pooling: the output's size is given, and the windows follow from the input's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Generator, Pair
from minitorch_viz.errors import ShapeError
from minitorch_viz.layers.base import Example, Layer, expect_axes
from minitorch_viz.layers.fields import PairField
from minitorch_viz.layers.kind import Kind
from minitorch_viz.layers.products import of_sides


@dataclass(frozen=True, eq=False, repr=False)
class AdaptiveAvgPool2d(Layer):
    """Take the mean of output_size windows that cover the map, whatever its size.

    x (N, C, H, W) -> y (N, C, H', W') with output_size H', W': an int or (vertical, horizontal). Window i of H' holds
    the rows from floor(i * H / H') to ceil((i + 1) * H / H'), the last not included: as many rows as divide, and one
    that two windows share where they do not. AdaptiveAvgPool2d(1) is GlobalAvgPool2d.

    Both axes are matrix products, y = A x Bᵀ: row i of A holds 1 / (rows of window i) there, so dx = Aᵀ dy B.
    """

    output_size: PairField = PairField(least=1)

    kind: ClassVar[Kind] = Kind.SUMS

    class Saved(NamedTuple):
        size: Pair  # (H, W) of the input

    def forward(self, x: Array) -> tuple[Array, Saved]:
        expect_axes(self, x, "N, C, H, W")
        _expect_places(self, x)
        rows, columns = self._means(x, (x.shape[2], x.shape[3]))
        return of_sides(rows, x, columns), self.Saved((x.shape[2], x.shape[3]))

    def backward(self, dy: Array, saved: Saved) -> Array:
        rows, columns = self._means(dy, saved.size)
        return of_sides(rows.T, dy, columns.T)

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        return [(cls(size), (rng.standard_normal(shape),)) for size, shape in _EXAMPLES]

    def _means(self, like: Array, size: Pair) -> tuple[Array, Array]:
        """Return A (H', H) and B (W', W) for an input of size (H, W), in an array's precision and on its device."""
        rows, columns = (mean_matrix(side, windows) for side, windows in zip(size, self.output_size, strict=True))
        xp = kernels.array_module(like)
        return xp.asarray(rows.astype(like.dtype)), xp.asarray(columns.astype(like.dtype))


@dataclass(frozen=True, eq=False, repr=False)
class AdaptiveMaxPool2d(Layer):
    """Keep the largest value of each of output_size windows that cover the map, whatever its size.

    x (N, C, H, W) -> y (N, C, H', W'); output_size and windows as in AdaptiveAvgPool2d. Among equals the first in
    reading order wins. AdaptiveMaxPool2d(1) is the maximum of the whole map.
    """

    output_size: PairField = PairField(least=1)

    kind: ClassVar[Kind] = Kind.SELECTS

    class Saved(NamedTuple):
        won: Array  # (N, C, H', W') int32: the winner's place row * W + column in its map
        size: Pair  # (H, W) of the input

    def forward(self, x: Array) -> tuple[Array, Saved]:
        expect_axes(self, x, "N, C, H, W")
        n, channels, high, wide = x.shape
        _expect_places(self, x)
        xp = kernels.array_module(x)
        y = xp.empty((n, channels, *self.output_size), x.dtype)
        won = xp.empty(y.shape, np.int32)
        for i, (top, bottom) in enumerate(windows(high, self.output_size[0])):
            for j, (left, right) in enumerate(windows(wide, self.output_size[1])):
                values = x[:, :, top:bottom, left:right].reshape(n, channels, (bottom - top) * (right - left))
                place = values.argmax(axis=2)
                y[:, :, i, j] = np.take_along_axis(values, place[:, :, None], axis=2)[:, :, 0]
                row, column = place // (right - left), place % (right - left)
                won[:, :, i, j] = (top + row) * wide + left + column
        return y, self.Saved(won, (high, wide))

    def backward(self, dy: Array, saved: Saved) -> Array:
        return kernels.maxpool2d_dx(dy, saved.won, saved.size)

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        return [(cls(size), (rng.standard_normal(shape),)) for size, shape in _EXAMPLES]


def _expect_places(layer: Layer, x: Array) -> None:
    """Raise ShapeError unless the maps have a place at least."""
    if not x.shape[2] or not x.shape[3]:
        raise ShapeError(f"{layer.type_name} needs maps with a place at least, but x has shape {tuple(x.shape)}.")


_EXAMPLES: list[tuple[int | Pair, tuple[int, ...]]] = [
    (2, (2, 3, 4, 6)),
    (1, (1, 2, 3, 5)),  # the whole map
    (3, (2, 1, 7, 5)),  # windows that share a row
    ((2, 1), (1, 2, 5, 4)),
    ((1, 3), (1, 1, 2, 2)),  # more windows than columns: each pixel stands in several
    (2, (3, 2, 2, 2)),  # a window a pixel
]


def windows(side: int, count: int) -> Iterator[Pair]:
    """Yield where each of `count` windows over `side` places begins and ends."""
    for i in range(count):
        yield i * side // count, -(-(i + 1) * side // count)


def mean_matrix(side: int, count: int) -> Array:
    """Return the matrix (count, side) whose row i takes the mean of window i."""
    matrix = np.zeros((count, side))
    for i, (first, stop) in enumerate(windows(side, count)):
        matrix[i, first:stop] = 1 / (stop - first)
    return matrix
