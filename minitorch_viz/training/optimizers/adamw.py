"""AdamW: Adam whose weight decay shrinks the weights themselves, not their gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from minitorch_viz._types import Array
from minitorch_viz.layers.fields import NumberField
from minitorch_viz.training.optimizers.adam import Adam
from minitorch_viz.training.optimizers.base import Arrays, checked_rate


@dataclass(frozen=True)
class AdamW(Adam):
    """Shrink by parameter * (1 - rate * weight_decay), then step as Adam without decay (Loshchilov, Hutter 2019).

    In Adam, decay added to the gradient is divided by the gradient's usual size, so that weights with large gradients
    hardly decay; here all decay alike. Settings as Adam's.
    """

    weight_decay: NumberField = NumberField(1e-2, least=0)

    def step(
        self, params: Arrays, grads: Arrays, state: Adam.State, rate: float | None = None
    ) -> tuple[dict[str, Array], Adam.State]:
        rate = checked_rate(self, params, grads, state, rate)
        keep = 1 - rate * self.weight_decay
        shrunk = {name: value * keep if name in grads else value for name, value in params.items()}
        plain = Adam(self.rate, self.beta1, self.beta2, self.epsilon)
        return plain.step(shrunk, grads, state, rate)

    @classmethod
    def examples(cls) -> list[Self]:
        return [cls(0.02), cls(0.02, 0.8, 0.99, 1e-6, weight_decay=0.5), cls(0.05, weight_decay=0.0)]

    def in_pytorch(self) -> tuple[str, dict[str, Any]]:
        return "AdamW", super().in_pytorch()[1]
