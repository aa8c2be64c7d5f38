"""From a plan to results: the steps of the loop, the levels of the decoders, or the Gram matrix."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz._types import Array, Pair
from minitorch_viz.optimize.style.colours import luminance_of
from minitorch_viz.optimize.units import coloured
from minitorch_viz.techniques.optimization._style_fast import LEVELS, levels
from minitorch_viz.techniques.optimization._style_gram import gram_of
from minitorch_viz.techniques.optimization._style_plan import Asked, Plan
from minitorch_viz.techniques.optimization._style_run import Progress, begun, gone_on, walked
from minitorch_viz.techniques.optimization._style_task import Task
from minitorch_viz.techniques.state import State

if TYPE_CHECKING:
    from minitorch_viz.techniques.optimization.style import Style


def results(plan: Plan, asked: Asked, state: State | None) -> Iterator[Style]:
    """Yield whole results."""
    if asked.fast is not None:
        yield from _decoded(plan, asked, state)
    elif asked.show == "gram":
        yield _gram(plan, asked)
    else:
        yield from _optimized(plan, asked, state)


def _optimized(plan: Plan, asked: Asked, state: State | None) -> Iterator[Style]:
    """Yield the pictures as they are made."""
    parts_of: dict[int, dict[str, float]] = {}

    def result(progress: Progress) -> Style:
        pictures = progress.all_pictures
        for index in range(len(progress.pictures)):  # what is finished does not change
            if index not in parts_of:
                parts_of[index] = plan.jobs[index].loss(plan.jobs[index].sizes[-1]).parts(pictures[index])
        return _result(
            plan, asked, pictures, progress.losses, progress.evaluations, progress.done, progress.total,
            parts=tuple(parts_of[index] for index in range(len(progress.pictures))), words=progress.words,
            state=progress.state,
        )  # fmt: skip

    first = begun(plan.jobs) if state is None else gone_on(plan.jobs, state)
    if first.done:
        yield result(first)
    for progress in walked(first):
        yield result(progress)


def _decoded(plan: Plan, asked: Asked, state: State | None) -> Iterator[Style]:
    """Yield the picture after each level of the decoders."""
    task = plan.task
    size = task.size(task.side)
    done = 0 if state is None else int(state.numbers["done"])
    x = task.photo(size) if state is None else state.arrays["x"]
    losses = np.full((1, len(LEVELS)), np.nan) if state is None else state.arrays["losses"].copy()
    loss = task.loss(size, plan.layers.style, {plan.layers.content: float(asked.content_weight)})

    def result(number: int, picture: Array) -> Style:
        parts = loss.parts(picture)
        kept = State({"x": picture, "losses": losses.copy()}, {"done": number})
        last = (parts,) if number == len(LEVELS) else ()
        counts = np.where(np.isfinite(losses), np.arange(1, len(LEVELS) + 1), np.nan)
        return _result(plan, asked, (picture,), losses.copy(), counts, number, len(LEVELS), parts=last, state=kept)

    if done:
        yield result(done, x)
    for number, picture in levels(task, str(asked.fast), float(asked.strength), size, x, done):
        losses[0, number - 1] = sum(loss.parts(picture).values())
        yield result(number, picture)


def _gram(plan: Plan, asked: Asked) -> Style:
    """Return the Gram matrices, without a picture of our own."""
    task = plan.task
    node = list(plan.layers.style)[-1]
    blank = np.full((1, 1), np.nan)
    gram = gram_of(task, node)
    return _result(plan, asked, (task.photo(task.size(task.side)),), blank, blank, 1, 1, gram=gram)


def _result(
    plan: Plan, asked: Asked, pictures: tuple[Array, ...], losses: Array, evaluations: Array, done: int, total: int,
    *, parts: tuple[dict[str, float], ...] = (), words: tuple[str, ...] = (), gram: Any = None,
    state: State | None = None,
) -> Style:  # fmt: skip
    from minitorch_viz.techniques.optimization.style import Style

    task = plan.task
    finished = task.size(task.side)
    sizes = tuple(plan.jobs[0].sizes) if plan.jobs else (finished,)
    steps = tuple(plan.jobs[0].steps) if plan.jobs else (total,)
    titles = tuple(job.title for job in plan.jobs) or ("painted",)
    photo = pixels_of(task, task.photo(finished))
    painted = tuple(pixels_of(task, x) for x in pictures)
    if asked.colours == "luminance":
        small = {picture.shape[:2] for picture in painted}
        photos: dict[Pair, Array] = {size: pixels_of(task, task.photo(size)) for size in small}
        painted = tuple(luminance_of(picture, photos[picture.shape[:2]]) for picture in painted)
    return Style(
        painted, titles, photo, task.inputs.styles, losses, evaluations, sizes, steps, parts, (*plan.words, *words),
        plan.about, asked.show, done, total, gram, task.inputs.masks, asked.fast is not None, state=state,
    )  # fmt: skip


def pixels_of(task: Task, x: Array) -> Array:
    """Return a picture as (h, w, 3) uint8: clipped to 0..255."""
    return coloured(task.inputs.units.shown(x)[0])
