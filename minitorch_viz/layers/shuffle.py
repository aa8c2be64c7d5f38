"""ChannelShuffle, PixelShuffle, PixelUnshuffle: values change places among channels, or between them and pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from minitorch_viz._types import Array, Generator
from minitorch_viz.errors import ShapeError
from minitorch_viz.layers.base import Example, Layer, Nothing, expect_axes
from minitorch_viz.layers.fields import WholeField
from minitorch_viz.layers.kind import Kind


@dataclass(frozen=True, eq=False, repr=False)
class ChannelShuffle(Layer):
    """Deal the channels of all groups out in turn, so that the next grouped convolution sees something of each.

    x (N, C, ...) -> y of the same shape; with groups 2 the channels 0 1 2 3 4 5 become 0 3 1 4 2 5.
    Raises ShapeError if the groups do not divide the channels. Zhang et al. 2018, "ShuffleNet".
    """

    groups: WholeField = WholeField(least=1)

    kind: ClassVar[Kind] = Kind.SELECTS

    Saved = Nothing

    def forward(self, x: Array) -> tuple[Array, Nothing]:
        if x.ndim < 2 or x.shape[1] % self.groups:
            raise ShapeError(
                f"ChannelShuffle deals out {self.groups} groups of channels, but x has shape {tuple(x.shape)}."
            )
        return _dealt(x, self.groups), Nothing()

    def backward(self, dy: Array, saved: Nothing) -> Array:  # noqa: ARG002 (a linear layer: its gradient needs no x)
        return _dealt(dy, dy.shape[1] // self.groups)

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        shapes = [(2, 6, 2, 3), (1, 4, 2, 2), (1, 1, 1, 1), (2, 6, 1), (1, 8, 3), (3, 4, 1, 2)]
        groups = [2, 2, 1, 3, 4, 2]
        return [(cls(count), (rng.standard_normal(shape),)) for count, shape in zip(groups, shapes, strict=True)]


@dataclass(frozen=True, eq=False, repr=False)
class PixelShuffle(Layer):
    """Make of every r * r channels one of r times the height and width: each pixel becomes a block.

    x (N, C * r * r, H, W) -> y (N, C, H * r, W * r) with r = upscale_factor; channel c * r * r + i * r + j gives row i,
    column j of the blocks of channel c. Raises ShapeError if r * r does not divide the channels.
    Shi et al. 2016 ("sub-pixel convolution").
    """

    upscale_factor: WholeField = WholeField(least=1)

    kind: ClassVar[Kind] = Kind.SELECTS

    Saved = Nothing

    def forward(self, x: Array) -> tuple[Array, Nothing]:
        expect_axes(self, x, "N, C, H, W")
        if x.shape[1] % self.upscale_factor**2:
            raise ShapeError(
                f"PixelShuffle makes one channel of {self.upscale_factor**2}, but x has shape {tuple(x.shape)}."
            )
        return _to_pixels(x, self.upscale_factor), Nothing()

    def backward(self, dy: Array, saved: Nothing) -> Array:  # noqa: ARG002 (a linear layer: its gradient needs no x)
        return _to_channels(dy, self.upscale_factor)

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        shapes = [(2, 4, 2, 3), (1, 8, 1, 1), (1, 1, 1, 1), (2, 9, 2, 1), (1, 12, 2, 2), (3, 4, 1, 2)]
        factors = [2, 2, 1, 3, 2, 2]
        return [(cls(factor), (rng.standard_normal(shape),)) for factor, shape in zip(factors, shapes, strict=True)]


@dataclass(frozen=True, eq=False, repr=False)
class PixelUnshuffle(Layer):
    """Make of every block of r * r pixels one pixel of r * r channels: what PixelShuffle does, undone.

    x (N, C, H * r, W * r) -> y (N, C * r * r, H, W) with r = downscale_factor.
    Raises ShapeError if r does not divide height and width.
    """

    downscale_factor: WholeField = WholeField(least=1)

    kind: ClassVar[Kind] = Kind.SELECTS

    Saved = Nothing

    def forward(self, x: Array) -> tuple[Array, Nothing]:
        expect_axes(self, x, "N, C, H, W")
        if x.shape[2] % self.downscale_factor or x.shape[3] % self.downscale_factor:
            raise ShapeError(
                f"PixelUnshuffle needs height and width that {self.downscale_factor} divides, "
                f"but x has shape {tuple(x.shape)}."
            )
        return _to_channels(x, self.downscale_factor), Nothing()

    def backward(self, dy: Array, saved: Nothing) -> Array:  # noqa: ARG002 (a linear layer: its gradient needs no x)
        return _to_pixels(dy, self.downscale_factor)

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        shapes = [(2, 1, 4, 6), (1, 2, 2, 2), (1, 1, 1, 1), (2, 1, 6, 3), (1, 3, 4, 4), (3, 1, 2, 4)]
        factors = [2, 2, 1, 3, 2, 2]
        return [(cls(factor), (rng.standard_normal(shape),)) for factor, shape in zip(factors, shapes, strict=True)]


def _dealt(x: Array, groups: int) -> Array:
    """Write the channels as a table with a row a group, and read it column by column."""
    n, channels, *sides = x.shape
    return x.reshape(n, groups, channels // groups, *sides).swapaxes(1, 2).reshape(x.shape)


def _to_pixels(x: Array, r: int) -> Array:
    n, channels, high, wide = x.shape
    blocks = x.reshape(n, channels // r**2, r, r, high, wide).transpose(0, 1, 4, 2, 5, 3)
    return blocks.reshape(n, channels // r**2, high * r, wide * r)


def _to_channels(x: Array, r: int) -> Array:
    n, channels, high, wide = x.shape
    blocks = x.reshape(n, channels, high // r, r, wide // r, r).transpose(0, 1, 3, 5, 2, 4)
    return blocks.reshape(n, channels * r**2, high // r, wide // r)
