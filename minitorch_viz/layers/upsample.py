"""Nearest-neighbour upsampling: every pixel becomes a block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Generator, Pair
from minitorch_viz.layers.base import Example, Layer, expect_axes
from minitorch_viz.layers.fields import PairField, as_pair
from minitorch_viz.layers.kind import Kind
from minitorch_viz.layers.products import of_sides
from minitorch_viz.layers.window import Window


@dataclass(frozen=True, eq=False, repr=False)
class UpsampleNearest(Layer):
    """Repeat every pixel as a block of factor x factor; its backward pass adds each block up.

    x (N, C, H, W) -> y (N, C, H * factor, W * factor); or (N, C, H', W') with size H', W' where that is given: new row
    i is then old row floor(i * H / H'), also where maps become smaller. factor, size: an int or (vertical, horizontal).
    Followed by a convolution it enlarges without the checkerboards of a strided ConvTranspose2d
    (Odena, Dumoulin and Olah 2016).
    """

    factor: PairField = PairField(2, least=1)
    size: Pair | int | None = None

    kind: ClassVar[Kind] = Kind.SELECTS

    class Saved(NamedTuple):
        size: Pair  # (H, W) of the input

    def __post_init__(self) -> None:
        if self.size is not None:
            object.__setattr__(self, "size", as_pair(self.size, "UpsampleNearest's size", 1))

    def forward(self, x: Array) -> tuple[Array, Saved]:
        expect_axes(self, x, "N, C, H, W")
        saved = self.Saved((x.shape[2], x.shape[3]))
        if isinstance(self.size, tuple):
            rows, columns = (_sources(side, out) for side, out in zip(saved.size, self.size, strict=True))
            return x[:, :, rows][:, :, :, columns], saved
        return x.repeat(self.factor[0], axis=2).repeat(self.factor[1], axis=3), saved

    def backward(self, dy: Array, saved: Saved) -> Array:
        n, c, high, wide = dy.shape
        if isinstance(self.size, tuple):
            xp = kernels.array_module(dy)
            rows, columns = (
                xp.asarray((np.arange(side) == _sources(side, out)[:, None]).astype(dy.dtype))
                for side, out in zip(saved.size, self.size, strict=True)
            )
            return of_sides(rows.T, dy, columns.T)
        fh, fw = self.factor
        dx: Array = dy.reshape(n, c, high // fh, fh, wide // fw, fw).sum(axis=(3, 5))
        return dx

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        shapes = [(1, 1, 1, 1), (2, 3, 2, 3), (1, 2, 3, 1), (2, 1, 2, 2), (1, 1, 1, 4), (2, 2, 3, 2)]
        factors: list[int | Pair] = [2, 2, 3, (1, 2), (3, 1), 1]
        to_sizes: list[Example] = [
            (cls(size=(5, 3)), (rng.standard_normal((2, 2, 3, 4)),)),  # no multiples, and fewer columns
            (cls(size=4), (rng.standard_normal((1, 2, 2, 1)),)),
        ]
        pairs = zip(factors, shapes, strict=True)
        return [*((cls(factor), (rng.standard_normal(shape),)) for factor, shape in pairs), *to_sizes]

    @property
    def window(self) -> Window | None:
        return Window(up=self.factor) if self.size is None else None


def _sources(side: int, out: int) -> Array:
    """Return which old place each new one repeats."""
    return np.arange(out) * side // out
