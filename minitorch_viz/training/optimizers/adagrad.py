"""Adagrad: a rate for every parameter, that falls with all the gradients it has had."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.layers.fields import NumberField
from minitorch_viz.training.optimizers.base import Arrays, Optimizer, checked_rate, zeros


@dataclass(frozen=True)
class Adagrad(Optimizer):
    """Divide each gradient by the root of the sum of its squares so far (Duchi, Hazan and Singer 2011).

    Nothing is forgotten, so the steps only get smaller: steps * rate ends where RMSProp's would go on.

    rate_decay: the rate of step t is rate / (1 + (t - 1) * rate_decay). sum_at_start: what the sums of squares begin
    with. epsilon: keeps the division safe. weight_decay: adds weight_decay * parameter to the gradient (L2).
    """

    rate: NumberField = NumberField(1e-2, least=0)
    rate_decay: NumberField = NumberField(0.0, least=0)
    sum_at_start: NumberField = NumberField(0.0, least=0)
    epsilon: NumberField = NumberField(1e-10, least=0)
    weight_decay: NumberField = NumberField(0.0, least=0)

    class State(NamedTuple):
        steps: int  # taken so far
        squares: dict[str, Array]  # the sum of each gradient's squares

    def start(self, params: Arrays) -> State:
        return self.State(0, {name: value + self.sum_at_start for name, value in zeros(params).items()})

    def step(
        self, params: Arrays, grads: Arrays, state: State, rate: float | None = None
    ) -> tuple[dict[str, Array], State]:
        rate = checked_rate(self, params, grads, state, rate) / (1 + state.steps * self.rate_decay)
        new, squares = dict(params), dict(state.squares)
        for name, grad in grads.items():
            value = params[name]
            if self.weight_decay:
                grad = grad + self.weight_decay * value
            squares[name] = squares[name] + grad**2
            new[name] = value - rate * grad / (np.sqrt(squares[name]) + self.epsilon)
        return new, self.State(state.steps + 1, squares)

    @classmethod
    def examples(cls) -> list[Self]:
        return [cls(0.1), cls(0.1, rate_decay=0.2, sum_at_start=0.5), cls(0.05, epsilon=1e-6, weight_decay=0.1)]

    def in_pytorch(self) -> tuple[str, dict[str, Any]]:
        return "Adagrad", {
            "lr": self.rate,
            "lr_decay": self.rate_decay,
            "initial_accumulator_value": self.sum_at_start,
            "eps": self.epsilon,
            "weight_decay": self.weight_decay,
        }
