"""What all results hold that are pictures made by optimization: the pictures, what was climbed, and how far."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.objectives import Combination, Each, Objective, Unit
from minitorch_viz.optimize.ascent import Ascent
from minitorch_viz.optimize.presets import Preset
from minitorch_viz.optimize.resizing import resized
from minitorch_viz.optimize.score import score_of
from minitorch_viz.optimize.units import Units, coloured
from minitorch_viz.techniques.base import Result
from minitorch_viz.techniques.optimization._climb import Climb, part_of, state_of
from minitorch_viz.techniques.optimization._natural import Natural, Row
from minitorch_viz.techniques.run import Pace, how_far
from minitorch_viz.techniques.state import State

if TYPE_CHECKING:
    from minitorch_viz.models import Model

FRAME = 128  # pixels of a frame's shorter side, at least


class Method(NamedTuple):
    """Say how pictures were made: a preset's name and source, in words."""

    name: str
    title: str
    year: int
    family: str
    source: str
    differs: str

    @property
    def unlike(self) -> tuple[str, ...]:
        """Return the note on what is unlike the paper; none where nothing is."""
        if not self.differs:
            return ()
        return (self.differs if self.source.startswith("this project") else f"Unlike the paper: {self.differs}",)

    @classmethod
    def of(cls, preset: Preset) -> Method:
        """Return the words of a preset."""
        return cls(preset.name, preset.title, preset.year, preset.family, preset.source, preset.differs)


@dataclass(frozen=True, eq=False)
class MadePictures(Result):
    """Hold N pictures made by optimization; kept whole after each step."""

    no_numbers: ClassVar[tuple[str, ...]] = ("natural",)  # pixels of the user's own pictures

    pixels: Array  # (N, h, w, C) uint8, as they are now
    labels: tuple[str, ...]  # (N,) what is climbed by each
    before: Array  # (N,) the score of what was started from
    after: Array  # (N,) the score of the pictures as they are shown
    probabilities: Array  # (N,) of the class, 0..1; NaN where what is climbed is no class
    scores: Array  # (total, N): what was climbed, of what the net saw in each step; NaN for steps to come
    transparency: Array  # (N, h, w) 0..1: how much a pixel mattered in all steps, of what the 99th percentile did
    method: Method
    words: tuple[str, ...]  # what happened on the way that is worth a sentence
    natural: tuple[Row, ...]  # (N / starts,): the natural patches with the highest answers, the highest first
    looked_at: int  # natural pictures so far
    source: str  # what these are called; "" if there are none
    beside: str  # why there are no natural pictures; "" if there are
    net: str
    done: int
    total: int
    state: State | None = field(default=None, kw_only=True)  # what another run goes on from

    @property
    def size(self) -> tuple[int, int]:
        """Return (h, w) of the pictures."""
        return int(self.pixels.shape[1]), int(self.pixels.shape[2])

    @property
    def facts(self) -> tuple[str, ...]:
        more = len(self.labels) - 1
        named = (self.labels[0], f"{more} more") if more > 1 else self.labels
        return (*dict.fromkeys(named), f"{self.size[0]} x {self.size[1]} pixels")

    @property
    def shown(self) -> Array:
        """Return the pictures as they are shown, (N, h, w, C) uint8."""
        return self.pixels

    @property
    def remarks(self) -> tuple[str, ...]:
        """Return (N,) what stands beneath each picture's scores; empty if nothing does."""
        return ()

    @property
    def frame(self) -> Array:
        """Return the pictures side by side as one frame of a film, (h, w, 3) uint8."""
        return frame_of(self.shown)

    @property
    def how(self) -> str:
        """Say how the pictures were made."""
        return f"{self.method.title} ({self.method.source}), {self.done} of {self.total} steps"

    @property
    def notes(self) -> tuple[str, ...]:
        unlike = self.method.unlike
        beside = (self.beside,) if self.beside else ()
        return (*how_far(self, "step"), *self.words, *unlike, *beside)


def making(climb: Climb, natural: Natural, state: State | None = None) -> Iterator[dict[str, Any]]:
    """Yield the fields of `MadePictures` as an ascent goes on: as often as is worth it, and at its end.

    natural: a search that has not begun; it keeps step with the ascent. state: of a result, to go on from.
    """
    natural.begin(None if state is None else State(part_of(state, "natural/"), state.numbers["natural"]))
    before, pace = None if state is None else state.arrays["before"], Pace()
    for ascent in climb.steps(state):
        if before is None:
            before = scores_of(climb, as_seen_at(climb, ascent))
        if ascent.done == 0 and not ascent.is_over:
            continue
        natural.up_to(ascent.done / ascent.total)
        if ascent.is_over or pace.due():
            yield made(climb, ascent, natural, before)


def made(climb: Climb, ascent: Ascent, natural: Natural, before: Array) -> dict[str, Any]:
    """Return the fields of `MadePictures` for where an ascent stands, by name."""
    x = as_seen_at(climb, ascent)
    state = state_of(ascent, natural=natural.state)
    return {
        "pixels": pixels_of(climb, x),
        "labels": tuple(objective.label for objective in climb.objectives),
        "before": before,
        "after": scores_of(climb, x),
        "probabilities": probabilities(climb, x),
        "scores": ascent.scores,
        "transparency": shares(ascent.transparency),
        "method": Method.of(climb.preset),
        "words": ascent.words,
        "natural": natural.rows(),
        "looked_at": natural.looked_at,
        "source": natural.name,
        "beside": natural.note,
        "net": climb.model.name,
        "done": ascent.done,
        "total": ascent.total,
        "state": state._replace(arrays={**state.arrays, "before": before}),
    }


def as_seen_at(climb: Climb, ascent: Ascent) -> Array:
    """Return the pictures (N, C, H, W) at their final size, pixel - mean, as an eye sees them: whole pixels 0..255."""
    units = climb.parametrization.units
    x = units.clip(resized(ascent.x, climb.parametrization.size))
    return units.picture(np.round(units.pixels(x))).astype(x.dtype)


def pixels_of(climb: Climb, x: Array) -> Array:
    """Return pictures as (N, h, w, C) uint8."""
    return climb.parametrization.units.shown(x)


def scores_of(climb: Climb, x: Array) -> Array:
    """Return (N,): what is asked for, without a preset's additions, of pictures (N, C, H, W)."""
    return score_of(climb.model, Each(climb.objectives), climb.seen(x)).astype(np.float64)


def probabilities(climb: Climb, x: Array) -> Array:
    """Return (N,): the probability of each picture's class, NaN where it is none."""
    model = climb.model
    result = np.full(len(x), np.nan)
    classes = {i: unit.index[0] for i, goal in enumerate(climb.objectives) for unit in classes_in(model, goal)}
    if classes:
        images = Units.of(model.reader()).net(climb.seen(x))
        answers = kernels.to_cpu(model.predict_answers(kernels.to_device(images, model.net.device), batch=16))
        for i, number in classes.items():
            result[i] = float(answers[i, number])
    return result


def classes_in(model: Model, objective: Objective) -> list[Unit]:
    """Return the class that an objective is the score of, in a list; an empty one for anything else."""
    target = getattr(objective, "unit", objective)  # a log-probability has a unit
    return [target] if isinstance(target, Unit) and target.node == model.logits and target.sign > 0 else []


def name_of(model: Model, objective: Objective) -> str:
    """Return the name of the class that an objective raises, of a difference the first; "" if there is none."""
    first = objective.terms[0][1] if isinstance(objective, Combination) else objective
    return next((model.class_names[unit.index[0]] for unit in classes_in(model, first)), "")


def shares(transparency: Array) -> Array:
    """Return maps (N, h, w) as shares 0..1 of their 99th percentile."""
    full = np.percentile(transparency, 99, axis=(1, 2), keepdims=True)
    return np.clip(transparency / np.where(full > 0, full, 1), 0, 1)


def frame_of(pixels: Array) -> Array:
    """Return pictures (N, h, w, C) in rows as one frame (H, W, 3) uint8, each with sides of at least 128 pixels."""
    factor = -(-FRAME // min(pixels.shape[1:3]))
    large = coloured(pixels).repeat(factor, axis=1).repeat(factor, axis=2)
    columns = int(np.ceil(np.sqrt(len(large))))
    rows = -(-len(large) // columns)
    blank = np.full((rows * columns - len(large), *large.shape[1:]), 255, np.uint8)
    grid = np.concatenate([large, blank]).reshape(rows, columns, *large.shape[1:])
    return np.concatenate([np.concatenate(list(row), axis=1) for row in grid], axis=0)
