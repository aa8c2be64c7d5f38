"""Binary cross-entropy: the loss for several labels at once, each yes or no."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.errors import SettingError
from minitorch_viz.training.losses.base import Example, Loss, expect_output, same_shape


@dataclass(frozen=True)
class BinaryCrossEntropy(Loss):
    """Measure -log(probability of the right answer), averaged over all labels of all images; in nats.

    y (N, L) scores before the sigmoid; target (N, L): 0 or 1 (also bool), or a probability in between. Computed from
    the scores, so that no logarithm of a tiny probability is taken: max(y, 0) - y * target + log(1 + exp(-|y|)), whose
    gradient is sigmoid(y) - target.
    """

    score_name: ClassVar[str] = "share of labels right"

    def __call__(self, y: Array, target: Array) -> tuple[float, Array]:
        expect_output(self, y)
        t = same_shape(self, y, target, "biuf")
        if not (t.min() >= 0 and t.max() <= 1):  # also false for NaN
            raise SettingError(
                f"BinaryCrossEntropy needs targets from 0 to 1, but they lie in {t.min():g}..{t.max():g}."
            )
        e = np.exp(-np.abs(y))  # 0..1: no overflow
        loss = np.maximum(y, 0) - y * t + np.log1p(e)
        sigmoid = np.where(y >= 0, 1, e) / (1 + e)
        dy: Array = ((sigmoid - t) / y.size).astype(y.dtype)
        return float(loss.mean(dtype=np.float64)), dy

    def score(self, y: Array, target: Array) -> float:
        """Return the share of labels on the right side of one half."""
        return float(((y > 0) == (target > 0.5)).mean())

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        return [
            (cls(), rng.standard_normal((4, 3)), rng.integers(0, 2, (4, 3))),
            (cls(), rng.standard_normal((2, 5)), rng.random((2, 5))),
            (cls(), 300 * rng.standard_normal((3, 2)), rng.integers(0, 2, (3, 2)) == 1),
            (cls(), rng.standard_normal((2, 1, 3, 3)), rng.integers(0, 2, (2, 1, 3, 3))),
        ]

    def in_pytorch(self) -> tuple[str, dict[str, Any]]:
        return "BCEWithLogitsLoss", {}
