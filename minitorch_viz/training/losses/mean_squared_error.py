"""Mean squared error: the loss for numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.training.losses.base import Example, Loss, expect_output, same_shape


@dataclass(frozen=True)
class MeanSquaredError(Loss):
    """Measure (y - target)^2, averaged over all entries; its gradient is 2 (y - target) / size. Both of one shape."""

    def __call__(self, y: Array, target: Array) -> tuple[float, Array]:
        expect_output(self, y)
        difference = y - same_shape(self, y, target, "iuf")
        dy: Array = difference * (2 / y.size)
        return float(np.square(difference, dtype=np.float64).mean()), dy

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        return [(cls(), rng.standard_normal(s), rng.standard_normal(s)) for s in ((4, 1), (3, 2), (2, 1, 3, 3))]

    def in_pytorch(self) -> tuple[str, dict[str, Any]]:
        return "MSELoss", {}
