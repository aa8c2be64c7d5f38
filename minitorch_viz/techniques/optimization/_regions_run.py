"""The work in its order: the border along the attack, a coarse map, the border elsewhere, ever finer maps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.techniques.optimization._regions_axes import Directions
from minitorch_viz.techniques.optimization._regions_border import borders
from minitorch_viz.techniques.optimization._regions_grid import Level, levels_of
from minitorch_viz.techniques.optimization._regions_space import Space
from minitorch_viz.techniques.state import State

FIRST = 2  # rounds of the map that come before the border is looked for in all other directions
DEFAULT_REACH = 3.0  # times the distance of the border along the attack
WIDEST = 128.0  # grey levels that a map reaches by itself
NICE = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)


class Step(NamedTuple):
    """Hold one piece of work: directions whose border is looked for, or points of the map."""

    is_map: bool
    numbers: Array


@dataclass(frozen=True, eq=False)
class Survey:
    """Hold what is known so far; NaN, and -1, is what is not. Nothing in it is written to again."""

    classes: Array  # (n, n) int
    confidences: Array  # (n, n)
    margins: Array  # (n, n)
    outside: Array  # (n, n)
    distances: Array  # (R,)
    behind: Array  # (R,) int
    changes: Array  # (R,)
    searched: Array  # (R,) bool
    step: int = 0  # pieces of work that are done
    points: int = 0  # of the map

    @property
    def done(self) -> int:
        """Return how many points of the map and directions are done."""
        return self.points + int(self.searched.sum())

    @property
    def state(self) -> State:
        """Return what another run goes on from."""
        names = ("classes", "confidences", "margins", "outside", "distances", "behind", "changes", "searched")
        return State({name: getattr(self, name) for name in names}, {"step": self.step, "points": self.points})


def survey_at(state: State | None, side: int, count: int) -> Survey:
    """Return what a state knows, or nothing yet of a map of side x side points and `count` directions."""
    if state is not None:
        return Survey(**state.arrays, step=int(state.numbers["step"]), points=int(state.numbers["points"]))
    square, none = (side, side), np.full(count, np.nan)
    return Survey(
        np.full(square, -1), np.full(square, np.nan), np.full(square, np.nan), np.full(square, np.nan),
        none, np.full(count, -1), none, np.zeros(count, bool),
    )  # fmt: skip


def work_of(levels: list[Level], count: int, batch: int) -> list[Step]:
    """Return all pieces of work in their order; batch: how many pictures the net looks at together."""
    directions = [Step(False, part) for part in _parts(np.arange(1, count), batch)]
    coarse, fine = (
        [Step(True, part) for level in rounds for part in _parts(level.points, batch)]
        for rounds in (levels[:FIRST], levels[FIRST:])
    )
    return [Step(False, np.array([0])), *coarse, *directions, *fine]


def _parts(numbers: Array, size: int) -> list[Array]:
    return [numbers[begin : begin + size] for begin in range(0, len(numbers), size)]


def reach_of(space: Space, survey: Survey) -> float:
    """Return how far the map goes where nothing is said: to thrice the distance of the border along the attack."""
    distance = float(survey.distances[0])
    if np.isnan(distance):
        return WIDEST if space.pictures else space.far / 4
    wanted = DEFAULT_REACH * distance
    return min(nice(wanted), WIDEST) if space.pictures else nice(wanted)


def nice(value: float) -> float:
    """Return the smallest number that is easy to read and at least the value: 1, 1.5, 2, 3 ... times a power of ten."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(next(factor * power for factor in NICE if factor * power >= value * (1 - 1e-9)))


def working(
    space: Space, directions: Directions, side: int, reach: float | None, precision: float, state: State | None
) -> Iterator[Survey]:
    """Yield what is known after each piece of work, first what a state knows already."""
    levels, count = levels_of(side), len(directions.every)
    survey = survey_at(state, side, count)
    if survey.step:
        yield survey
    for step in work_of(levels, count, space.aim.batch)[survey.step :]:
        if step.is_map:
            survey = _with_points(space, directions, survey, step.numbers, reach or reach_of(space, survey))
        else:
            survey = _with_borders(space, directions, survey, step.numbers, precision)
        yield survey


def _with_borders(space: Space, directions: Directions, survey: Survey, rows: Array, precision: float) -> Survey:
    border = borders(space, directions.every[rows], directions.far[rows], precision)
    return replace(
        survey,
        distances=_filled(survey.distances, rows, border.distances),
        behind=_filled(survey.behind, rows, border.answers),
        changes=_filled(survey.changes, rows, border.changes),
        searched=_filled(survey.searched, rows, True),
        step=survey.step + 1,
    )


def _with_points(space: Space, directions: Directions, survey: Survey, points: Array, reach: float) -> Survey:
    side = len(survey.classes)
    rows, columns = np.divmod(points, side)
    half = side // 2
    x, y = (columns - half) / half * reach, (half - rows) / half * reach  # row 0 is at the top
    moves = x[:, None] * directions.along + y[:, None] * directions.across
    answers, at = space.answers(space.points(moves)), (rows, columns)
    return replace(
        survey,
        classes=_filled(survey.classes, at, answers.classes),
        confidences=_filled(survey.confidences, at, answers.confidences),
        margins=_filled(survey.margins, at, answers.margins),
        outside=_filled(survey.outside, at, space.outside(moves)),
        step=survey.step + 1,
        points=survey.points + len(points),
    )


def _filled(values: Array, places: Any, new: Any) -> Array:
    """Return a copy with new values at some places."""
    copy = values.copy()
    copy[places] = new
    return copy
