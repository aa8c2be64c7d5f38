"""Inversion by L-BFGS, on coefficients of which all frequencies are about equally large."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.optimize.score import score_and_gradient
from minitorch_viz.techniques.optimization._inversion_problem import Packed, Problem
from minitorch_viz.techniques.optimization._inversion_weights import penalty
from minitorch_viz.training.optimizers.lbfgs import LBFGS, unpacked
from minitorch_viz.training.optimizers.lbfgs import State as Lowered

PAIRS = 6  # of steps that L-BFGS remembers
STEP = 10.0  # of the first move of each value, in steps of 0..255

WAITS, FALL = 5, 1e-3  # it ends where the value fell by less than this share in so many steps

SAYS = {
    "not finite": "a step was not finite; it was halved until it was.",
    "search": "a line search failed; it went on from the lowest point, or with a small step along the gradient.",
    "still": "no step lowers the value any more, though the slope is not 0: it stands still, which is not converged.",
    "flat": f"it ended early, since the value fell by less than {FALL:.1%} in {WAITS} steps.",
}


@dataclass(frozen=True, eq=False)
class Newtonian:
    """Go down by L-BFGS: the photo's code has no noise in it, and neither has the gradient."""

    problem: Problem
    state: Lowered
    recent: tuple[float, ...]  # the last values, the newest at the end
    words: tuple[str, ...]

    @classmethod
    def begun(cls, problem: Problem) -> Newtonian:
        """Return it before the first step. Raises SettingError where value or gradient is not finite."""
        start = _optimizer(problem).start(rough(problem.start.astype(np.float64)), _function(problem))
        return cls(problem, start, (start.value,), _told(start, ()))

    @classmethod
    def unpacked(cls, problem: Problem, packed: Packed) -> Newtonian:
        """Return it where it stood."""
        arrays, numbers = packed
        own = {name: value for name, value in numbers.items() if name not in ("told", "recent")}
        return cls(problem, unpacked(arrays, own), tuple(numbers["recent"]), tuple(numbers["told"]))

    @property
    def x(self) -> Array:
        return smooth(self.state.x)

    @property
    def done(self) -> int:
        return self.state.steps

    @property
    def ended(self) -> bool:
        return self.state.status != "moving" or self.state.steps >= self.problem.steps or self._flat

    @property
    def _flat(self) -> bool:
        """Return whether the value hardly falls any more."""
        return len(self.recent) > WAITS and self.recent[0] - self.recent[-1] < FALL * self.recent[0]

    def step(self) -> Newtonian:
        state = _optimizer(self.problem).step(self.state, _function(self.problem))
        recent = (*self.recent, state.value)[-WAITS - 1 :]
        descent = Newtonian(self.problem, state, recent, _told(state, self.words))
        return replace(descent, words=(*descent.words, SAYS["flat"])) if descent._flat else descent

    def packed(self) -> Packed:
        arrays, numbers = self.state.packed()
        return arrays, numbers | {"told": list(self.words), "recent": list(self.recent)}


def _optimizer(problem: Problem) -> LBFGS:
    """Return L-BFGS whose first step moves each value by about STEP."""
    return LBFGS(pairs=PAIRS, first_step=STEP * problem.start.size**0.5)


def _function(problem: Problem) -> Any:
    """Return the function that falls, of coefficients (1, C, H, W) float64: (value, gradient)."""
    model = problem.model

    def function(z: Array) -> tuple[float, Array]:
        x = smooth(z)
        with np.errstate(over="ignore", invalid="ignore"):  # a step that is not finite is halved
            scores, gradient = score_and_gradient(model, problem.code, x.astype(model.dtype))
        value, slope = penalty(x, problem.trusted)
        return value - float(scores[0]), smooth(slope - gradient.astype(np.float64))

    return function


def _told(state: Lowered, words: tuple[str, ...]) -> tuple[str, ...]:
    """Return what happened so far that is worth a sentence, each kind once."""
    marks = (("not finite", "not finite"), ("line search", "search"), ("stands still", "still"))
    new = [SAYS[kind] for mark, kind in marks if mark in state.words and SAYS[kind] not in words]
    return (*words, *new)


def smooth(z: Array) -> Array:
    """Return pictures (N, C, H, W) from white coefficients: each frequency by 1 / f, the mean size as it was.

    Of natural pictures the coefficients are about equally large, and of the total variation all directions about
    equally steep, so that large areas come back as soon as edges do. Symmetric: its own adjoint.
    """
    return _filtered(z, _gains(z))


def rough(x: Array) -> Array:
    """Return the white coefficients of pictures: the inverse of `smooth`."""
    return _filtered(x, 1 / _gains(x))


def _gains(x: Array) -> Array:
    """Return what `smooth` multiplies each frequency of the right half plane by."""
    high, wide = x.shape[-2:]
    frequency = np.hypot(np.fft.fftfreq(high)[:, None], np.fft.fftfreq(wide))
    gains = 1 / np.maximum(frequency, 1 / max(high, wide))
    halves: Array = (gains / np.sqrt((gains**2).mean()))[:, : wide // 2 + 1]
    return halves


def _filtered(x: Array, gains: Array) -> Array:
    filtered: Array = np.fft.irfft2(np.fft.rfft2(x) * gains, s=x.shape[-2:])
    return filtered
