"""ReLU6: a ReLU that stops at 6."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.layers.base import Example, Layer, expect_floats
from minitorch_viz.layers.kind import Kind

CEILING = 6


@dataclass(frozen=True, eq=False, repr=False)
class ReLU6(Layer):
    """Keep what lies between 0 and 6: y = min(max(x, 0), 6).

    x of any shape -> y of the same shape, 0 <= y <= 6. The derivative is 1 between 0 and 6, and 0 elsewhere, the two
    corners included. The ceiling keeps numbers small enough for low-precision arithmetic on phones.
    Howard et al. 2017 (MobileNet).
    """

    kind: ClassVar[Kind] = Kind.GATES
    limits: ClassVar[tuple[float, ...]] = (6,)
    pixelwise: ClassVar[bool] = True

    class Saved(NamedTuple):
        y: Array  # shape of x: the output itself, which is 0 or 6 where the gate is shut

        @property
        def on(self) -> Array:
            """Return where 0 < x < 6, as booleans."""
            on: Array = (self.y > 0) & (self.y < CEILING)
            return on

    def forward(self, x: Array) -> tuple[Array, Saved]:
        expect_floats(self, x)
        y = np.clip(x, 0, CEILING)
        return y, self.Saved(y)

    def backward(self, dy: Array, saved: Saved) -> Array:
        return np.where(saved.on, dy, 0)

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        cases: list[Example] = []
        for shape in [(1,), (2, 3), (1, 1, 1, 1), (2, 3, 4, 5), (3, 1, 7, 2), (2, 5, 4)]:
            x = 3 + 4 * rng.standard_normal(shape)
            x.flat[0] = rng.uniform(1, 5)  # at least one value between the corners
            cases.append((cls(), (x,)))
        return cases
