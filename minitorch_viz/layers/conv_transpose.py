"""Transposed convolution: a convolution run backwards, so that a small map becomes a large one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Self

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Generator, Pair
from minitorch_viz.errors import SettingError, ShapeError
from minitorch_viz.layers.base import Example, Layer, expect_axes, expect_field, same_batch
from minitorch_viz.layers.fields import PairField, WholeField, as_pair
from minitorch_viz.layers.kind import Kind
from minitorch_viz.layers.window import PIXELS, Sight, Window


@dataclass(frozen=True, eq=False, repr=False)
class ConvTranspose2d(Layer):
    """Paint each pixel's filters onto a larger image; where they overlap, they add up.

    x (N, C, H, W) -> y (N, O, H', W') with H' = (H - 1) stride - 2 padding + dilation (kh - 1) + 1 + output_padding.

    There is no new computation in this file. Painting filters is what a convolution's *backward* pass does with its
    gradient, so the two layers share their three kernels with the roles swapped:

                            Conv2d        ConvTranspose2d
        forward             conv2d        conv2d_dx
        backward            conv2d_dx     conv2d
        weight gradient     dw(dy, x)     dw(x, dy)

    A deconvnet is therefore a chain of these layers, and so is the backward pass of every convolutional net.

    weight (C, O/groups, kh, kw), bias (O,) or None; the settings are an int or (vertical, horizontal).
    output_padding: rows and columns added at the end (bottom, right), where the stride leaves the size open.

    Raises ShapeError if x has another number of channels, or if padding takes the whole output away.
    Dumoulin and Visin 2016, "A guide to convolution arithmetic for deep learning".
    """

    weight: Array
    bias: Array | None = None
    stride: PairField = PairField(1, least=1)
    padding: PairField = PairField(0)
    output_padding: PairField = PairField(0)
    groups: WholeField = WholeField(1, least=1)
    dilation: PairField = PairField(1, least=1)

    kind: ClassVar[Kind] = Kind.WEIGHS
    channel_axis: ClassVar[int | None] = 1
    param_names: ClassVar[tuple[str, ...]] = ("weight", "bias")

    class Saved(NamedTuple):
        x: Array  # (N, C, H, W): the input, for the weight's gradient

    def __post_init__(self) -> None:
        expect_field(self, "weight", "C", "O/groups", "kh", "kw")
        channels, out_channels = self.weight.shape[:2]
        if channels % self.groups:
            raise SettingError(
                f"ConvTranspose2d's groups must divide its {channels} input channels, but got {self.groups}."
            )
        if self.bias is not None:
            expect_field(self, "bias", out_channels * self.groups)
        if self.output_padding[0] >= self.stride[0] or self.output_padding[1] >= self.stride[1]:
            raise SettingError(
                f"ConvTranspose2d's output_padding must be below its stride {self.stride}, "
                f"but got {self.output_padding}; give a larger x instead."
            )

    def forward(self, x: Array) -> tuple[Array, Saved]:
        size = self._out_size(x)
        y = kernels.conv2d_dx(x, self.weight, size, self.stride, self.padding, self.dilation, self.groups)
        return (y if self.bias is None else y + self.bias[:, None, None]), self.Saved(x)

    def backward(self, dy: Array, saved: Saved) -> Array:  # noqa: ARG002 (a linear layer: its gradient needs no x)
        return kernels.conv2d(dy, self.weight, None, self.stride, self.padding, self.dilation, self.groups)

    def param_grads(self, dy: Array, saved: Saved) -> dict[str, Array]:
        dy, x = same_batch(dy, saved.x)
        kernel = self.weight.shape[2:]
        dw = kernels.conv2d_dw(x, dy, kernel, self.stride, self.padding, self.dilation, self.groups)
        return {"weight": dw} if self.bias is None else {"weight": dw, "bias": dy.sum(axis=(0, 2, 3))}

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        def case(shape: tuple[int, ...], weight: tuple[int, ...], bias: int | None, **settings: int | Pair) -> Example:
            b = None if bias is None else rng.standard_normal(bias)
            return cls(rng.standard_normal(weight), b, **settings), (rng.standard_normal(shape),)  # type: ignore[arg-type]  # settings are this layer's own fields

        return [
            case((2, 3, 3, 4), (3, 2, 3, 3), 2),
            case((1, 2, 3, 2), (2, 3, 2, 2), None, stride=2),  # windows side by side: nothing overlaps
            case((2, 2, 3, 3), (2, 2, 3, 3), 2, stride=2, padding=1, output_padding=1),  # doubles the size
            case((1, 4, 3, 3), (4, 2, 3, 2), 4, stride=(2, 1), padding=(1, 0), groups=2),
            case((1, 2, 1, 1), (2, 1, 4, 3), 1),  # a 1x1 image: the filter itself
            case((2, 1, 3, 4), (1, 2, 3, 2), 2, stride=(1, 3), dilation=(2, 1), output_padding=(0, 2)),
        ]

    def sees(self, axes: Pair = PIXELS) -> Sight | None:
        """Return the pixels whose filters are painted over an output pixel; None where some lie between all filters."""
        reach = [d * (side - 1) + 1 for d, side in zip(self.dilation, self.weight.shape[2:], strict=True)]
        if axes != PIXELS or reach[0] < self.stride[0] or reach[1] < self.stride[1]:
            return None
        # Output o lies under the filters of the pixels i with 0 <= o + padding - i * stride < reach.
        covered, before = ([reach[a] - self.stride[a] - shift * self.padding[a] for a in (0, 1)] for shift in (0, 1))
        return Sight(Window((covered[0] + 1, covered[1] + 1), (1, 1), (before[0], before[1]), self.stride))

    @classmethod
    def random(
        cls,
        rng: Generator,
        in_channels: int,
        out_channels: int,
        kernel: int | Pair,
        *,
        stride: int | Pair = 1,
        padding: int | Pair = 0,
        output_padding: int | Pair = 0,
        groups: int = 1,
        dilation: int | Pair = 1,
    ) -> Self:
        """Return a layer with He et al.'s (2015) initialization, std sqrt(2 / fan in), zero bias, float32.

        The fan in is what one output pixel adds up: of kh x kw places, only one in stride^2 is painted on.
        """
        kh, kw = as_pair(kernel, "ConvTranspose2d's kernel", 1)
        sh, sw = as_pair(stride, "ConvTranspose2d's stride", 1)
        fan_in = max(1.0, in_channels // groups * kh * kw / (sh * sw))
        weight = rng.standard_normal((in_channels, out_channels // groups, kh, kw)) * np.sqrt(2 / fan_in)
        bias = np.zeros(out_channels, np.float32)
        return cls(weight.astype(np.float32), bias, stride, padding, output_padding, groups, dilation)

    def _out_size(self, x: Array) -> Pair:
        expect_axes(self, x, "N, C, H, W")
        if x.shape[1] != self.weight.shape[0]:
            raise ShapeError(
                f"ConvTranspose2d's weight {self.weight.shape} needs {self.weight.shape[0]} input channels, "
                f"but x has shape {x.shape}."
            )
        high, wide = (
            (x.shape[2 + a] - 1) * self.stride[a]
            - 2 * self.padding[a]
            + self.dilation[a] * (self.weight.shape[2 + a] - 1)
            + 1
            + self.output_padding[a]
            for a in (0, 1)
        )
        if high < 1 or wide < 1:
            raise ShapeError(
                f"ConvTranspose2d's padding {self.padding} leaves nothing of the output ({high} x {wide}); "
                f"give less padding or a larger x than {x.shape}."
            )
        return high, wide
