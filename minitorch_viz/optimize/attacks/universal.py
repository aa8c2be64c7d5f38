"""A universal perturbation: one change that fools a net on most pictures, whatever they show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.errors import SettingError, need_whole
from minitorch_viz.optimize.attacks.aim import Aim
from minitorch_viz.optimize.attacks.attempt import Attempt, Packed, generator_entry
from minitorch_viz.optimize.attacks.base import Attack, Kind
from minitorch_viz.optimize.attacks.losses import get_loss
from minitorch_viz.optimize.attacks.norms import Norm, need_eps, need_fitting_eps, project, steepest
from minitorch_viz.optimize.attacks.shared import BEST, Shared, better_for_all, change_of


@dataclass(frozen=True)
class Universal(Shared, Attack):
    """Climb the mean loss of many pictures by one change d of all of them, some of the pictures in each step.

        g = mean over a batch of  d/dd min(loss(x + d), bound)
        d <- project(d + step * steepest(g))

    The loss of each picture is bounded, so that no picture that is fooled already outweighs those that are not.

    eps: in steps of 0..255. steps: batches in all. step: of each, as a share of eps. batch: pictures a step. bound: of
    the loss; with a target, whose loss is never above 0, it does nothing. loss: ce, margin or dlr.
    """

    kind: ClassVar[Kind] = "fixed eps"
    norms: ClassVar[tuple[Norm, ...]] = ("linf", "l2")
    title: ClassVar[str] = "one perturbation for all pictures, by stochastic projected gradient steps"
    paper: ClassVar[str] = "Shafahi et al. 2020; Moosavi-Dezfooli et al. 2017"
    year: ClassVar[int] = 2020
    trait: ClassVar[str] = (
        "The perturbation was made of other pictures, not of this one. The steps are those of Shafahi et al. 2020, and "
        "not the sums of DeepFool's steps of Moosavi-Dezfooli et al. 2017."
    )

    norm: Norm = "linf"
    eps: float = 10.0
    steps: int = 100
    step: float = 0.1
    bound: float = 9.0
    loss: str = "ce"

    def __post_init__(self) -> None:
        super().__post_init__()
        need_eps(self.eps)
        need_whole("number of steps", self.steps, 1, 100_000)
        need_whole("batch", self.batch, 1, 100_000)
        for name in ("step", "bound"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < np.inf:
                raise SettingError(f"{name} must be a number above 0, but got {value!r}.")
        get_loss(self.loss)

    def attempts(self, aim: Aim, pixels: Array, *, seed: int = 0, state: Packed | None = None) -> Iterator[Attempt]:
        need_fitting_eps(self.eps, self.norm, pixels[0].size, aim.box.span)
        loss, count = get_loss(self.loss), len(pixels)
        if state is None:
            attempt = Attempt.begin(aim, pixels, self.steps, change=np.zeros(pixels.shape[1:]))
        else:
            attempt = Attempt.unpacked(state, self.steps)
        rng = attempt.generator(seed)
        while attempt.done < self.steps:
            rows, order = self._rows(attempt, count, rng)
            change = self._stepped(aim.of(rows), pixels[rows], attempt.inner["change"])
            best, is_round = attempt.inner.get(BEST, change), self._is_round(attempt, count)
            if is_round:
                x = aim.box.clip(pixels + change)
                logits = aim.logits(x)
                values, _ = aim.loss(logits, loss)
                attempt, best = better_for_all(
                    attempt, x, logits, aim.fooled(logits), np.minimum(values, self.bound), change
                )
            kept = {"change": change, **({BEST: best} if is_round or BEST in attempt.inner else {})}
            attempt = attempt.after(2 + is_round, **kept, **order, **generator_entry(rng))
            yield attempt

    def put_on(self, aim: Aim, attempt: Attempt, pixels: Array, rng: Generator) -> Array:  # noqa: ARG002  # it lies everywhere
        return aim.box.clip(pixels + change_of(attempt))

    def slope(self, aim: Aim, pixels: Array, change: Array) -> tuple[float, Array]:
        """Return the mean bounded loss of pictures (n, ...) with the change (...), and its gradient by the change."""
        moved = pixels + change
        values, gradient, _ = aim.loss_and_gradient(aim.box.clip(moved), get_loss(self.loss))
        rises = (values < self.bound).reshape(-1, *[1] * (pixels.ndim - 1))
        free = (moved >= aim.box.low) & (moved <= aim.box.high)  # what is cut off does not move
        by_change: Array = (gradient * rises * free).mean(axis=0)
        return float(np.minimum(values, self.bound).mean()), by_change

    def _stepped(self, aim: Aim, pixels: Array, change: Array) -> Array:
        """Return the change after one step on some pictures (n, ...)."""
        _, slope = self.slope(aim, pixels, change)
        moved = change + self.eps * self.step * steepest(slope[None], self.norm)[0]
        projected: Array = project(moved[None], self.norm, self.eps)[0]
        return projected
