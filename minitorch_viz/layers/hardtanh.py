"""Hardtanh: the identity between two walls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.errors import SettingError
from minitorch_viz.layers.base import Example, Layer, expect_floats
from minitorch_viz.layers.fields import NumberField
from minitorch_viz.layers.kind import Kind


@dataclass(frozen=True, eq=False, repr=False)
class Hardtanh(Layer):
    """Keep every number between two: y = min(max(x, min_val), max_val), which PyTorch also calls clamp.

    x of any shape -> y of the same shape. Beyond the walls no gradient passes at all. ReLU6 is Hardtanh(0, 6).
    Raises SettingError unless min_val is below max_val. Collobert 2004.
    """

    min_val: NumberField = NumberField(-1.0)
    max_val: NumberField = NumberField(1.0)

    kind: ClassVar[Kind] = Kind.GATES
    limits: ClassVar[tuple[float, ...]] = (-1, 1)  # the walls; an instance has its own
    pixelwise: ClassVar[bool] = True

    class Saved(NamedTuple):
        between: Array  # bool, shape of x: where min_val < x < max_val

    def __post_init__(self) -> None:
        if not self.min_val < self.max_val:
            raise SettingError(f"Hardtanh's min_val must be below its max_val, but got {self.min_val}, {self.max_val}.")
        self.__dict__["limits"] = (self.min_val, self.max_val)

    def forward(self, x: Array) -> tuple[Array, Saved]:
        expect_floats(self, x)
        return np.clip(x, self.min_val, self.max_val), self.Saved((x > self.min_val) & (x < self.max_val))

    def backward(self, dy: Array, saved: Saved) -> Array:
        return np.where(saved.between, dy, 0)

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        shapes = [(1,), (2, 3), (1, 1, 1, 1), (2, 3, 4, 5), (3, 1, 7, 2), (2, 5, 4)]
        walls = [(-1.0, 1.0), (-0.5, 2.0), (0.0, 1.0), (-1.0, 1.0), (-2.0, -0.1), (0.2, 3.0)]
        return [(cls(*between), (rng.standard_normal(shape),)) for between, shape in zip(walls, shapes, strict=True)]
