"""The fast gradient sign method: one step, as far as eps allows, along the sign of the gradient."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.optimize.attacks.aim import Aim
from minitorch_viz.optimize.attacks.attempt import Attempt, Packed
from minitorch_viz.optimize.attacks.base import Attack, Kind
from minitorch_viz.optimize.attacks.losses import get_loss
from minitorch_viz.optimize.attacks.norms import Norm, need_eps, need_fitting_eps, steepest


@dataclass(frozen=True)
class Fgsm(Attack):
    """Move every value by eps, up or down, as raises the loss: x + eps sign(g); of L2 x + eps g / |g|.

    One forward and one backward pass. It is exact for a linear net; of a deep one the slope is that of the start, and
    a larger eps need not fool better.

    eps: in steps of 0..255. loss: ce, margin or dlr.
    """

    kind: ClassVar[Kind] = "fixed eps"
    norms: ClassVar[tuple[Norm, ...]] = ("linf", "l2")
    title: ClassVar[str] = "the fast gradient sign method, one step of eps"
    paper: ClassVar[str] = "Goodfellow, Shlens, Szegedy 2014"
    year: ClassVar[int] = 2014

    norm: Norm = "linf"
    eps: float = 8.0
    loss: str = "ce"

    def __post_init__(self) -> None:
        super().__post_init__()
        need_eps(self.eps)
        get_loss(self.loss)

    def attempts(self, aim: Aim, pixels: Array, *, seed: int = 0, state: Packed | None = None) -> Iterator[Attempt]:  # noqa: ARG002  # nothing is random
        need_fitting_eps(self.eps, self.norm, pixels[0].size, aim.box.span)
        if state is not None:
            return
        loss = get_loss(self.loss)
        attempt = Attempt.begin(aim, pixels, 1)
        _, gradient, _ = aim.loss_and_gradient(pixels, loss)
        x = aim.box.clip(pixels + self.eps * steepest(gradient, self.norm))
        logits = aim.logits(x)
        values, _ = aim.loss(logits, loss)
        yield attempt.seen(aim, np.arange(len(x)), x, logits, values).after(3)
