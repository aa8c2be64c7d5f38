"""ReLU: the gate whose backward pass makes the difference between the lecture's pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Generator
from minitorch_viz.layers.base import Example, Layer, expect_floats
from minitorch_viz.layers.kind import Kind


@dataclass(frozen=True, eq=False, repr=False)
class ReLU(Layer):
    """Keep what is positive: y = max(x, 0).

    x of any shape -> y of the same shape, y >= 0. The derivative at 0 is taken as 0.
    `minitorch_viz.rules.relu_mode` swaps this backward for the deconvnet's or the guided one.
    """

    kind: ClassVar[Kind] = Kind.GATES
    pixelwise: ClassVar[bool] = True

    class Saved(NamedTuple):
        y: Array  # shape of x: the output itself, which is positive exactly where x is

        @property
        def on(self) -> Array:
            """Return where the gate was open, x > 0: bool, shape of x."""
            gate: Array = self.y > 0
            return gate

    def forward(self, x: Array) -> tuple[Array, Saved]:
        expect_floats(self, x)
        y = kernels.relu(x)  # np.maximum(x, 0)
        return y, self.Saved(y)

    def backward(self, dy: Array, saved: Saved) -> Array:
        return kernels.relu_dx(dy, saved.y)  # dy where y > 0, 0 elsewhere

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        shapes = [(1,), (2, 3), (1, 1, 1, 1), (2, 3, 4, 5), (3, 1, 7, 2), (2, 5, 4)]
        return [(cls(), (rng.standard_normal(shape),)) for shape in shapes]
