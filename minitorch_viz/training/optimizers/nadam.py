"""NAdam: Adam that looks ahead, with the momentum of the next step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.layers.fields import NumberField
from minitorch_viz.training.optimizers.base import Arrays, Optimizer, checked_rate, need_below_one, zeros


@dataclass(frozen=True)
class NAdam(Optimizer):
    """Step as Adam does, with Nesterov's momentum (Dozat 2016).

    The mean that a step follows is the one that the *next* step would use, as if the gradient stayed the same. The
    momentum itself warms up: that of step t is beta1 * (1 - 0.96^(t * momentum_decay) / 2), from half of beta1 to all
    of it.

    rate: the step size; beta1, beta2: how slowly the two running means forget (0..1); epsilon: keeps the division safe;
    momentum_decay: how fast the momentum warms up; weight_decay: adds weight_decay * parameter to the gradient (L2).
    """

    rate: NumberField = NumberField(2e-3, least=0)
    beta1: NumberField = NumberField(0.9, least=0, most=1)
    beta2: NumberField = NumberField(0.999, least=0, most=1)
    epsilon: NumberField = NumberField(1e-8, least=0)
    momentum_decay: NumberField = NumberField(4e-3, least=0)
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
        for_grad, for_mean = self._shares(steps)
        new, means, squares = dict(params), dict(state.mean), dict(state.square)
        for name, grad in grads.items():
            value = params[name]
            if self.weight_decay:
                grad = grad + self.weight_decay * value
            means[name] = self.beta1 * means[name] + (1 - self.beta1) * grad
            squares[name] = self.beta2 * squares[name] + (1 - self.beta2) * grad**2
            square = squares[name] / (1 - self.beta2**steps)  # it starts at zero: undo that bias
            ahead = for_grad * grad + for_mean * means[name]
            new[name] = value - rate * ahead / (np.sqrt(square) + self.epsilon)
        return new, self.State(steps, means, squares)

    def _shares(self, steps: int) -> tuple[float, float]:
        """Return what the gradient and the running mean count in this step; both are freed of their bias."""
        momenta = self.beta1 * (1 - 0.5 * 0.96 ** (np.arange(1, steps + 2) * self.momentum_decay))  # steps 1 to t + 1
        product, product_next = float(np.prod(momenta[:-1])), float(np.prod(momenta))
        return (1 - float(momenta[-2])) / (1 - product), float(momenta[-1]) / (1 - product_next)

    @classmethod
    def examples(cls) -> list[Self]:
        return [
            cls(0.02),
            cls(0.02, 0.8, 0.99, 1e-6, momentum_decay=0.3),
            cls(0.05, weight_decay=0.1),
            cls(0.01, beta1=0.0),
        ]

    def in_pytorch(self) -> tuple[str, dict[str, Any]]:
        return "NAdam", {
            "lr": self.rate,
            "betas": (self.beta1, self.beta2),
            "eps": self.epsilon,
            "momentum_decay": self.momentum_decay,
            "weight_decay": self.weight_decay,
        }
