"""RMSProp: divide each gradient by how large it usually is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.layers.fields import NumberField
from minitorch_viz.training.optimizers.base import Arrays, Optimizer, checked_rate, need_below_one, zeros


@dataclass(frozen=True)
class RMSProp(Optimizer):
    """Step by about `rate` whatever the gradient's scale (Tieleman and Hinton 2012, Coursera, lecture 6e).

    decay: 0..1, how slowly the running mean of the squares forgets. epsilon: keeps the division safe. momentum: 0..1,
    over the divided gradients. weight_decay: adds weight_decay * parameter to the gradient (L2).
    """

    rate: NumberField = NumberField(1e-2, least=0)
    decay: NumberField = NumberField(0.99, least=0, most=1)
    epsilon: NumberField = NumberField(1e-8, least=0)
    momentum: NumberField = NumberField(0.0, least=0, most=1)
    weight_decay: NumberField = NumberField(0.0, least=0)

    class State(NamedTuple):
        steps: int  # taken so far
        square: dict[str, Array]  # running mean of each gradient's square
        velocity: dict[str, Array]  # the decaying sum of the divided gradients

    def __post_init__(self) -> None:
        need_below_one(self, "decay")

    def start(self, params: Arrays) -> State:
        return self.State(0, zeros(params), zeros(params))

    def step(
        self, params: Arrays, grads: Arrays, state: State, rate: float | None = None
    ) -> tuple[dict[str, Array], State]:
        rate = checked_rate(self, params, grads, state, rate)
        new, squares, velocity = dict(params), dict(state.square), dict(state.velocity)
        for name, grad in grads.items():
            value = params[name]
            if self.weight_decay:
                grad = grad + self.weight_decay * value
            squares[name] = self.decay * squares[name] + (1 - self.decay) * grad**2
            move = grad / (np.sqrt(squares[name]) + self.epsilon)
            if self.momentum:
                velocity[name] = move = self.momentum * velocity[name] + move
            new[name] = value - rate * move
        return new, self.State(state.steps + 1, squares, velocity)

    @classmethod
    def examples(cls) -> list[Self]:
        return [
            cls(0.01),
            cls(2e-3, decay=0.95, epsilon=1e-6),
            cls(0.01, momentum=0.9),
            cls(0.01, decay=0.9, momentum=0.5, weight_decay=0.1),
        ]

    def in_pytorch(self) -> tuple[str, dict[str, Any]]:
        return "RMSprop", {
            "lr": self.rate,
            "alpha": self.decay,
            "eps": self.epsilon,
            "momentum": self.momentum,
            "weight_decay": self.weight_decay,
        }
