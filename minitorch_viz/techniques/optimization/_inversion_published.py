"""Inversion with momentum, by the published schedules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.optimize.ascent import Ascent, ascend
from minitorch_viz.optimize.parametrizations import Pixels
from minitorch_viz.optimize.stage import Moment, Stage
from minitorch_viz.optimize.steps import Clipped
from minitorch_viz.optimize.transforms import Jitter
from minitorch_viz.optimize.units import Units
from minitorch_viz.techniques.optimization._inversion_problem import Packed, Problem
from minitorch_viz.techniques.optimization._inversion_weights import (
    BOUND,
    DEVIATION,
    NORM,
    PUBLISHED,
    VARIANCE,
    Method,
)
from minitorch_viz.training.optimizers import SGD


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
