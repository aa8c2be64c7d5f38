"""Projected gradient descent: many small steps, each brought back to within eps of the picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, need_whole
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


@dataclass(frozen=True)
class Pgd(Attack):
    """Step along the sign of the gradient (of L2 along the gradient), and back into the ball of radius eps; repeat.

        x <- within 0..255 of  x0 + project(x + step * steepest(g) - x0)

    It starts at a random place of the ball, and again with each restart, for the pictures that are not fooled yet. The
    best place of all is kept, not the last one.

    eps: in steps of 0..255. step: of each step, as a share of eps; 0: 2.5 / steps, so that the border can be reached
    and walked along. start: random, or the picture itself ("clean"). loss: ce, margin or dlr.
    """

    kind: ClassVar[Kind] = "fixed eps"
    norms: ClassVar[tuple[Norm, ...]] = ("linf", "l2")
    title: ClassVar[str] = "projected gradient descent from a random start"
    paper: ClassVar[str] = "Madry et al. 2018"
    year: ClassVar[int] = 2018

    norm: Norm = "linf"
    eps: float = 8.0
    steps: int = 40
    step: float = 0.0
    restarts: int = 1
    start: str = "random"
    loss: str = "ce"

    def __post_init__(self) -> None:
        super().__post_init__()
        need_eps(self.eps)
        need_whole("number of steps", self.steps, 1, 100_000)
        need_whole("number of restarts", self.restarts, 1, 100_000)
        if isinstance(self.step, bool) or not isinstance(self.step, (int, float)) or not 0 <= self.step < np.inf:
            raise SettingError(f"step is a share of eps of at least 0, where 0 is 2.5 / steps, but got {self.step!r}.")
        if self.start not in ("random", "clean"):
            raise SettingError(f"An attack starts at a random place or at the picture, but start is {self.start!r}.")
        get_loss(self.loss)

    def attempts(self, aim: Aim, pixels: Array, *, seed: int = 0, state: Packed | None = None) -> Iterator[Attempt]:
        need_fitting_eps(self.eps, self.norm, pixels[0].size, aim.box.span)
        total, loss = self.steps * self.restarts, get_loss(self.loss)
        length = self.eps * (self.step or 2.5 / self.steps)
        attempt = Attempt.begin(aim, pixels, total) if state is None else Attempt.unpacked(state, total)
        rng = attempt.generator(seed)
        while attempt.done < total:
            if attempt.done % self.steps == 0:
                rows = np.flatnonzero(~attempt.fooled) if attempt.done else np.arange(len(pixels))
                x = self._begin(aim, pixels, rng)[rows]
            else:
                rows, x = attempt.inner["rows"], attempt.inner["x"]
            is_last = (attempt.done + 1) % self.steps == 0
            if len(rows):
                clean, part = pixels[rows], aim.of(rows)
                values, gradient, logits = part.loss_and_gradient(x, loss)
                attempt = attempt.seen(aim, rows, x, logits, values)
                moved = x + length * steepest(gradient, self.norm)
                x = aim.box.clip(clean + project(moved - clean, self.norm, self.eps))
                if is_last:
                    logits = part.logits(x)
                    attempt = attempt.seen(aim, rows, x, logits, part.loss(logits, loss)[0])
            passes = (2 + is_last) if len(rows) else 0
            attempt = attempt.after(passes, rows=rows, x=x, **generator_entry(rng))
            yield attempt

    def _begin(self, aim: Aim, pixels: Array, rng: np.random.Generator) -> Array:
        """Return where a restart begins, for all pictures: what is drawn does not depend on which are fooled."""
        if self.start == "clean":
            return pixels
        return aim.box.clip(pixels + random_in_ball(rng, pixels.shape, self.norm, self.eps))
