"""The ascent: parameters are moved until the objective of the picture that they stand for is high.

`ascend` is the one loop behind everything here that climbs; what differs between methods is the parametrization and
the stages. Read `_step` first: it is a whole step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from minitorch_viz._types import Array, Generator, Pair
from minitorch_viz.errors import SettingError
from minitorch_viz.objectives import Objective
from minitorch_viz.optimize.parametrizations import Parametrization
from minitorch_viz.optimize.resizing import resized
from minitorch_viz.optimize.score import own_size, score_and_gradient, takes
from minitorch_viz.optimize.stage import Moment, Stage
from minitorch_viz.optimize.standing import Ascent, Packed, unpacked
from minitorch_viz.optimize.transforms import Resize, Transform
from minitorch_viz.rules.redirected import redirected_relus
from minitorch_viz.training.state import generator_from, generator_state

if TYPE_CHECKING:
    from minitorch_viz.models import Model

__all__ = ["Ascent", "Packed", "ascend"]


class Climb(NamedTuple):
    """Hold what stays the same during an ascent."""

    model: Model
    objective: Objective
    stages: Sequence[Stage]
    parametrization: Parametrization  # of the final size
    look: Transform | None  # how the net looks at what the stage's transform leaves
    taken: dict[Pair, bool]  # whether the net takes pictures of a size, as far as has been asked


def ascend(
    model: Model,
    objective: Objective,
    stages: Sequence[Stage],
    parametrization: Parametrization,
    *,
    number: int = 1,
    start: Array | None = None,
    seed: int = 0,
    look: Transform | None = None,
    state: Packed | None = None,
) -> Iterator[Ascent]:
    """Yield where the ascent stands, before the first step and after each.

    parametrization: of the picture's final size. number: of pictures, which move together; `objective` gives a number
    for each. start: pictures (N, C, H, W), pixel - mean, to start from; None: the parametrization's own start.
    look: how the net looks at what the stage's transform leaves, such as `Placed`: drawn in each step, too. None: as it
    is, brought to the net's own size where it does not take it. state: an `Ascent`'s `packed()`, to go on from to the
    same bits.

    A step that leads to numbers that are not finite is halved until they are; `Ascent.words` says so.

    Raises SettingError where the picture to start from, its score or its gradient is not finite.
    """
    if not stages:
        raise SettingError("An ascent needs at least one stage.")
    climb = Climb(model, objective, stages, parametrization, look, {})
    ascent = _start(climb, number, start, seed) if state is None else _unpacked(climb, state)
    yield ascent
    while not ascent.is_over:
        if ascent.step == stages[ascent.stage].steps:
            ascent = _next_stage(climb, ascent)
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is caught
            ascent = _step(climb, ascent)
        yield ascent


def _step(climb: Climb, ascent: Ascent) -> Ascent:
    """Take one step uphill; where that leads to no numbers, return the ascent with its last step halved."""
    stage, moved = climb.stages[ascent.stage], ascent.parametrization
    moment = Moment(ascent.step, stage.steps, moved.size, moved.units, own_size(climb.model))
    rng = generator_from(dict(ascent.generator))
    parameters = dict(ascent.parameters)
    x = ascent.x
    for prepare in stage.before:
        x = prepare(x, np.zeros_like(x), moment)
    if stage.before:
        parameters = moved.inverse(x)
    scores, dx, redirected = _looked_at(climb, stage, x, moment, rng)
    slope = dx  # before penalties and normalization: what the net says
    if not (np.isfinite(scores).all() and np.isfinite(slope).all()):
        return _back(ascent)
    for weight, penalty in stage.penalties:
        dx = dx - np.asarray(weight, dx.dtype) * penalty.gradient(x)
    for change in stage.gradient:
        dx = change(dx, moment)
    uphill = moved.gradient(parameters, dx)
    for turn in stage.uphill:
        uphill = turn(uphill, parameters, moved, rng, moment)
    rate = ascent.shrink * moment.between(*stage.rate)
    downhill = {name: -value for name, value in uphill.items()}
    parameters, optimizer = stage.optimizer.step(parameters, downhill, ascent.optimizer, rate)
    if stage.after:
        x = moved.image(parameters)
        for finish in stage.after:
            x = finish(x, dx, moment)
        parameters = moved.inverse(x)
    for adjust in stage.parameters:
        parameters = adjust(parameters, rng, moment)
    if not all(np.isfinite(value).all() for value in parameters.values()):
        return _halved(ascent, ascent.done + 1)
    all_scores = ascent.scores.copy()
    all_scores[ascent.done] = scores
    silent = np.array([not part.any() for part in slope])
    return replace(
        ascent,
        parameters=parameters,
        before=ascent.parameters,
        optimizer=optimizer,
        step=ascent.step + 1,
        done=ascent.done + 1,
        scores=all_scores,
        transparency=ascent.transparency + _stretched(np.abs(slope).sum(axis=1), climb.parametrization.size),
        redirected=ascent.redirected + (redirected & ~silent),
        silent=ascent.silent + silent,
        generator=generator_state(rng),
    )


def _back(ascent: Ascent) -> Ascent:
    """Return the ascent half its last step back, where the net's answer may be finite again, and at half the rate."""
    if ascent.done == 0:
        raise SettingError(
            "An ascent needs a start whose score and gradient are finite, but here they are not: the net's numbers "
            "overflow, or its weights hold NaN or infinity."
        )
    half = {name: (value + ascent.before[name]) / 2 for name, value in ascent.parameters.items()}
    return replace(_halved(ascent, ascent.done), parameters=half)


def _halved(ascent: Ascent, step: int) -> Ascent:
    """Return the ascent at half the rate, since step number `step` was not finite."""
    return replace(ascent, shrink=ascent.shrink / 2, first_halved=ascent.first_halved or step)


def _looked_at(climb: Climb, stage: Stage, x: Array, moment: Moment, rng: Generator) -> tuple[Array, Array, Array]:
    """Return the mean objective (N,) over the views of x, its gradient by x, and of which pictures it is redirected."""
    scores, gradient, silent = np.zeros(len(x), x.dtype), np.zeros_like(x), np.zeros(len(x), bool)
    for _ in range(stage.views):
        view, maps = x, []
        if stage.transform is not None:
            maps.append(stage.transform(moment).draw(rng, moment.size))
            view = maps[-1].forward(view)
        size = (view.shape[-2], view.shape[-1])
        look = climb.look
        if look is None and not _takes(climb, size):
            look = Resize(own_size(climb.model))
        if look is not None:
            maps.append(look.draw(rng, size))
            view = maps[-1].forward(view)
        values, dx, redirected = _uphill(climb, view, moment.step < stage.redirected)
        for step in reversed(maps):
            dx = step.adjoint(dx)
        scores, gradient = scores + values / stage.views, gradient + dx / stage.views
        silent |= redirected
    return scores, gradient, silent


def _uphill(climb: Climb, view: Array, redirect: bool) -> tuple[Array, Array, Array]:
    """Return the objective (N,), its gradient, and where nothing fires: there it is what would switch a unit on."""
    if redirect:
        values, dx = score_and_gradient(climb.model, climb.objective, view, redirected_relus())
        return values, dx, np.zeros(len(view), bool)
    values, dx = score_and_gradient(climb.model, climb.objective, view)
    silent = np.array([not part.any() for part in dx])
    if silent.any():
        _, other = score_and_gradient(climb.model, climb.objective, view, redirected_relus())
        dx = np.where(silent[:, None, None, None], other, dx)
    return values, dx, silent


def _start(climb: Climb, number: int, start: Array | None, seed: int) -> Ascent:
    """Return where an ascent begins. Raises SettingError where that is no number."""
    rng = np.random.default_rng(seed)
    stage = climb.stages[0]
    moved = replace(climb.parametrization, size=stage.size(climb.parametrization.size))
    dtype = climb.model.dtype
    if start is None:
        parameters = moved.start(rng, number, dtype)
    else:
        number = len(start)
        parameters = moved.inverse(resized(start.astype(dtype), moved.size))
    total = sum(stage.steps for stage in climb.stages)
    none = np.zeros(number, np.int64)
    ascent = Ascent(
        moved, parameters, parameters, stage.optimizer.start(parameters), 0, 0, 0, total,
        np.full((total, number), np.nan), np.zeros((number, *climb.parametrization.size), dtype), 1.0, 0, none,
        none.copy(), generator_state(rng),
    )  # fmt: skip
    if not np.isfinite(ascent.x).all():
        raise SettingError("An ascent needs a finite picture to start from, but this one has NaN or infinity in it.")
    return ascent


def _next_stage(climb: Climb, ascent: Ascent) -> Ascent:
    """Return the ascent at the start of its next stage: the picture at its size, the optimizer anew."""
    stage = climb.stages[ascent.stage + 1]
    moved = replace(climb.parametrization, size=stage.size(climb.parametrization.size))
    parameters = ascent.parameters
    if moved.size != ascent.parametrization.size:
        parameters = moved.inverse(resized(ascent.x, moved.size))
    optimizer = stage.optimizer.start(parameters)
    return replace(
        ascent, parametrization=moved, parameters=parameters, before=parameters, optimizer=optimizer,
        stage=ascent.stage + 1, step=0,
    )  # fmt: skip


def _unpacked(climb: Climb, state: Packed) -> Ascent:
    """Return the ascent that was packed, to the bit."""
    stage = climb.stages[int(state[1]["stage"])]
    moved = replace(climb.parametrization, size=stage.size(climb.parametrization.size))
    return unpacked(climb.stages, moved, *state)


def _takes(climb: Climb, size: Pair) -> bool:
    """Return whether the net takes pictures of this size; it is asked once."""
    if size not in climb.taken:
        climb.taken[size] = takes(climb.model, climb.objective, size)
    return climb.taken[size]


def _stretched(maps: Array, size: Pair) -> Array:
    """Return maps (N, h, w) at a size."""
    return resized(maps[:, None], size)[:, 0]
