"""The ascent: parameters are moved until the objective of the picture that they stand for is high.

`ascend` is the one loop behind everything here that climbs; what differs between methods is the parametrization and
the stages. Read `_step` first: it is a whole step.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from minitorch_viz._types import Array, Generator, Pair
from minitorch_viz.errors import SettingError
from minitorch_viz.objectives import Objective
from minitorch_viz.optimize.parametrizations import Parametrization
from minitorch_viz.optimize.score import own_size, score_and_gradient, takes
from minitorch_viz.optimize.stage import Moment, Stage
from minitorch_viz.optimize.transforms import Resize
from minitorch_viz.rules.redirected import redirected_relus
from minitorch_viz.training.state import generator_from, generator_state

if TYPE_CHECKING:
    from minitorch_viz.models import Model

HALVINGS = 20  # of the step, before an ascent gives up

Packed: TypeAlias = tuple[Mapping[str, Array], Mapping[str, Any]]  # arrays, and numbers that JSON can hold


@dataclass(frozen=True, eq=False)
class Ascent:
    """Hold where an ascent stands, and all that its next step depends on. Nothing in it is written to again."""

    parametrization: Parametrization  # of the present stage
    parameters: Mapping[str, Array]
    optimizer: Any  # the optimizer's state
    stage: int
    step: int  # taken in this stage
    done: int  # taken in all
    total: int
    scores: Array  # (total, N): the objective of what the net was shown in each step; NaN for steps to come
    transparency: Array  # (N, H, W): the sum over all steps of |gradient|, over the channels (Fel et al. 2023)
    shrink: float  # 1, halved by each step that was not finite
    words: tuple[str, ...]  # what happened that is worth a sentence
    generator: Mapping[str, Any]  # the state of the random generator

    @functools.cached_property
    def x(self) -> Array:
        """Return the pictures (N, C, H, W), pixel - mean, in steps of 0..255."""
        return self.parametrization.image(self.parameters)

    @property
    def pixels(self) -> Array:
        """Return the pictures as (N, H, W, C) uint8."""
        units = self.parametrization.units
        return np.round(units.pixels(units.clip(self.x))).astype(np.uint8).transpose(0, 2, 3, 1)

    def packed(self) -> Packed:
        """Return what another run goes on from, to the same bits: arrays by name, and what JSON can hold."""
        arrays = {f"parameters/{name}": value for name, value in self.parameters.items()}
        numbers: dict[str, Any] = {}
        for field, value in self.optimizer._asdict().items():
            if isinstance(value, Mapping):
                arrays |= {f"optimizer/{field}/{name}": array for name, array in value.items()}
            else:
                numbers[field] = value
        arrays |= {"scores": self.scores, "transparency": self.transparency}
        return arrays, {
            "optimizer": numbers, "stage": self.stage, "step": self.step, "done": self.done, "shrink": self.shrink,
            "words": list(self.words), "generator": dict(self.generator),
        }  # fmt: skip


class Climb(NamedTuple):
    """Hold what stays the same during an ascent."""

    model: Model
    objective: Objective
    stages: Sequence[Stage]
    parametrization: Parametrization  # of the final size


def ascend(
    model: Model,
    objective: Objective,
    stages: Sequence[Stage],
    parametrization: Parametrization,
    *,
    number: int = 1,
    start: Array | None = None,
    seed: int = 0,
    state: Packed | None = None,
) -> Iterator[Ascent]:
    """Yield where the ascent stands, before the first step and after each.

    parametrization: of the picture's final size. number: of pictures, which move together; `objective` gives a number
    for each. start: pictures (N, C, H, W), pixel - mean, to start from; None: the parametrization's own start.
    state: an `Ascent`'s `packed()`, to go on from to the same bits.

    Raises SettingError where the objective, or its gradient, is not finite at the start, or is exactly 0 there.
    """
    if not stages:
        raise SettingError("An ascent needs at least one stage.")
    climb = Climb(model, objective, stages, parametrization)
    ascent = _start(climb, number, start, seed) if state is None else _unpacked(climb, *state)
    yield ascent
    while ascent.done < ascent.total:
        if ascent.step == stages[ascent.stage].steps:
            ascent = _next_stage(climb, ascent)
        ascent = _step(climb, ascent)
        yield ascent
        if ascent.shrink < 2.0**-HALVINGS:
            return


def _step(climb: Climb, ascent: Ascent) -> Ascent:
    """Take one step uphill."""
    stage, moved = climb.stages[ascent.stage], ascent.parametrization
    moment = Moment(ascent.step, stage.steps, moved.size, moved.units)
    rng = generator_from(dict(ascent.generator))
    parameters = dict(ascent.parameters)
    x = ascent.x
    for prepare in stage.before:
        x = prepare(x, np.zeros_like(x), moment)
    if stage.before:
        parameters = moved.inverse(x)
    scores, dx = _looked_at(climb, stage, x, moment, rng)
    slope = dx  # before penalties and normalization: what the net says
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
    if not (np.isfinite(scores).all() and all(np.isfinite(value).all() for value in parameters.values())):
        return _halved(ascent)
    all_scores = ascent.scores.copy()
    all_scores[ascent.done] = scores
    return replace(
        ascent,
        parameters=parameters,
        optimizer=optimizer,
        step=ascent.step + 1,
        done=ascent.done + 1,
        scores=all_scores,
        transparency=ascent.transparency + _stretched(np.abs(slope).sum(axis=1), climb.parametrization.size),
        words=ascent.words + _silence(ascent, slope),
        generator=generator_state(rng),
    )


def _looked_at(climb: Climb, stage: Stage, x: Array, moment: Moment, rng: Generator) -> tuple[Array, Array]:
    """Return the mean objective (N,) over the views of x, and its gradient by x."""
    scores, gradient = np.zeros(len(x), x.dtype), np.zeros_like(x)
    for _ in range(stage.views):
        view, maps = x, []
        if stage.transform is not None:
            maps.append(stage.transform(moment).draw(rng, moment.size))
            view = maps[-1].forward(view)
        size = (view.shape[-2], view.shape[-1])
        if not _takes(climb.model, climb.objective, size):
            maps.append(Resize(own_size(climb.model)).draw(rng, size))
            view = maps[-1].forward(view)
        values, dx = _uphill(climb, view, moment.step < stage.redirected)
        for step in reversed(maps):
            dx = step.adjoint(dx)
        scores, gradient = scores + values / stage.views, gradient + dx / stage.views
    return scores, gradient


def _uphill(climb: Climb, view: Array, redirect: bool) -> tuple[Array, Array]:
    """Return the objective (N,) and its gradient; where nothing fires, what would switch a unit on in its place."""
    if redirect:
        return score_and_gradient(climb.model, climb.objective, view, redirected_relus())
    values, dx = score_and_gradient(climb.model, climb.objective, view)
    silent = np.array([not part.any() for part in dx])
    if silent.any():
        _, redirected = score_and_gradient(climb.model, climb.objective, view, redirected_relus())
        dx = np.where(silent[:, None, None, None], redirected, dx)
    return values, dx


def _silence(ascent: Ascent, slope: Array) -> tuple[str, ...]:
    """Return a sentence where there is no way up for a picture at all, once."""
    silent = [str(index + 1) for index, part in enumerate(slope) if not part.any()]
    words = "the gradient was exactly 0, even with ReLUs that pass what would switch them on: there is no way up there."
    if not silent or any(words in old for old in ascent.words):
        return ()
    of_it = "" if len(slope) == 1 else f" of picture {', '.join(silent)}"
    return (f"In step {ascent.done + 1}{of_it} {words}",)


def _halved(ascent: Ascent) -> Ascent:
    """Return the ascent as it was, its step halved."""
    shrink = ascent.shrink / 2
    words = f"Step {ascent.done + 1} was not finite; it was taken again at half the rate."
    if shrink < 2.0**-HALVINGS:
        words = (
            f"The ascent stopped at step {ascent.done + 1}: its steps are not finite, not even at {shrink:.1g} times "
            "the rate; start elsewhere."
        )
    return replace(ascent, shrink=shrink, words=(*ascent.words, words))


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
    ascent = Ascent(
        moved, parameters, stage.optimizer.start(parameters), 0, 0, 0, total, np.full((total, number), np.nan),
        np.zeros((number, *climb.parametrization.size), dtype), 1.0, (), generator_state(rng),
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
        ascent, parametrization=moved, parameters=parameters, optimizer=optimizer, stage=ascent.stage + 1, step=0
    )


def _unpacked(climb: Climb, arrays: Mapping[str, Array], numbers: Mapping[str, Any]) -> Ascent:
    """Return the ascent that was packed, to the bit. Raises KeyError or ValueError where a part is missing."""
    stage = climb.stages[int(numbers["stage"])]
    moved = replace(climb.parametrization, size=stage.size(climb.parametrization.size))
    names = [key.removeprefix("parameters/") for key in arrays if key.startswith("parameters/")]
    parameters = {name: arrays[f"parameters/{name}"] for name in sorted(names)}
    fields = {
        field: {name: arrays[f"optimizer/{field}/{name}"] for name in value}
        if isinstance(value, Mapping)
        else numbers["optimizer"][field]
        for field, value in stage.optimizer.start(parameters)._asdict().items()
    }
    optimizer = type(stage.optimizer.start(parameters))(**fields)
    total = sum(stage.steps for stage in climb.stages)
    return Ascent(
        moved, parameters, optimizer, int(numbers["stage"]), int(numbers["step"]), int(numbers["done"]), total,
        arrays["scores"], arrays["transparency"], float(numbers["shrink"]), tuple(numbers["words"]),
        numbers["generator"],
    )  # fmt: skip


@functools.lru_cache(maxsize=64)
def _takes(model: Model, objective: Objective, size: Pair) -> bool:
    return takes(model, objective, size)


def resized(x: Array, size: Pair) -> Array:
    """Return pictures (N, C, H, W) at another size: smoothly enlarged; blurred first where they shrink."""
    from skimage.transform import resize

    if x.shape[-2:] == size:
        return x
    settings = {"order": 1, "mode": "edge", "preserve_range": True}
    smaller = size[0] < x.shape[-2] or size[1] < x.shape[-1]
    resized = [resize(channel, size, anti_aliasing=smaller, **settings) for image in x for channel in image]
    return np.asarray(resized, x.dtype).reshape(*x.shape[:2], *size)


def _stretched(maps: Array, size: Pair) -> Array:
    """Return maps (N, h, w) at a size."""
    return resized(maps[:, None], size)[:, 0]
