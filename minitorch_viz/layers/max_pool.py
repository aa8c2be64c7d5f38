"""Max pooling, and the way back up through its switches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Self

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Generator, Pair
from minitorch_viz.boxes import Boxes
from minitorch_viz.errors import SettingError, ShapeError
from minitorch_viz.layers.base import Example, Layer, Nothing, expect_axes
from minitorch_viz.layers.fields import PairField
from minitorch_viz.layers.kind import Kind
from minitorch_viz.layers.window import PIXELS, Sight, Window, shifted


@dataclass(frozen=True, eq=False, repr=False)
class MaxPool2d(Layer):
    """Keep the largest value of each window, and remember where it stood (the switch).

    x (N, C, H, W) -> y (N, C, H', W') with H' = floor((H + 2 padding - kernel) / stride) + 1.

    kernel, stride (None: the kernel), padding, dilation: an int or (vertical, horizontal). Padding never wins; with a
    dilation the kernel stands for the places it reaches over, and only every so many of them are looked at.
    ceil_mode: round H' up instead, so that a last window may reach beyond the padded input; a window that would
    *start* beyond the input and its leading padding is dropped. That is PyTorch's ceil_mode, and Caffe's only way:
    nets that come from Caffe (AlexNet, GoogLeNet, SqueezeNet) need ceil_mode=True.

    Windows may overlap: a pixel that wins several gets the sum of their gradients. Among equals the first in reading
    order wins. The switches are all that a deconvnet needs on its way down (Zeiler and Fergus 2013).

    Raises SettingError if padding exceeds half the kernel, ShapeError if x is smaller than one window.
    """

    kernel: PairField = PairField(least=1)
    stride: PairField = PairField(like="kernel", least=1)
    padding: PairField = PairField(0)
    ceil_mode: bool = False
    dilation: PairField = PairField(1, least=1)

    kind: ClassVar[Kind] = Kind.SELECTS

    class Saved(NamedTuple):
        won: Array  # (N, C, H', W') int32: the winner's place row * W + column in its map
        size: Pair  # (H, W) of the input

    def __post_init__(self) -> None:
        check_pool_padding(self, self._reach, self.padding)

    def forward(self, x: Array) -> tuple[Array, Saved]:
        out = pool_out(self, x, self._reach, self.stride, self.padding, self.ceil_mode)
        if self.dilation == (1, 1):
            y, won = kernels.maxpool2d(x, self.kernel, self.stride, self.padding, out)
        else:
            y, won = self._dilated(x, out)
        return y, self.Saved(won, (x.shape[2], x.shape[3]))

    def backward(self, dy: Array, saved: Saved) -> Array:
        return kernels.maxpool2d_dx(dy, saved.won, saved.size)

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        def case(shape: tuple[int, ...], kernel: int | Pair, *settings: int | Pair | bool | None) -> Example:
            return cls(kernel, *settings), (rng.standard_normal(shape),)  # type: ignore[arg-type]  # in the fields' order

        return [
            case((2, 3, 4, 6), 2),
            case((1, 2, 7, 7), 3, 2),  # windows overlap
            case((2, 1, 5, 4), 3, 1, 1),  # every pixel starts a window
            case((1, 2, 6, 8), 3, 2, 0, True),  # the last windows reach beyond the image
            case((1, 1, 1, 1), 1),
            case((2, 2, 5, 6), (2, 3), (3, 1), (1, 0)),  # the stride skips rows
            case((1, 2, 5, 5), 2, 2, 1, True),  # a last window that would start in the padding is dropped
            case((1, 1, 2, 2), 3, 3, 0, True),  # one window, larger than the image
            case((2, 2, 7, 6), (3, 2), 1, (1, 0), False, 2),  # every second place of a window
            case((1, 1, 6, 9), 2, 2, 1, True, (1, 3)),
        ]

    @property
    def window(self) -> Window | None:
        """Return what a window reads; None with a dilation: in a small crop a window with gaps may hold no pixel."""
        return Window(self.kernel, self.stride, self.padding) if self.dilation == (1, 1) else None

    def sees(self, axes: Pair = PIXELS) -> Sight | None:
        """Return its window, of a dilated one with its holes."""
        return Sight(Window(self._reach, self.stride, self.padding)) if axes == PIXELS else None

    def crop(self, saved: Saved, x: Boxes, y: Boxes) -> Saved:
        return self.Saved(shifted(y.take(saved.won), saved.size, x), x.size)

    @property
    def _reach(self) -> Pair:
        """Return how many rows and columns a window reaches over."""
        return self.dilation[0] * (self.kernel[0] - 1) + 1, self.dilation[1] * (self.kernel[1] - 1) + 1

    def _dilated(self, x: Array, out: Pair) -> tuple[Array, Array]:
        """Return what the kernel `maxpool2d` gives, for windows with gaps: place by place, for all windows at once."""
        xp, (high, wide) = kernels.array_module(x), x.shape[2:]
        first_row, first_column = (xp.asarray(np.arange(out[a]) * self.stride[a] - self.padding[a]) for a in (0, 1))
        y, won = None, xp.asarray(np.full((*x.shape[:2], *out), -1, np.int32))
        for u, v in np.ndindex(self.kernel):
            rows, columns = first_row + u * self.dilation[0], first_column + v * self.dilation[1]
            inside = ((rows >= 0) & (rows < high))[:, None] & ((columns >= 0) & (columns < wide))
            rows, columns = rows.clip(0, high - 1)[:, None], columns.clip(0, wide - 1)
            values = x[:, :, rows, columns]
            y = values if y is None else y
            better = inside & ((won < 0) | (values > y) | ((values != values) & (y == y)))  # a NaN wins over any number
            y, won = np.where(better, values, y), np.where(better, (rows * wide + columns).astype(np.int32), won)
        if y is None or (won.size and won.min() < 0):
            raise ShapeError(
                f"{self.type_name}'s windows {self.kernel} with dilation {self.dilation} and padding {self.padding} "
                f"hold no pixel of x {tuple(x.shape)} somewhere; give less padding or a larger image."
            )
        return y, won


@dataclass(frozen=True, eq=False, repr=False)
class MaxUnpool2d(Layer):
    """Put each value back where the maximum once stood; all other places are 0.

    x (N, C, H', W') -> y (N, C, H, W). `MaxUnpool2d.from_saved(tape.saved["pool1"])` takes the switches of a pooling
    that has run; with switches of one image, x may have any batch.

    This is exactly the adjoint of that max pooling: the forward pass here is its backward pass, and vice versa.
    A place that won several windows gets their sum. (PyTorch's MaxUnpool2d keeps one of them, it does not say which;
    for windows that do not overlap the two agree.)

    won: (N or 1, C, H', W') int32, as MaxPool2d saves it; size: (H, W) of the output.
    """

    won: Array
    size: PairField = PairField(least=1)

    kind: ClassVar[Kind] = Kind.SUMS

    Saved = Nothing

    def __post_init__(self) -> None:
        if getattr(self.won, "ndim", 0) != 4 or self.won.dtype != np.int32:
            raise ShapeError(
                f"MaxUnpool2d's won must be the int32 switches (N, C, H', W') that a MaxPool2d saves, but got "
                f"{getattr(self.won, 'dtype', type(self.won).__name__)} of shape {getattr(self.won, 'shape', '()')}."
            )
        places = self.size[0] * self.size[1]
        if self.won.size and not 0 <= self.won.min() <= self.won.max() < places:
            raise SettingError(
                f"MaxUnpool2d's size {self.size} has the places 0 to {places - 1}, but its switches point to "
                f"{self.won.min()}..{self.won.max()}; give the size of the image that was pooled."
            )

    def forward(self, x: Array) -> tuple[Array, Nothing]:
        expect_axes(self, x, "N, C, H, W")
        if x.shape[1:] != self.won.shape[1:] or self.won.shape[0] not in (1, x.shape[0]):
            raise ShapeError(f"MaxUnpool2d's switches have the shape {self.won.shape}, but x has shape {x.shape}.")
        return kernels.maxpool2d_dx(x, self.won, self.size), Nothing()

    def backward(self, dy: Array, saved: Nothing) -> Array:  # noqa: ARG002 (a linear layer: its gradient needs no x)
        maps, (high, wide) = self.won.shape[:2], self.won.shape[2:]
        dy = dy.reshape(*dy.shape[:2], self.size[0] * self.size[1])  # each map in one row, as the switches count
        won = self.won.reshape(*maps, high * wide)
        picked = np.take_along_axis(dy, np.broadcast_to(won, (dy.shape[0], *won.shape[1:])), axis=2)
        return picked.reshape(dy.shape[0], *self.won.shape[1:])

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        """Return the switches of MaxPool2d's examples, overlapping windows and all."""
        cases: list[Example] = []
        for pool, inputs in MaxPool2d.examples(rng):
            y, saved = pool.forward(*inputs)
            cases.append((cls.from_saved(saved), (rng.standard_normal(y.shape),)))
        return cases

    @classmethod
    def from_saved(cls, saved: MaxPool2d.Saved) -> Self:
        """Return the way back up from what a MaxPool2d saved."""
        return cls(saved.won, saved.size)


def check_pool_padding(layer: Layer, kernel: Pair, padding: Pair) -> None:
    """Raise SettingError unless padding is at most half the kernel: with more, a corner window could hold no pixel."""
    if 2 * padding[0] > kernel[0] or 2 * padding[1] > kernel[1]:
        raise SettingError(
            f"{type(layer).__name__}'s padding may be at most half its kernel {kernel}, but got {padding}: "
            f"a window could hold no pixel at all."
        )


def pool_out(layer: Layer, x: Array, kernel: Pair, stride: Pair, padding: Pair, ceil_mode: bool) -> Pair:
    """Return how many windows fit into x, (H', W'). Raises ShapeError if none does."""
    expect_axes(layer, x, "N, C, H, W")
    high, wide = (kernels.pool_out_size(x.shape[2 + a], kernel[a], stride[a], padding[a], ceil_mode) for a in (0, 1))
    if high < 1 or wide < 1:
        raise ShapeError(
            f"{type(layer).__name__}'s window {kernel} with padding {padding} does not fit into x {x.shape}; "
            f"give a larger image or a smaller kernel."
        )
    return high, wide
