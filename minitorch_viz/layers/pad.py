"""Pad: more places around an array, with zeros or copies of what stands inside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple, get_args

from minitorch_viz._types import Array, Generator, Pair
from minitorch_viz.errors import SettingError, ShapeError, near
from minitorch_viz.layers.base import Example, Layer, expect_floats
from minitorch_viz.layers.fields import NumberField, WholesField
from minitorch_viz.layers.kind import Kind
from minitorch_viz.layers.padding import padded, padded_backward

Mode = Literal["constant", "reflect", "replicate", "circular"]


@dataclass(frozen=True, eq=False, repr=False)
class Pad(Layer):
    """Add places before and after the last axes.

    x (N, ..., H, W) -> y (N, ..., top + H + bottom, left + W + right) with padding (left, right, top, bottom): as
    PyTorch counts it, two numbers an axis, the last axis first. A number below 0 takes places away.

        mode           beyond 1 2 3
        constant       0 0 [1 2 3] 0 0     (or another `value`, which stands there as a bias does)
        reflect        3 2 [1 2 3] 2 1     mirrored, without repeating the edge
        replicate      1 1 [1 2 3] 3 3     the edge
        circular       2 3 [1 2 3] 1 2     the other end

    The way back adds the gradient of each copy to that of the place it was copied from.
    Raises SettingError for other settings, ShapeError if x has too few axes, or fewer places than are copied.
    """

    padding: WholesField = WholesField(least=-(2**20))
    mode: Mode = "constant"
    value: NumberField = NumberField(0.0)

    kind: ClassVar[Kind] = Kind.SELECTS

    class Saved(NamedTuple):
        shape: tuple[int, ...]  # the input's shape

    def __post_init__(self) -> None:
        if len(self.padding) % 2:
            raise SettingError(
                f"Pad's padding needs two numbers an axis, the last axis first: (left, right, top, bottom), "
                f"but got {self.padding}."
            )
        if self.mode not in get_args(Mode):
            raise SettingError(f"Pad has no mode {self.mode!r}; {near(self.mode, get_args(Mode), 'mode')}.")
        if self.mode != "constant" and min(self.padding) < 0:
            raise SettingError(f"Pad takes places away only in constant mode, but got {self.padding} in {self.mode}.")

    def forward(self, x: Array) -> tuple[Array, Saved]:
        expect_floats(self, x)
        if x.ndim <= len(self.padding) // 2:
            raise ShapeError(f"Pad's padding {self.padding} is for more axes than x has: {tuple(x.shape)}.")
        y = x
        for axis, ends in self._axes(x.ndim):
            y = padded(y, axis, ends, self.mode, self.value)
        return y, self.Saved(tuple(x.shape))

    def backward(self, dy: Array, saved: Saved) -> Array:
        for axis, ends in reversed(self._axes(dy.ndim)):
            dy = padded_backward(dy, axis, ends, saved.shape[axis], self.mode)
        return dy

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        def case(shape: tuple[int, ...], padding: Sequence[int], mode: Mode = "constant") -> Example:
            return cls(tuple(padding), mode), (rng.standard_normal(shape),)

        return [
            case((2, 3, 3, 4), (1, 2, 0, 1)),
            case((1, 2, 4, 3), (1, 2, 3, 1), "reflect"),
            case((2, 1, 3, 2), (2, 0, 1, 4), "replicate"),
            case((1, 2, 3, 4), (1, 4, 2, 3), "circular"),
            case((2, 3, 4), (0, 0, 1, 0)),  # a place before the first step
            case((1, 1, 4, 5), (-1, 2, 0, -2)),  # cut and padded
            case((1, 1), (1, 1), "replicate"),
        ]

    def _axes(self, ndim: int) -> list[tuple[int, Pair]]:
        """Return each axis that is padded, and how much before and after."""
        pairs = zip(self.padding[::2], self.padding[1::2], strict=True)
        return [(ndim - 1 - k, ends) for k, ends in enumerate(pairs) if ends != (0, 0)]
