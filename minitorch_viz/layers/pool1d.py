"""The pooling layers of sequences: those of maps, one row high."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from minitorch_viz._types import Array, Generator
from minitorch_viz.layers.adaptive_pool import AdaptiveAvgPool2d, AdaptiveMaxPool2d
from minitorch_viz.layers.avg_pool import AvgPool2d
from minitorch_viz.layers.base import Example, Layer, expect_axes
from minitorch_viz.layers.fields import WholeField
from minitorch_viz.layers.kind import Kind
from minitorch_viz.layers.max_pool import MaxPool2d


class StrideField(WholeField):
    """Take a whole number of at least 1; None stands for the kernel's."""

    def __init__(self) -> None:
        super().__init__(None, least=1)  # type: ignore[arg-type]  # None is the default, and never what is read

    def __set__(self, layer: object, value: int | None) -> None:
        super().__set__(layer, layer.__dict__["kernel"] if value is None else value)


@dataclass(frozen=True, eq=False, repr=False)
class MaxPool1d(Layer):
    """Keep the largest value of each window along a sequence.

    x (N, C, L) -> y (N, C, L'); kernel, stride (None: the kernel), padding, ceil_mode and dilation as in MaxPool2d.
    """

    kernel: WholeField = WholeField(least=1)
    stride: StrideField = StrideField()
    padding: WholeField = WholeField(0, least=0)
    ceil_mode: bool = False
    dilation: WholeField = WholeField(1, least=1)

    kind: ClassVar[Kind] = Kind.SELECTS

    Saved = MaxPool2d.Saved

    def __post_init__(self) -> None:
        self._pool  # noqa: B018 (it checks the padding)

    def forward(self, x: Array) -> tuple[Array, MaxPool2d.Saved]:
        expect_axes(self, x, "N, C, L")
        y, saved = self._pool.forward(x[:, :, None])
        return y[:, :, 0], saved

    def backward(self, dy: Array, saved: MaxPool2d.Saved) -> Array:
        dx: Array = self._pool.backward(dy[:, :, None], saved)[:, :, 0]
        return dx

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        dilated = cls(2, 1, dilation=3), (rng.standard_normal((2, 1, 7)),)
        return [
            *(
                (cls(kernel, stride, padding, ceil_mode), (rng.standard_normal(shape),))
                for shape, kernel, stride, padding, ceil_mode in _EXAMPLES
            ),
            dilated,
        ]

    @property
    def _pool(self) -> MaxPool2d:
        return MaxPool2d((1, self.kernel), (1, self.stride), (0, self.padding), self.ceil_mode, (1, self.dilation))


@dataclass(frozen=True, eq=False, repr=False)
class AvgPool1d(Layer):
    """Take the mean of each window along a sequence.

    x (N, C, L) -> y (N, C, L'); kernel, stride (None: the kernel), padding, ceil_mode and count_include_pad as in
    AvgPool2d.
    """

    kernel: WholeField = WholeField(least=1)
    stride: StrideField = StrideField()
    padding: WholeField = WholeField(0, least=0)
    ceil_mode: bool = False
    count_include_pad: bool = True

    kind: ClassVar[Kind] = Kind.SUMS

    Saved = AvgPool2d.Saved

    def __post_init__(self) -> None:
        self._pool  # noqa: B018 (it checks the padding)

    def forward(self, x: Array) -> tuple[Array, AvgPool2d.Saved]:
        expect_axes(self, x, "N, C, L")
        y, saved = self._pool.forward(x[:, :, None])
        return y[:, :, 0], saved

    def backward(self, dy: Array, saved: AvgPool2d.Saved) -> Array:
        dx: Array = self._pool.backward(dy[:, :, None], saved)[:, :, 0]
        return dx

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        return [
            (cls(kernel, stride, padding, ceil_mode), (rng.standard_normal(shape),))
            for shape, kernel, stride, padding, ceil_mode in _EXAMPLES
        ]

    @property
    def _pool(self) -> AvgPool2d:
        settings = self.ceil_mode, self.count_include_pad
        return AvgPool2d((1, self.kernel), (1, self.stride), (0, self.padding), *settings)


@dataclass(frozen=True, eq=False, repr=False)
class AdaptiveAvgPool1d(Layer):
    """Take the mean of output_size windows that cover the sequence: x (N, C, L) -> y (N, C, output_size)."""

    output_size: WholeField = WholeField(least=1)

    kind: ClassVar[Kind] = Kind.SUMS

    Saved = AdaptiveAvgPool2d.Saved

    def forward(self, x: Array) -> tuple[Array, AdaptiveAvgPool2d.Saved]:
        expect_axes(self, x, "N, C, L")
        y, saved = AdaptiveAvgPool2d((1, self.output_size)).forward(x[:, :, None])
        return y[:, :, 0], saved

    def backward(self, dy: Array, saved: AdaptiveAvgPool2d.Saved) -> Array:
        dx: Array = AdaptiveAvgPool2d((1, self.output_size)).backward(dy[:, :, None], saved)[:, :, 0]
        return dx

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        return [(cls(size), (rng.standard_normal(shape),)) for size, shape in _ADAPTIVE]


@dataclass(frozen=True, eq=False, repr=False)
class AdaptiveMaxPool1d(Layer):
    """Keep the largest of each of output_size windows that cover the sequence: x (N, C, L) -> y (N, C, output_size)."""

    output_size: WholeField = WholeField(least=1)

    kind: ClassVar[Kind] = Kind.SELECTS

    Saved = AdaptiveMaxPool2d.Saved

    def forward(self, x: Array) -> tuple[Array, AdaptiveMaxPool2d.Saved]:
        expect_axes(self, x, "N, C, L")
        y, saved = AdaptiveMaxPool2d((1, self.output_size)).forward(x[:, :, None])
        return y[:, :, 0], saved

    def backward(self, dy: Array, saved: AdaptiveMaxPool2d.Saved) -> Array:
        dx: Array = AdaptiveMaxPool2d((1, self.output_size)).backward(dy[:, :, None], saved)[:, :, 0]
        return dx

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        return [(cls(size), (rng.standard_normal(shape),)) for size, shape in _ADAPTIVE]


_EXAMPLES: list[tuple[tuple[int, ...], int, int | None, int, bool]] = [
    ((2, 3, 6), 2, None, 0, False),
    ((1, 2, 7), 3, 2, 0, False),  # windows overlap
    ((2, 1, 5), 3, 1, 1, False),
    ((1, 2, 8), 3, 2, 0, True),  # the last window reaches beyond the sequence
    ((1, 1, 1), 1, None, 0, False),
    ((2, 2, 5), 2, 3, 1, False),  # the stride skips places
]
_ADAPTIVE: list[tuple[int, tuple[int, ...]]] = [
    (2, (2, 3, 6)),
    (1, (1, 2, 5)),
    (3, (2, 1, 7)),
    (3, (1, 2, 2)),
    (1, (1, 1, 1)),
    (4, (3, 2, 4)),
]
