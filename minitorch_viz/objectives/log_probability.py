"""The logarithm of a class's probability."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.graph import Tape
from minitorch_viz.objectives.base import Objective, Seeds
from minitorch_viz.objectives.unit import Unit


@dataclass(frozen=True)
class LogProbability(Objective):
    """Take log p of a class, from the scores (N, K) before the softmax, or before the sigmoid: (N,).

    Unlike p itself its slope does not vanish where p is near 0, and unlike the score it also rises as other classes
    fall. alone: each label has a probability of its own, a sigmoid's.
    """

    unit: Unit  # the class's score
    alone: bool = False

    @property
    def nodes(self) -> tuple[str, ...]:
        return self.unit.nodes

    @property
    def label(self) -> str:
        return f"log probability of {self.unit.label}"

    def value(self, tape: Tape) -> Array:
        own = self.unit.value(tape)
        if self.alone:
            return -np.logaddexp(0, -own).astype(own.dtype)
        scores = tape[self.unit.node]
        highest = scores.max(axis=1)
        rest = np.exp(scores - highest[:, None]).sum(axis=1)
        values: Array = own - highest - np.log(rest)
        return values

    def seeds(self, tape: Tape) -> Seeds:
        seed = self.unit.seeds(tape)[self.unit.node]
        scores = tape[self.unit.node]
        if self.alone:
            falls = np.exp(-np.logaddexp(0, self.unit.value(tape)))  # 1 - p
            return {self.unit.node: (seed * falls[:, None]).astype(scores.dtype)}
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        return {self.unit.node: seed - powers / powers.sum(axis=1, keepdims=True)}
