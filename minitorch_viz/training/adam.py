"""Adam: a step size for every parameter, from running means of its gradient and of its square."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array

Arrays = Mapping[str, Array]


@dataclass(frozen=True)
class Adam:
    """Kingma and Ba 2015. The optimizer remembers nothing: `step` takes its state and returns the next one.

    rate: the step size; beta1, beta2: how slowly the two running means forget (0..1); epsilon: keeps the division safe.
    """

    rate: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    class State(NamedTuple):
        steps: int  # taken so far
        mean: dict[str, Array]  # running mean of each gradient
        square: dict[str, Array]  # running mean of each gradient's square

    def start(self, params: Arrays) -> State:
        """The state before the first step: no steps, all means zero."""
        zeros = {name: np.zeros_like(value) for name, value in params.items()}
        return self.State(0, zeros, zeros)

    def step(
        self, params: Arrays, grads: Arrays, state: State, rate: float | None = None
    ) -> tuple[dict[str, Array], State]:
        """One step against the gradients: (new parameters, new state). `rate` overrides the setting for this step."""
        rate = self.rate if rate is None else rate
        steps = state.steps + 1
        new, means, squares = {}, {}, {}
        for name, value in params.items():
            grad = grads[name]
            means[name] = self.beta1 * state.mean[name] + (1 - self.beta1) * grad
            squares[name] = self.beta2 * state.square[name] + (1 - self.beta2) * grad**2
            mean = means[name] / (1 - self.beta1**steps)  # the means start at zero: undo that bias
            square = squares[name] / (1 - self.beta2**steps)
            new[name] = value - rate * mean / (np.sqrt(square) + self.epsilon)
        return new, self.State(steps, means, squares)
