"""The ways down: a picture is moved until the net says of it what it says of the photo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.objectives import CodeDistance
from minitorch_viz.optimize.ascent import Ascent, ascend
from minitorch_viz.optimize.parametrizations import Pixels
from minitorch_viz.optimize.score import score_and_gradient
from minitorch_viz.optimize.stage import Moment, Stage
from minitorch_viz.optimize.steps import Clipped
from minitorch_viz.optimize.transforms import Jitter
from minitorch_viz.optimize.units import Units
from minitorch_viz.techniques.optimization._inversion_weights import (
    BOUND,
    DEVIATION,
    NORM,
    PUBLISHED,
    VARIANCE,
    Method,
    penalty,
)
from minitorch_viz.training.optimizers import SGD
from minitorch_viz.training.optimizers.lbfgs import LBFGS, unpacked
from minitorch_viz.training.optimizers.lbfgs import State as Lowered

if TYPE_CHECKING:
    from minitorch_viz.models import Model

PAIRS = 6  # of steps that L-BFGS remembers
STEP = 10.0  # of the first move of each value, in steps of 0..255
SPREAD = 10.0  # of the noise to start from, in steps of 0..255

WAITS, FALL = 5, 1e-3  # it ends where the value fell by less than this share in so many steps

SAYS = {
    "not finite": "a step was not finite; it was halved until it was.",
    "search": "a line search failed; it went on from the lowest point, or with a small step along the gradient.",
    "still": "no step lowers the value any more, though the slope is not 0: it stands still, which is not converged.",
    "flat": f"it ended early, since the value fell by less than {FALL:.1%} in {WAITS} steps.",
}

Packed = tuple[Mapping[str, Array], Mapping[str, Any]]


@dataclass(frozen=True)
class Problem:
    """Hold what is inverted: a node's code, what is asked for beside it, and the start."""

    model: Model
    code: CodeDistance
    trusted: float  # C of `_inversion_weights`
    start: Array  # (1, C, H, W), pixel - mean
    steps: int
    stride: int  # of the node, in pixels
    seed: int


class Descent(Protocol):
    """Hold where one picture stands. Nothing in it is written to again."""

    @property
    def problem(self) -> Problem:
        """Return what is inverted."""

    @property
    def x(self) -> Array:
        """Return the picture (1, C, H, W), pixel - mean."""

    @property
    def done(self) -> int:
        """Return how many steps were taken."""

    @property
    def ended(self) -> bool:
        """Return whether there are no further steps."""

    @property
    def words(self) -> tuple[str, ...]:
        """Return what happened that is worth a sentence."""

    def step(self) -> Descent:
        """Return where it stands a step later."""

    def packed(self) -> Packed:
        """Return what it goes on from, to the same bits."""


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


@dataclass(frozen=True, eq=False)
class Rolling:
    """Go down with momentum, by a published schedule, in the loop that all pictures of this package climb in."""

    problem: Problem
    method: Method
    ascent: Ascent

    @classmethod
    def begun(cls, problem: Problem, method: Method) -> Rolling:
        """Return it before the first step."""
        return cls(problem, method, next(_ascent(problem, method, None)))

    @classmethod
    def unpacked(cls, problem: Problem, method: Method, packed: Packed) -> Rolling:
        """Return it where it stood."""
        return cls(problem, method, next(_ascent(problem, method, packed)))

    @property
    def x(self) -> Array:
        return self.ascent.x

    @property
    def done(self) -> int:
        return self.ascent.done

    @property
    def ended(self) -> bool:
        return self.ascent.done >= self.ascent.total or self.ascent.shrink < 1e-6

    @property
    def words(self) -> tuple[str, ...]:
        return self.ascent.words

    def step(self) -> Rolling:
        climb = _ascent(self.problem, self.method, self.ascent.packed())
        with np.errstate(over="ignore", invalid="ignore"):  # a step that is not finite is taken again
            next(climb)
            return Rolling(self.problem, self.method, next(climb))

    def packed(self) -> Packed:
        return self.ascent.packed()


def begun(problem: Problem, method: Method) -> Descent:
    """Return a descent before its first step."""
    return Newtonian.begun(problem) if method == "lbfgs" else Rolling.begun(problem, method)


def gone_on(problem: Problem, method: Method, packed: Packed) -> Descent:
    """Return a descent where it stood when it was packed."""
    return Newtonian.unpacked(problem, packed) if method == "lbfgs" else Rolling.unpacked(problem, method, packed)


def steps_of(method: Method) -> int:
    """Return how many steps a method takes where no number is given."""
    return 100 if method == "lbfgs" else PUBLISHED[method].steps


def noise(shape: tuple[int, ...], method: Method, seed: int, number: int) -> Array:
    """Return the start of one of several pictures: noise about the mean colour, of L-BFGS in large areas, too."""
    white = np.random.default_rng((seed, number)).standard_normal(shape) * SPREAD
    return smooth(white) if method == "lbfgs" else white


def _optimizer(problem: Problem) -> LBFGS:
    """Return L-BFGS whose first step moves each value by about STEP."""
    return LBFGS(pairs=PAIRS, first_step=STEP * problem.start.size**0.5)


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


def _ascent(problem: Problem, method: Method, state: Packed | None) -> Any:
    """Return the loop of a published schedule, from its beginning or from where it stood."""
    published = PUBLISHED[method]
    units = Units.of(problem.model.reader())
    size = (problem.start.shape[-2], problem.start.shape[-1])
    weight = 1 / (problem.trusted * size[0] * size[1])
    jitter = max(round(problem.stride / 4), 1)

    def drawn(moment: Moment) -> Jitter:
        return Jitter(min(jitter, min(moment.size) - 1))

    values = problem.start.size
    # A rate's unit, in steps of 0..255 squared: as their bound, or the norm of a natural picture, says.
    unit = BOUND**2 * size[0] * size[1] if published.jitters else DEVIATION**2 * values
    stages = [
        Stage(
            steps=max(round(steps * problem.steps / published.steps), 1),
            rate=(rate * unit, rate * unit),
            optimizer=SGD(1.0, momentum=0.9),
            penalties=((weight, NORM), (weight, VARIANCE)),
            transform=drawn if published.jitters else None,
            after=(Clipped(),) if published.jitters else (),
        )
        for steps, rate in published.stages
    ]
    parametrization = Pixels(units, size)
    return ascend(
        problem.model, problem.code, stages, parametrization, start=problem.start, seed=problem.seed, state=state
    )
