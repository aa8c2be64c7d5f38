"""Convolution: the same small filters, slid over the whole image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple, Self, get_args

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Generator, Pair
from minitorch_viz.boxes import Boxes
from minitorch_viz.errors import SettingError, ShapeError
from minitorch_viz.layers.base import Example, Layer, expect_axes, expect_field, same_batch
from minitorch_viz.layers.fields import BorderField, PairField, WholeField, as_pair
from minitorch_viz.layers.kind import Kind
from minitorch_viz.layers.padding import Border, bordered, bordered_backward, reflect_pad
from minitorch_viz.layers.window import PIXELS, Sight, Window

Beyond = Literal["zeros", "reflect", "replicate", "circular"]


@dataclass(frozen=True, eq=False, repr=False)
class Conv2d(Layer):
    """Slide filters over an image: y[o] = b[o] + sum over c, u, v of w[o, c, u, v] * x[c, i + u, j + v].

    x (N, C, H, W) -> y (N, O, H', W') with H' = floor((H + 2 padding - dilation (kh - 1) - 1) / stride) + 1.

    weight (O, C/groups, kh, kw), bias (O,) or None; stride, padding, dilation: an int or (vertical, horizontal).
    padding may also be (top, bottom, left, right), "valid" (none), or "same": y has the size of x, stride 1 only, with
    the odd row or column of an even filter at the bottom or right.
    padding_mode: what stands beyond the border, "zeros", "reflect" (mirrored without repeating the edge), "replicate"
    (the edge) or "circular" (the other end).
    Like every deep-learning library this is a cross-correlation: filters are not flipped. The three passes are written
    out, number by number, in minitorch_viz_kernels/convolution/loops.py.

    Raises ShapeError if x has another number of channels, or is smaller than a filter's reach.
    """

    weight: Array
    bias: Array | None = None
    stride: PairField = PairField(1, least=1)
    padding: BorderField = BorderField((0, 0))
    dilation: PairField = PairField(1, least=1)
    groups: WholeField = WholeField(1, least=1)
    padding_mode: Beyond = "zeros"

    kind: ClassVar[Kind] = Kind.WEIGHS
    channel_axis: ClassVar[int | None] = 1
    param_names: ClassVar[tuple[str, ...]] = ("weight", "bias")

    class Saved(NamedTuple):
        x: Array  # (N, C, H, W): the input, padded if the kernels cannot: by other things than zeros, or unequally
        size: Pair  # (H, W) of the input before padding

    def __post_init__(self) -> None:
        if getattr(self.weight, "ndim", 4) == 3:
            raise ShapeError(
                f"Conv2d's weight must have the shape (O, C/groups, kh, kw), but got {tuple(self.weight.shape)}; "
                "filters along one axis are Conv1d's."
            )
        expect_field(self, "weight", "O", "C/groups", "kh", "kw")
        out_channels = self.weight.shape[0]
        if out_channels % self.groups:
            raise SettingError(f"Conv2d's groups must divide its {out_channels} filters, but got {self.groups}.")
        if self.bias is not None:
            expect_field(self, "bias", out_channels)
        if self.padding_mode not in get_args(Beyond):
            modes = ", ".join(f'"{mode}"' for mode in get_args(Beyond))
            raise SettingError(f"Conv2d's padding_mode must be one of {modes}, but got {self.padding_mode!r}.")
        if self.padding == "same":
            self.__dict__["padding"] = self._same()

    def forward(self, x: Array) -> tuple[Array, Saved]:
        saved = self.prepared(x)
        return kernels.conv2d(saved.x, self.weight, self.bias, *self.geometry), saved

    def backward(self, dy: Array, saved: Saved) -> Array:
        dx = kernels.conv2d_dx(dy, self.weight, saved.x.shape[2:], *self.geometry)
        return dx if self._by_kernel else bordered_backward(dx, self._border, saved.size, self._mode)

    def param_grads(self, dy: Array, saved: Saved) -> dict[str, Array]:
        dy, x = same_batch(dy, saved.x)
        dw = kernels.conv2d_dw(dy, x, self.weight.shape[2:], *self.geometry)
        return {"weight": dw} if self.bias is None else {"weight": dw, "bias": dy.sum(axis=(0, 2, 3))}

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        def case(shape: tuple[int, ...], weight: tuple[int, ...], bias: bool = True, **settings: object) -> Example:
            b = rng.standard_normal(weight[0]) if bias else None
            return cls(rng.standard_normal(weight), b, **settings), (rng.standard_normal(shape),)  # type: ignore[arg-type]  # settings are Conv2d's own fields

        return [
            case((2, 3, 5, 6), (4, 3, 3, 3), padding=1),
            case((1, 2, 7, 6), (3, 2, 3, 2), stride=2, bias=False),  # the stride leaves a remainder
            case((2, 4, 6, 6), (6, 2, 3, 3), stride=(2, 1), padding=(0, 1), groups=2),
            case((1, 2, 1, 1), (3, 2, 1, 1)),  # a 1x1 image
            case((1, 2, 3, 3), (2, 2, 2, 2), padding=3),  # padding larger than the kernel
            case((2, 3, 8, 7), (2, 3, 3, 3), dilation=(2, 1), padding=(1, 2)),
            case((1, 3, 5, 5), (3, 1, 3, 3), groups=3, padding=1),  # depthwise
            case((1, 2, 4, 5), (2, 2, 3, 3), padding=(1, 2), padding_mode="reflect"),
            case((2, 2, 4, 3), (2, 2, 2, 3), padding="same"),  # two rows high: the odd row is at the bottom
            case((1, 2, 5, 4), (2, 2, 3, 3), stride=2, padding=(0, 1, 2, 1)),
            case((1, 2, 3, 4), (2, 2, 3, 2), padding=(1, 1), padding_mode="circular"),
            case((1, 1, 3, 3), (2, 1, 3, 3), padding=(4, 0, 1, 2), padding_mode="replicate"),
        ]

    @classmethod
    def random(
        cls,
        rng: Generator,
        in_channels: int,
        out_channels: int,
        kernel: int | Pair,
        *,
        stride: int | Pair = 1,
        padding: int | Pair | Literal["same"] = 0,
        dilation: int | Pair = 1,
        groups: int = 1,
    ) -> Self:
        """Return a layer with He et al.'s (2015) initialization, std sqrt(2 / fan in), zero bias, float32."""
        kh, kw = as_pair(kernel, "Conv2d's kernel", 1)
        fan_in = in_channels // groups * kh * kw
        weight = rng.standard_normal((out_channels, in_channels // groups, kh, kw)) * np.sqrt(2 / fan_in)
        bias = np.zeros(out_channels, np.float32)
        return cls(weight.astype(np.float32), bias, stride, padding, dilation, groups)

    @property
    def window(self) -> Window | None:
        """Return what a pixel reads; None if the border is copied (its pixels are read twice) or unequal."""
        return Window(self._reach, self.stride, self._border[::2]) if self._by_kernel else None

    def sees(self, axes: Pair = PIXELS) -> Sight | None:
        """Return its window with any border, unless copies come from beyond what the filter covers of the image."""
        if axes != PIXELS:
            return None
        top, bottom, left, right = self._border
        is_inside = all(2 * added < self._reach[a] for a, added in enumerate((max(top, bottom), max(left, right))))
        if self.padding_mode == "zeros" or (self.padding_mode != "circular" and is_inside):
            return Sight(Window(self._reach, self.stride, (top, left)))
        return None

    @property
    def _reach(self) -> Pair:
        """Return how many rows and columns a filter reaches over."""
        kh, kw = self.weight.shape[2:]
        return self.dilation[0] * (kh - 1) + 1, self.dilation[1] * (kw - 1) + 1

    def crop(self, saved: Saved, x: Boxes, y: Boxes) -> Saved:  # noqa: ARG002 (nothing of y's size was saved)
        return self.Saved(x.take(saved.x), x.size)

    def input_of(self, saved: Saved) -> Array:
        """Return the input, without the border that was added."""
        if self._by_kernel:
            return saved.x
        top, _, left, _ = self._border
        return saved.x[:, :, top : top + saved.size[0], left : left + saved.size[1]]

    @property
    def geometry(self) -> tuple[Pair, Pair, Pair, int]:
        """Return how the filters move: stride, padding (none if it stands in `saved.x`), dilation, groups."""
        return self.stride, self._border[::2] if self._by_kernel else (0, 0), self.dilation, self.groups

    def prepared(self, x: Array) -> Saved:
        """Return what is saved of the input: with its border, if the kernels cannot add it. Raises ShapeError."""
        expect_axes(self, x, "N, C, H, W")
        channels, *size = x.shape[1:]
        needed = self.weight.shape[1] * self.groups
        if channels != needed:
            raise ShapeError(
                f"Conv2d's weight {self.weight.shape} with groups={self.groups} needs {needed} input channels, "
                f"but x has shape {x.shape}."
            )
        top, bottom, left, right = self._border
        for a, added in ((0, top + bottom), (1, left + right)):
            reach = self.dilation[a] * (self.weight.shape[2 + a] - 1) + 1
            if size[a] + added < reach:
                raise ShapeError(
                    f"Conv2d's filter reaches over {reach} pixels, but x {x.shape} with padding {self.padding} "
                    f"is smaller; give a larger image."
                )
        if self._by_kernel:
            return self.Saved(x, (size[0], size[1]))
        equal = len(self.padding) == 2 and self.padding_mode == "reflect"
        bordered_x = reflect_pad(x, (top, left)) if equal else bordered(x, self._border, self._mode)
        return self.Saved(bordered_x, (size[0], size[1]))

    @property
    def _border(self) -> Border:
        """Return the rows above and below, the columns left and right."""
        if len(self.padding) == 2:
            vertical, horizontal = self.padding
            return vertical, vertical, horizontal, horizontal
        top, bottom, left, right = self.padding
        return top, bottom, left, right

    @property
    def _by_kernel(self) -> bool:
        """Return whether the kernels add the border themselves: the same number of zeros on opposite sides."""
        return self.padding_mode == "zeros" and len(self.padding) == 2

    @property
    def _mode(self) -> str:
        """Return the padding mode by its name in `padding.py`."""
        return "constant" if self.padding_mode == "zeros" else self.padding_mode

    def _same(self) -> tuple[int, ...]:
        """Return the padding that keeps the size of a map."""
        if self.stride != (1, 1):
            raise SettingError(
                f'Conv2d\'s padding "same" keeps the size of x, which a stride of {self.stride} does not; give numbers.'
            )
        added = [self.dilation[a] * (self.weight.shape[2 + a] - 1) for a in (0, 1)]
        vertical, horizontal = (total // 2 for total in added)
        if added[0] % 2 == 0 and added[1] % 2 == 0:
            return vertical, horizontal
        return vertical, added[0] - vertical, horizontal, added[1] - horizontal
