"""Average pooling, over windows and over the whole map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Generator, Pair
from minitorch_viz.boxes import Boxes
from minitorch_viz.layers.base import Example, Layer, expect_axes
from minitorch_viz.layers.fields import PairField
from minitorch_viz.layers.kind import Kind
from minitorch_viz.layers.max_pool import check_pool_padding, pool_out
from minitorch_viz.layers.window import Window


@dataclass(frozen=True, eq=False, repr=False)
class AvgPool2d(Layer):
    """Take the mean of each window; its backward pass shares the gradient equally among the window's pixels.

    x (N, C, H, W) -> y (N, C, H', W'); kernel, stride, padding and ceil_mode as in MaxPool2d.

    count_include_pad: divide by the places of the window inside the *padded* image, as PyTorch and Caffe do;
    False: by its pixels only, so that a border pixel's mean is not pulled towards 0.

    Raises SettingError if padding exceeds half the kernel, ShapeError if x is smaller than one window.
    """

    kernel: PairField = PairField(least=1)
    stride: PairField = PairField(like="kernel", least=1)
    padding: PairField = PairField(0)
    ceil_mode: bool = False
    count_include_pad: bool = True

    kind: ClassVar[Kind] = Kind.SUMS

    class Saved(NamedTuple):
        size: Pair  # (H, W) of the input

    def __post_init__(self) -> None:
        check_pool_padding(self, self.kernel, self.padding)

    def forward(self, x: Array) -> tuple[Array, Saved]:
        out = pool_out(self, x, self.kernel, self.stride, self.padding, self.ceil_mode)
        y = kernels.avgpool2d(x, self.kernel, self.stride, self.padding, out, self.count_include_pad)
        return y, self.Saved((x.shape[2], x.shape[3]))

    def backward(self, dy: Array, saved: Saved) -> Array:
        return kernels.avgpool2d_dx(dy, self.kernel, self.stride, self.padding, saved.size, self.count_include_pad)

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        def case(shape: tuple[int, ...], kernel: int | Pair, *settings: int | Pair | bool | None) -> Example:
            return cls(kernel, *settings), (rng.standard_normal(shape),)  # type: ignore[arg-type]  # in the fields' order

        return [
            case((2, 3, 4, 6), 2),
            case((1, 2, 7, 7), 3, 2),  # windows overlap
            case((2, 1, 5, 4), 3, 1, 1),
            case((2, 1, 5, 4), 3, 1, 1, False, False),  # border windows divide by fewer pixels
            case((1, 2, 6, 8), 3, 2, 0, True),  # the last windows reach beyond the image
            case((1, 2, 6, 5), 3, 2, 1, True, True),
            case((1, 2, 6, 5), 3, 2, 1, True, False),
            case((1, 1, 1, 1), 1),
            case((2, 2, 5, 6), (2, 3), (3, 1), (1, 0)),
        ]

    @property
    def window(self) -> Window:
        return Window(self.kernel, self.stride, self.padding)

    def crop(self, saved: Saved, x: Boxes, y: Boxes) -> Saved:  # noqa: ARG002 (only sizes were saved)
        return self.Saved(x.size)


@dataclass(frozen=True, eq=False, repr=False)
class GlobalAvgPool2d(Layer):
    """Take the mean of each whole map: what a channel says, wherever it says it.

    x (N, C, H, W) -> y (N, C, 1, 1). With this layer before the last Linear, class activation maps are just the
    Linear's weights applied to every pixel (Zhou et al. 2016).
    """

    kind: ClassVar[Kind] = Kind.SUMS

    class Saved(NamedTuple):
        size: Pair  # (H, W) of the input

    def forward(self, x: Array) -> tuple[Array, Saved]:
        expect_axes(self, x, "N, C, H, W")
        return x.mean(axis=(2, 3), keepdims=True), self.Saved((x.shape[2], x.shape[3]))

    def backward(self, dy: Array, saved: Saved) -> Array:
        pixels = saved.size[0] * saved.size[1]
        return np.broadcast_to(dy / pixels, (*dy.shape[:2], *saved.size)).copy()

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        shapes = [(1, 1, 1, 1), (2, 3, 4, 4), (1, 2, 1, 5), (2, 1, 3, 2), (3, 2, 2, 2), (1, 4, 5, 3)]
        return [(cls(), (rng.standard_normal(shape),)) for shape in shapes]
