"""Convolution over a sequence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple, Self

import numpy as np

from minitorch_viz._types import Array, Generator, Pair
from minitorch_viz.errors import ShapeError
from minitorch_viz.layers.base import Example, Layer, expect_axes, expect_field
from minitorch_viz.layers.conv import Beyond, Conv2d
from minitorch_viz.layers.fields import WholeField
from minitorch_viz.layers.kind import Kind


@dataclass(frozen=True, eq=False, repr=False)
class Conv1d(Layer):
    """Slide filters along a sequence: y[o, i] = b[o] + sum over c, v of w[o, c, v] * x[c, i + v].

    x (N, C, L) -> y (N, O, L') with L' = floor((L + 2 padding - dilation (k - 1) - 1) / stride) + 1: a Conv2d whose
    maps are one row high.

    weight (O, C/groups, k), bias (O,) or None; stride, dilation, groups, padding_mode as in Conv2d.
    padding: a whole number, (before, after), "same" (L' is L) or "valid" (none). (k - 1, 0) looks at the past alone.
    Raises ShapeError if x has another number of channels, or is shorter than a filter's reach.
    """

    weight: Array
    bias: Array | None = None
    stride: WholeField = WholeField(1, least=1)
    padding: int | Pair | Literal["same", "valid"] = 0
    dilation: WholeField = WholeField(1, least=1)
    groups: WholeField = WholeField(1, least=1)
    padding_mode: Beyond = "zeros"

    kind: ClassVar[Kind] = Kind.WEIGHS
    channel_axis: ClassVar[int | None] = 1
    param_names: ClassVar[tuple[str, ...]] = ("weight", "bias")

    class Saved(NamedTuple):
        x: Array  # (N, C, L): the input
        row: Array  # (N, C, 1, L): the same as maps, with the border that the Conv2d added

    def __post_init__(self) -> None:
        expect_field(self, "weight", "O", "C/groups", "k")
        self._conv  # noqa: B018 (it checks the other settings)

    def forward(self, x: Array) -> tuple[Array, Saved]:
        expect_axes(self, x, "N, C, L")
        if x.shape[1] != self.weight.shape[1] * self.groups:
            raise ShapeError(
                f"Conv1d's weight {self.weight.shape} with groups={self.groups} needs "
                f"{self.weight.shape[1] * self.groups} input channels, but x has shape {tuple(x.shape)}."
            )
        conv = self._conv
        *_, left, right = conv.padding if len(conv.padding) == 4 else (conv.padding[1], conv.padding[1])
        reach = self.dilation * (self.weight.shape[2] - 1) + 1
        if x.shape[2] + left + right < reach:
            raise ShapeError(
                f"Conv1d's filter reaches over {reach} steps, but x {tuple(x.shape)} with padding {self.padding!r} is "
                "shorter; give a longer series."
            )
        y, saved = conv.forward(x[:, :, None])
        return y[:, :, 0], self.Saved(x, saved.x)

    def backward(self, dy: Array, saved: Saved) -> Array:
        dx: Array = self._conv.backward(dy[:, :, None], self._row(saved))[:, :, 0]
        return dx

    def param_grads(self, dy: Array, saved: Saved) -> dict[str, Array]:
        grads = self._conv.param_grads(dy[:, :, None], self._row(saved))
        return grads | {"weight": grads["weight"][:, :, 0]}

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        def case(shape: tuple[int, ...], weight: tuple[int, ...], bias: bool = True, **settings: Any) -> Example:
            b = rng.standard_normal(weight[0]) if bias else None
            return cls(rng.standard_normal(weight), b, **settings), (rng.standard_normal(shape),)

        return [
            case((2, 3, 6), (4, 3, 3), padding=1),
            case((1, 2, 7), (3, 2, 2), stride=2, bias=False),  # the stride leaves a remainder
            case((2, 4, 6), (6, 2, 3), groups=2, padding=2),
            case((1, 2, 1), (3, 2, 1)),
            case((2, 2, 8), (2, 2, 3), dilation=3),
            case((2, 2, 5), (3, 2, 4), padding="same"),
            case((1, 2, 5), (2, 2, 3), padding=(2, 0)),  # looks at the past alone
            case((1, 2, 5), (2, 2, 3), padding=2, padding_mode="reflect"),
        ]

    @classmethod
    def random(
        cls,
        rng: Generator,
        in_channels: int,
        out_channels: int,
        kernel: int,
        *,
        stride: int = 1,
        padding: int = 0,
        dilation: int = 1,
        groups: int = 1,
    ) -> Self:
        """Return a layer with He et al.'s (2015) initialization, std sqrt(2 / fan in), zero bias, float32."""
        fan_in = in_channels // groups * kernel
        weight = rng.standard_normal((out_channels, in_channels // groups, kernel)) * np.sqrt(2 / fan_in)
        bias = np.zeros(out_channels, np.float32)
        return cls(weight.astype(np.float32), bias, stride, padding, dilation, groups)

    def _row(self, saved: Saved) -> Conv2d.Saved:
        return Conv2d.Saved(saved.row, (1, saved.x.shape[2]))

    @property
    def _conv(self) -> Conv2d:
        """Return the same filters as a Conv2d, one row high."""
        padding: Any = self.padding
        if isinstance(padding, (tuple, list)):
            padding = (0, 0, *padding)
        elif not isinstance(padding, str):
            padding = (0, padding)
        settings: Any = (1, self.stride), padding, (1, self.dilation), self.groups, self.padding_mode
        return Conv2d(self.weight[:, :, None], self.bias, *settings)
