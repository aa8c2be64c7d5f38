"""DeepFool: to the nearest border of the classes, as if the net were linear with its slopes of here; and again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import need_whole
from minitorch_viz.optimize.attacks.aim import Aim, Pass
from minitorch_viz.optimize.attacks.attempt import Attempt, Packed
from minitorch_viz.optimize.attacks.base import Attack, Kind
from minitorch_viz.optimize.attacks.norms import Norm
from minitorch_viz.optimize.attacks.smallest import begin, closer, need_number

ROUNDINGS = 8  # of scores and values, by which a step is longer: on the border itself one of 0 would never leave it
AT_ONCE = 32  # classes whose slopes are held at once


@dataclass(frozen=True)
class DeepFool(Attack):
    """Walk to the nearest border of the classes, of the linear net that has this net's scores and slopes here; repeat.

        f = z_k - z_y, w = its gradient          for each other class k
        L2          the nearest k has the least |f| / |w|_2     r += |f| / |w|_2^2 w
        L-infinity  the nearest k has the least |f| / |w|_1     r += |f| / |w|_1 sign(w)
        x = within 0..255 of  x0 + (1 + overshoot) r

    Each picture rests as soon as it is fooled. The classes k are those with the picture's largest scores; their slopes
    are one backward pass of one tape. With a target, k is the target, and y the best other class as it changes on the
    way.

    steps: at most. candidates: the classes that are looked at, that of the picture among them. overshoot: a share of
    the change, by which the border is passed.
    """

    kind: ClassVar[Kind] = "smallest change"
    norms: ClassVar[tuple[Norm, ...]] = ("l2", "linf")
    title: ClassVar[str] = "DeepFool, to the nearest border of the classes"
    paper: ClassVar[str] = "Moosavi-Dezfooli, Fawzi, Frossard 2016"
    year: ClassVar[int] = 2016
    trait: ClassVar[str] = (
        "The paper looks for the nearest of all classes and has no target: with one, the border is that between the "
        "target and the best other class."
    )

    norm: Norm = "l2"
    steps: int = 50
    candidates: int = 10
    overshoot: float = 0.02

    def __post_init__(self) -> None:
        super().__post_init__()
        need_whole("number of steps", self.steps, 1, 100_000)
        need_whole("number of candidates", self.candidates, 2, 1_000_000)
        need_number("overshoot", self.overshoot)

    def attempts(self, aim: Aim, pixels: Array, *, seed: int = 0, state: Packed | None = None) -> Iterator[Attempt]:  # noqa: ARG002  # nothing is random
        if state is None:
            attempt = begin(aim, pixels, self.steps)
            order = np.argsort(-attempt.logits, axis=1, kind="stable")[:, : self.candidates]
            attempt = replace(attempt, inner={"way": np.zeros(pixels.shape), "order": order})
        else:
            attempt = Attempt.unpacked(state, self.steps)
        order = attempt.inner["order"]  # (N, candidates): the classes with the largest scores of the clean pictures
        while attempt.done < self.steps:
            rows = np.flatnonzero(~attempt.fooled)
            way, passes = attempt.inner["way"], 0  # r (N, ...)
            if len(rows):
                way = way.copy()
                x, logits = aim.box.clip(pixels[rows] + (1 + self.overshoot) * way[rows]), []
                for row, picture in zip(rows, x, strict=True):
                    picture_aim = aim.of(slice(row, row + 1))
                    forward = picture_aim.forward(picture[None])
                    logits.append(forward.logits[0])
                    if not picture_aim.fooled(forward.logits)[0]:
                        way[row] += self._step(forward, *_pairs(picture_aim, forward.logits[0], order[row]))
                attempt = closer(attempt, aim, pixels, rows, x, np.stack(logits), self.norm)
                passes = 1 + (1 if aim.targets is not None else order.shape[1] - 1)
            if attempt.done + 1 == self.steps and len(rows := rows[~attempt.fooled[rows]]):
                x = aim.box.clip(pixels[rows] + (1 + self.overshoot) * way[rows])
                attempt = closer(attempt, aim, pixels, rows, x, aim.of(rows).logits(x), self.norm)
                passes += 1
            attempt = attempt.after(passes, way=way, order=order)
            yield attempt

    def _step(self, forward: Pass, away: Array, wanted: Array) -> Array | float:
        """Return the step (...) to the nearest of the borders between classes `away` (m,) and `wanted` (m,)."""
        scores = forward.logits[0]
        rounding = ROUNDINGS * np.finfo(forward.aim.box.dtype).eps
        nearest, step = np.inf, 0.0
        for first in range(0, len(wanted), AT_ONCE):
            part = slice(first, first + AT_ONCE)
            seeds = np.zeros((len(wanted[part]), len(scores)))
            k = np.arange(len(seeds))
            seeds[k, wanted[part]] += 1
            seeds[k, away[part]] -= 1
            slopes = forward.back(seeds)  # (m, ...): w of each border
            gaps = scores[away[part]] - scores[wanted[part]] + rounding * np.abs(scores).max()  # |f| of each
            flat = slopes.reshape(len(slopes), -1)
            lengths = np.sqrt(np.einsum("kv,kv->k", flat, flat)) if self.norm == "l2" else np.abs(flat).sum(axis=1)
            distances = np.divide(gaps, lengths, out=np.full(len(gaps), np.inf), where=lengths > 0)
            best = int(distances.argmin())
            if distances[best] < nearest:
                nearest = distances[best] + rounding * forward.aim.box.span
                step = nearest * (slopes[best] / lengths[best] if self.norm == "l2" else np.sign(slopes[best]))
        return step


def _pairs(aim: Aim, scores: Array, order: Array) -> tuple[Array, Array]:
    """Return the borders of one picture: between which class (m,), that is to go away, and which other one (m,)."""
    if aim.targets is None:
        wanted = order[order != aim.labels[0]]
        return np.full(len(wanted), aim.labels[0]), wanted
    others = scores.copy()
    others[aim.targets[0]] = -np.inf
    return np.array([others.argmax()]), aim.targets
