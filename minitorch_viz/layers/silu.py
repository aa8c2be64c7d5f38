"""SiLU: a number times its own soft switch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Generator
from minitorch_viz.layers.base import Example, Layer, expect_floats
from minitorch_viz.layers.kind import Kind


@dataclass(frozen=True, eq=False, repr=False)
class SiLU(Layer):
    """Weigh each number by its own sigmoid: y = x * sigmoid(x).

    x of any shape -> y of the same shape, y >= -0.28. Smooth, and 0 at 0; it falls a little below 0 before it rises.
    Its derivative is s + x * s * (1 - s) with s = sigmoid(x): between -0.1 and 1.1, so a gradient may turn around here.
    Elfwing, Uchibe and Doya 2017; Ramachandran, Zoph and Le 2017 ("swish"). EfficientNet is built on it.
    """

    kind: ClassVar[Kind] = Kind.GATES
    pixelwise: ClassVar[bool] = True

    class Saved(NamedTuple):
        x: Array  # the input

    def forward(self, x: Array) -> tuple[Array, Saved]:
        expect_floats(self, x)
        return kernels.silu(x), self.Saved(x)  # x * sigmoid(x)

    def backward(self, dy: Array, saved: Saved) -> Array:
        return kernels.silu_dx(dy, saved.x)  # dy * (s + x * s * (1 - s))

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        shapes = [(1,), (2, 3), (1, 1, 1, 1), (2, 3, 4, 5), (3, 1, 7, 2), (2, 5, 4)]
        return [(cls(), (3 * rng.standard_normal(shape),)) for shape in shapes]
