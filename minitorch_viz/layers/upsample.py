"""Nearest-neighbour upsampling: every pixel becomes a block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from minitorch_viz._types import Array, Generator, Pair
from minitorch_viz.layers.base import Example, Layer, Nothing, expect_axes
from minitorch_viz.layers.fields import PairField
from minitorch_viz.layers.kind import Kind
from minitorch_viz.layers.window import Window


@dataclass(frozen=True, eq=False, repr=False)
class UpsampleNearest(Layer):
    """Repeat every pixel as a block of factor x factor; its backward pass adds each block up.

    x (N, C, H, W) -> y (N, C, H * factor, W * factor); factor: an int or (vertical, horizontal).
    Followed by a convolution it enlarges without the checkerboards of a strided ConvTranspose2d
    (Odena, Dumoulin and Olah 2016).
    """

    factor: PairField = PairField(2, least=1)

    kind: ClassVar[Kind] = Kind.SELECTS

    Saved = Nothing

    def forward(self, x: Array) -> tuple[Array, Nothing]:
        expect_axes(self, x, "N, C, H, W")
        return x.repeat(self.factor[0], axis=2).repeat(self.factor[1], axis=3), Nothing()

    def backward(self, dy: Array, saved: Nothing) -> Array:  # noqa: ARG002 (a linear layer: its gradient needs no x)
        n, c, high, wide = dy.shape
        fh, fw = self.factor
        dx: Array = dy.reshape(n, c, high // fh, fh, wide // fw, fw).sum(axis=(3, 5))
        return dx

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        shapes = [(1, 1, 1, 1), (2, 3, 2, 3), (1, 2, 3, 1), (2, 1, 2, 2), (1, 1, 1, 4), (2, 2, 3, 2)]
        factors: list[int | Pair] = [2, 2, 3, (1, 2), (3, 1), 1]
        return [(cls(factor), (rng.standard_normal(shape),)) for factor, shape in zip(factors, shapes, strict=True)]

    @property
    def window(self) -> Window:
        return Window(up=self.factor)
