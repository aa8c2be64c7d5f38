"""Adam: a step size for every parameter, from running means of its gradient and of its square."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.layers.fields import NumberField
from minitorch_viz.training.optimizers.base import Arrays, Optimizer, checked_rate, need_below_one, zeros


@dataclass(frozen=True)
class Adam(Optimizer):
    """Step by the running mean of the gradient over the root of that of its square (Kingma and Ba 2015).

    rate: the step size; beta1, beta2: how slowly the two running means forget (0..1); epsilon: keeps the division safe;
    weight_decay: adds weight_decay * parameter to the gradient (L2), where the division makes it nearly the same for
    large and small weights: AdamW is mostly the better choice.
    """

    rate: NumberField = NumberField(1e-3, least=0)
    beta1: NumberField = NumberField(0.9, least=0, most=1)
    beta2: NumberField = NumberField(0.999, least=0, most=1)
    epsilon: NumberField = NumberField(1e-8, least=0)
    weight_decay: NumberField = NumberField(0.0, least=0)

    class State(NamedTuple):
        steps: int  # taken so far
        mean: dict[str, Array]  # running mean of each gradient
        square: dict[str, Array]  # running mean of each gradient's square

    def __post_init__(self) -> None:
        need_below_one(self, "beta1", "beta2")

    def start(self, params: Arrays) -> State:
        return self.State(0, zeros(params), zeros(params))

    def step(
        self, params: Arrays, grads: Arrays, state: State, rate: float | None = None
    ) -> tuple[dict[str, Array], State]:
        rate = checked_rate(self, params, grads, state, rate)
        steps = state.steps + 1
        new, means, squares = dict(params), dict(state.mean), dict(state.square)
        for name, grad in grads.items():
            value = params[name]
            if self.weight_decay:
                grad = grad + self.weight_decay * value
            means[name] = self.beta1 * means[name] + (1 - self.beta1) * grad
            squares[name] = self.beta2 * squares[name] + (1 - self.beta2) * grad**2
            mean = means[name] / (1 - self.beta1**steps)  # the means start at zero: undo that bias
            square = squares[name] / (1 - self.beta2**steps)
            new[name] = value - rate * mean / (np.sqrt(square) + self.epsilon)
        return new, self.State(steps, means, squares)

    @classmethod
    def examples(cls) -> list[Self]:
        return [cls(0.02), cls(0.02, 0.8, 0.99, 1e-6), cls(0.05, weight_decay=0.1), cls(0.01, beta1=0.0)]

    def in_pytorch(self) -> tuple[str, dict[str, Any]]:
        return "Adam", {
            "lr": self.rate,
            "betas": (self.beta1, self.beta2),
            "eps": self.epsilon,
            "weight_decay": self.weight_decay,
        }
