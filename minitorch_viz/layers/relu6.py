"""ReLU6: a ReLU that stops at 6."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.layers.base import Example, Layer, expect_floats
from minitorch_viz.layers.kind import Kind


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
        on: Array  # bool, shape of x: where 0 < x < 6

    def forward(self, x: Array) -> tuple[Array, Saved]:
        expect_floats(self, x)
        return np.clip(x, 0, 6), self.Saved((x > 0) & (x < 6))

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
