"""Auto-PGD: projected gradient descent with momentum that halves its step by itself where it gets no further."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import ClassVar, NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import need_whole
from minitorch_viz.optimize.attacks.aim import Aim
from minitorch_viz.optimize.attacks.attempt import Attempt, Packed, generator_entry
from minitorch_viz.optimize.attacks.base import Attack, Kind
from minitorch_viz.optimize.attacks.losses import get_loss
from minitorch_viz.optimize.attacks.norms import (
    Norm,
    need_eps,
    need_fitting_eps,
    project,
    random_in_ball,
    steepest,
)

FIRST_STEP = 2.0  # in eps
KEPT = 0.75  # of each step; the rest of it is the step before
RISING = 0.75  # the share of the steps since the last checkpoint that must have raised the loss
FIRST_CHECK, LESS, LEAST = 0.22, 0.03, 0.06  # of all steps: the first interval, how much shorter each is, the least


class Walk(NamedTuple):
    """Hold where one restart stands, for the n pictures that were not fooled before it."""

    rows: Array  # (n,) their numbers
    x: Array  # (n, ...) where it stands
    before: Array  # (n, ...) where it stood before
    value: Array  # (n,) the loss at x
    gradient: Array  # (n, ...) there
    best: Array  # (n, ...) where the loss was largest
    best_value: Array
    best_gradient: Array
    step: Array  # (n,) how long a step is
    rises: Array  # (n,) ints: steps since the last checkpoint that raised the loss
    halved: Array  # (n,) bool: whether the step was halved there
    value_then: Array  # (n,) the largest loss at the last checkpoint


@dataclass(frozen=True)
class Apgd(Attack):
    """Follow the gradient with momentum, and halve the step at checkpoints where the loss rose too seldom.

        z <- project(x + step * steepest(g))
        x <- project(x + 0.75 (z - x) + 0.25 (x - x before))

    The step begins at 2 eps. At each checkpoint it is halved for the pictures whose loss rose in less than 3 of 4 steps
    since the last one, or whose best place has not changed while the step was the same; these go on from their best
    place. So there is no step size to be chosen, and PGD that fails where this one does not was badly set.

    eps: in steps of 0..255. loss: ce, dlr or margin. restarts: for the pictures that are not fooled yet.
    """

    kind: ClassVar[Kind] = "fixed eps"
    norms: ClassVar[tuple[Norm, ...]] = ("linf", "l2")
    title: ClassVar[str] = "Auto-PGD, which halves its own step"
    paper: ClassVar[str] = "Croce, Hein 2020"
    year: ClassVar[int] = 2020

    norm: Norm = "linf"
    eps: float = 8.0
    steps: int = 100
    restarts: int = 1
    loss: str = "ce"

    def __post_init__(self) -> None:
        super().__post_init__()
        need_eps(self.eps)
        need_whole("number of steps", self.steps, 1, 100_000)
        need_whole("number of restarts", self.restarts, 1, 100_000)
        get_loss(self.loss)

    def attempts(self, aim: Aim, pixels: Array, *, seed: int = 0, state: Packed | None = None) -> Iterator[Attempt]:
        need_fitting_eps(self.eps, self.norm, pixels[0].size, aim.box.span)
        total = self.steps * self.restarts
        attempt = Attempt.begin(aim, pixels, total) if state is None else Attempt.unpacked(state, total)
        rng = attempt.generator(seed)
        while attempt.done < total:
            number = attempt.done % self.steps
            passes = 0
            if number == 0:
                rows = np.flatnonzero(~attempt.fooled) if attempt.done else np.arange(len(pixels))
                start = aim.box.clip(pixels + random_in_ball(rng, pixels.shape, self.norm, self.eps))
                attempt, walk = self._begin(aim, attempt, rows, start[rows])
                passes += 2
            else:
                walk = Walk(**{name: attempt.inner[name] for name in Walk._fields})
            if len(walk.rows):
                attempt, walk = self._step(aim, attempt, walk, pixels[walk.rows], KEPT if number else 1.0)
                passes += 2
                if number + 1 in checkpoints(self.steps):
                    walk = _checked(walk, _interval(number + 1, self.steps))
            attempt = attempt.after(passes * bool(len(walk.rows)), **walk._asdict(), **generator_entry(rng))
            yield attempt

    def _begin(self, aim: Aim, attempt: Attempt, rows: Array, x: Array) -> tuple[Attempt, Walk]:
        """Return a restart's start, at which its pictures are looked at."""
        if not len(rows):
            nothing = np.zeros(0)
            return attempt, Walk(rows, x, x, nothing, x, x, nothing, x, nothing, nothing, nothing, nothing)
        values, gradient, logits = aim.of(rows).loss_and_gradient(x, get_loss(self.loss))
        steps, count = np.full(len(rows), FIRST_STEP * self.eps), np.zeros(len(rows), np.int64)
        walk = Walk(rows, x, x, values, gradient, x, values, gradient, steps, count, np.ones(len(rows), bool), values)
        return attempt.seen(aim, rows, x, logits, values), walk

    def _step(self, aim: Aim, attempt: Attempt, walk: Walk, clean: Array, kept: float) -> tuple[Attempt, Walk]:
        """Take one step of all pictures, and look at where it leads; kept: the share that is no momentum."""
        length = _by_picture(walk.step, walk.x)
        ahead = self._within(aim, clean, walk.x + length * steepest(walk.gradient, self.norm))
        moved = walk.x + kept * (ahead - walk.x) + (1 - kept) * (walk.x - walk.before)
        x = self._within(aim, clean, moved)
        values, gradient, logits = aim.of(walk.rows).loss_and_gradient(x, get_loss(self.loss))
        better = values > walk.best_value
        where = _by_picture(better, x)
        walk = walk._replace(
            x=x,
            before=walk.x,
            value=values,
            gradient=gradient,
            best=np.where(where, x, walk.best),
            best_value=np.where(better, values, walk.best_value),
            best_gradient=np.where(where, gradient, walk.best_gradient),
            rises=walk.rises + (values > walk.value),
        )
        return attempt.seen(aim, walk.rows, x, logits, values), walk

    def _within(self, aim: Aim, clean: Array, x: Array) -> Array:
        """Return the nearest pictures within eps and the box."""
        return aim.box.clip(clean + project(x - clean, self.norm, self.eps))


def _checked(walk: Walk, interval: int) -> Walk:
    """Return the walk after a checkpoint: where it gets no further, at its best place, with half the step."""
    seldom = walk.rises < RISING * interval
    rests = ~walk.halved & (walk.best_value == walk.value_then)
    halved = seldom | rests
    where = _by_picture(halved, walk.x)
    return walk._replace(
        x=np.where(where, walk.best, walk.x),
        value=np.where(halved, walk.best_value, walk.value),
        gradient=np.where(where, walk.best_gradient, walk.gradient),
        step=np.where(halved, walk.step / 2, walk.step),
        rises=np.zeros_like(walk.rises),
        halved=halved,
        value_then=walk.best_value,
    )


def checkpoints(steps: int) -> list[int]:
    """Return after how many steps it is looked whether the step must be halved; of 100: 22, 41, 57, 70, 80, 87, ..."""
    places, share, width = [], FIRST_CHECK, FIRST_CHECK
    while share < 1:
        places.append(ceil(round(share * steps, 9)))
        width = max(width - LESS, LEAST)
        share += width
    return places


def _interval(place: int, steps: int) -> int:
    """Return how many steps lie between a checkpoint and the one before."""
    before = [other for other in checkpoints(steps) if other < place]
    return place - (before[-1] if before else 0)


def _by_picture(numbers: Array, x: Array) -> Array:
    """Return numbers (n,) so that they go with pictures (n, ...)."""
    return numbers.reshape(-1, *[1] * (x.ndim - 1))
