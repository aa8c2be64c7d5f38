"""Where data is rearranged, not computed: Flatten, Concat, Add."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Generator, Pair
from minitorch_viz.errors import ShapeError
from minitorch_viz.layers.base import Example, Layer
from minitorch_viz.layers.fields import WholeField
from minitorch_viz.layers.kind import Kind
from minitorch_viz.layers.window import PIXEL, PIXELS, Sight, Window


@dataclass(frozen=True, eq=False, repr=False)
class Flatten(Layer):
    """Write each image's values in one row, in reading order: the last axis runs fastest.

    x (N, C, H, W) -> y (N, C*H*W); in general the axes from start_dim (at least 1) on become one.
    """

    start_dim: WholeField = WholeField(1, least=1)

    kind: ClassVar[Kind] = Kind.SELECTS
    passes_on: ClassVar[bool] = True

    class Saved(NamedTuple):
        shape: tuple[int, ...]  # the input's shape

    def forward(self, x: Array) -> tuple[Array, Saved]:
        if x.ndim <= self.start_dim:
            raise ShapeError(
                f"Flatten joins the axes from {self.start_dim} on, but x with shape {tuple(x.shape)} has none there."
            )
        features = math.prod(x.shape[self.start_dim :])  # not -1, which an empty batch leaves open
        return x.reshape(*x.shape[: self.start_dim], features), self.Saved(x.shape)

    def backward(self, dy: Array, saved: Saved) -> Array:
        return dy.reshape(dy.shape[0], *saved.shape[1:])

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        shapes = [(1, 1), (2, 3), (1, 2, 1, 1), (2, 3, 4, 5), (3, 2, 3), (2, 1, 3, 2)]
        starts = [1, 1, 1, 1, 1, 2]
        return [(cls(start), (rng.standard_normal(shape),)) for start, shape in zip(starts, shapes, strict=True)]


@dataclass(frozen=True, eq=False, repr=False)
class Concat(Layer):
    """Put arrays side by side along one axis (default: channels); its backward pass cuts the gradient apart again.

    xs (N, Ci, H, W) -> y (N, C1 + C2 + ..., H, W). Any number of inputs; all other axes must agree.
    """

    axis: WholeField = WholeField(1, least=1)

    kind: ClassVar[Kind] = Kind.SELECTS

    class Saved(NamedTuple):
        ends: tuple[int, ...]  # along the axis: where each input ends in y

    def forward(self, *xs: Array) -> tuple[Array, Saved]:
        shapes = [tuple(x.shape) for x in xs]
        other_axes = {shape[: self.axis] + shape[self.axis + 1 :] for shape in shapes}
        if not xs or len(other_axes) != 1 or min(map(len, shapes)) <= self.axis:
            raise ShapeError(
                f"Concat joins along axis {self.axis} arrays that agree in all other axes, but got the shapes {shapes}."
            )
        ends = np.cumsum([shape[self.axis] for shape in shapes])
        return kernels.concat(xs, self.axis), self.Saved(tuple(int(end) for end in ends))

    def backward(self, dy: Array, saved: Saved) -> tuple[Array, ...]:
        return tuple(np.split(dy, saved.ends[:-1], axis=self.axis))

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        def case(axis: int, *shapes: tuple[int, ...]) -> Example:
            return cls(axis), tuple(rng.standard_normal(shape) for shape in shapes)

        return [
            case(1, (2, 3, 4, 4), (2, 1, 4, 4)),
            case(1, (1, 1), (1, 1)),
            case(1, (2, 3), (2, 4), (2, 1)),
            case(1, (1, 2, 3, 2)),  # one input: nothing to join
            case(2, (2, 2, 3), (2, 2, 1)),
            case(3, (1, 2, 2, 1), (1, 2, 2, 3), (1, 2, 2, 2)),
        ]

    @property
    def window(self) -> Window | None:
        return PIXEL if self.axis == 1 else None


@dataclass(frozen=True, eq=False, repr=False)
class Add(Layer):
    """Add arrays of one shape: the residual connection. Each input gets the whole gradient, undivided.

    xs (N, ...) -> y (N, ...). Any number of inputs. He et al. 2016, "Deep residual learning".
    """

    kind: ClassVar[Kind] = Kind.SUMS
    pixelwise: ClassVar[bool] = True

    class Saved(NamedTuple):
        inputs: int  # how many there were

    def forward(self, *xs: Array) -> tuple[Array, Saved]:
        shapes = [tuple(x.shape) for x in xs]
        if len(set(shapes)) != 1:
            raise ShapeError(f"Add needs at least one input, all of one shape, but got the shapes {shapes}.")
        y = xs[0]
        for x in xs[1:]:
            y = kernels.add(y, x)
        return y, self.Saved(len(xs))

    def backward(self, dy: Array, saved: Saved) -> tuple[Array, ...]:
        return (dy,) * saved.inputs

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        shapes = [(1, 1), (2, 3), (1, 2, 1, 1), (2, 3, 4, 5), (3, 2, 3), (2, 1, 3, 2)]
        counts = [2, 2, 3, 2, 1, 4]
        return [
            (cls(), tuple(rng.standard_normal(shape) for _ in range(count)))
            for count, shape in zip(counts, shapes, strict=True)
        ]

    def sees(self, axes: Pair = PIXELS) -> Sight:
        """Return that a number is the sum of those at its place, along any axes."""
        return Sight(PIXEL, axes)
