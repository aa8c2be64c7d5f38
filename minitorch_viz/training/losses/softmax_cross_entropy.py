"""Softmax cross-entropy: the loss for exactly one right class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.layers.fields import NumberField, WholeField
from minitorch_viz.layers.softmax import softmax_cross_entropy
from minitorch_viz.training.losses.base import Example, Loss, expect_output


@dataclass(frozen=True)
class SoftmaxCrossEntropy(Loss):
    """Measure -log(probability of the right class), averaged over the answers; in nats.

    y (N, C) scores before the softmax; target (N,) class numbers, or (N, C) probabilities. axis: where the classes are,
    for further answers: (N, C, H, W) with (N, H, W), or (N, T, C) with (N, T) and axis=2.

    smoothing: 0..1, the share of each target that is spread evenly over all classes (Szegedy et al. 2016), so that the
    scores need not grow without end. The loss can then not reach 0.
    """

    smoothing: NumberField = NumberField(0.0, least=0, most=1)
    axis: WholeField = WholeField(1, least=1)

    score_name: ClassVar[str] = "accuracy"

    def __call__(self, y: Array, target: Array) -> tuple[float, Array]:
        expect_output(self, y)
        loss, dy = softmax_cross_entropy(y, target, self.axis)
        if not self.smoothing:
            return loss, dy
        # The loss is linear in the target: a part of it is that of the labels, the rest that of all classes alike.
        uniform = np.full(y.shape, 1 / y.shape[self.axis], y.dtype)
        uniform_loss, uniform_dy = softmax_cross_entropy(y, uniform, self.axis)
        s = self.smoothing
        return (1 - s) * loss + s * uniform_loss, (1 - s) * dy + s * uniform_dy

    def score(self, y: Array, target: Array) -> float:
        """Return the share of answers whose largest score is the right class's."""
        right = target if target.ndim < y.ndim else target.argmax(axis=self.axis)
        return float((y.argmax(axis=self.axis) == right).mean())

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        def scores(*shape: int) -> Array:
            return 2 * rng.standard_normal(shape)

        shares = rng.random((3, 4))
        return [
            (cls(), scores(5, 3), rng.integers(0, 3, 5)),
            (cls(smoothing=0.1), scores(5, 3), rng.integers(0, 3, 5)),
            (cls(smoothing=1.0), scores(2, 4), rng.integers(0, 4, 2)),
            (cls(smoothing=0.2), scores(2, 3, 2, 2), rng.integers(0, 3, (2, 2, 2))),
            (cls(), scores(3, 4), shares / shares.sum(axis=1, keepdims=True)),
            (cls(), 100 * scores(3, 4), rng.integers(0, 4, 3)),
        ]

    def in_pytorch(self) -> tuple[str, dict[str, Any]]:
        return "CrossEntropyLoss", {"label_smoothing": self.smoothing}
