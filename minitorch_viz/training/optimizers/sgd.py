"""SGD: straight down the gradient, with momentum if wanted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError
from minitorch_viz.layers.fields import NumberField
from minitorch_viz.training.optimizers.base import Arrays, Optimizer, checked_rate, zeros


@dataclass(frozen=True)
class SGD(Optimizer):
    """Step against the gradient (stochastic gradient descent): parameter - rate * gradient.

    momentum: 0..1, how much of the last step's velocity is kept (Polyak 1964). nesterov: use the gradient where the
    velocity is going to lead (Nesterov 1983, in the form of Sutskever et al. 2013). weight_decay: adds
    weight_decay * parameter to the gradient, for every parameter (L2; biases too, as PyTorch does).
    """

    rate: NumberField = NumberField(1e-2, least=0)
    momentum: NumberField = NumberField(0.0, least=0, most=1)
    nesterov: bool = False
    weight_decay: NumberField = NumberField(0.0, least=0)

    class State(NamedTuple):
        steps: int  # taken so far
        velocity: dict[str, Array]  # the decaying sum of the gradients

    def __post_init__(self) -> None:
        if not isinstance(self.nesterov, bool):
            raise SettingError(f"SGD's nesterov must be True or False, but got {self.nesterov!r}.")
        if self.nesterov and self.momentum == 0:
            raise SettingError(
                "SGD's nesterov looks along the momentum, but the momentum is 0; give momentum=0.9, say."
            )

    def start(self, params: Arrays) -> State:
        return self.State(0, zeros(params))

    def step(
        self, params: Arrays, grads: Arrays, state: State, rate: float | None = None
    ) -> tuple[dict[str, Array], State]:
        rate = checked_rate(self, params, grads, state, rate)
        new, velocity = dict(params), dict(state.velocity)
        for name, grad in grads.items():
            value = params[name]
            if self.weight_decay:
                grad = grad + self.weight_decay * value
            if self.momentum:
                velocity[name] = self.momentum * velocity[name] + grad
                grad = grad + self.momentum * velocity[name] if self.nesterov else velocity[name]
            new[name] = value - rate * grad
        return new, self.State(state.steps + 1, velocity)

    @classmethod
    def examples(cls) -> list[Self]:
        return [
            cls(0.1),
            cls(0.1, weight_decay=0.03),
            cls(0.02, momentum=0.9),
            cls(0.02, momentum=0.9, nesterov=True),
            cls(0.02, momentum=0.8, nesterov=True, weight_decay=0.05),
        ]

    def in_pytorch(self) -> tuple[str, dict[str, Any]]:
        return "SGD", {
            "lr": self.rate,
            "momentum": self.momentum,
            "nesterov": self.nesterov,
            "weight_decay": self.weight_decay,
        }
