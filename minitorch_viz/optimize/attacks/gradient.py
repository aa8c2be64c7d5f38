"""The plain gradient step: the picture is moved uphill by steps of one length until the net is fooled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import need_whole
from minitorch_viz.optimize.attacks.aim import Aim
from minitorch_viz.optimize.attacks.attempt import Attempt, Packed
from minitorch_viz.optimize.attacks.base import Attack, Kind
from minitorch_viz.optimize.attacks.losses import get_loss
from minitorch_viz.optimize.attacks.norms import Norm, need_eps, steepest


@dataclass(frozen=True)
class Gradient(Attack):
    """Add the gradient of a loss, made as long as `step`, until the answer is another: x <- x + step g / |g|.

    Each picture rests as soon as the net is fooled, so that the change is small, though not the smallest.

    step: L2, in steps of 0..255, of rows and series in 255ths of their range. steps: at most. loss: what is climbed,
    ce, margin or dlr.

    The course's step is 1 in the units of a net that divides pixels by their deviation, 0.225 of 255: 58 here.
    """

    kind: ClassVar[Kind] = "smallest change"
    norms: ClassVar[tuple[Norm, ...]] = ("l2",)
    title: ClassVar[str] = "steps along the gradient, each of one length, until the answer is another"
    paper: ClassVar[str] = "Simonyan, Vedaldi, Zisserman 2013; the course CS231n"
    year: ClassVar[int] = 2013

    norm: Norm = "l2"
    step: float = 58.0
    steps: int = 100
    loss: str = "margin"

    def __post_init__(self) -> None:
        super().__post_init__()
        need_eps(self.step)
        need_whole("number of steps", self.steps, 1, 100_000)
        get_loss(self.loss)

    def attempts(self, aim: Aim, pixels: Array, *, seed: int = 0, state: Packed | None = None) -> Iterator[Attempt]:  # noqa: ARG002  # nothing is random
        loss, length = get_loss(self.loss), self.step * aim.box.grain
        if state is None:
            attempt = Attempt.begin(aim, pixels, self.steps, x=pixels.copy())
        else:
            attempt = Attempt.unpacked(state, self.steps)
        while attempt.done < self.steps:
            x = np.array(attempt.inner["x"])
            rows = np.flatnonzero(~attempt.fooled)
            if len(rows):
                _, gradient, _ = aim.of(rows).loss_and_gradient(x[rows], loss)
                x[rows] = aim.box.clip(x[rows] + length * steepest(gradient, "l2"))
                logits = aim.logits(x[rows])
                value, _ = aim.of(rows).loss(logits, loss)
                attempt = attempt.seen(aim, rows, x[rows], logits, value)
            attempt = attempt.after(3 if len(rows) else 0, x=x)
            yield attempt
