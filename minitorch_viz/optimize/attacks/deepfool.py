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
from minitorch_viz.optimize.attacks.smallest import as_column, begin, closer, need_number, together

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
            way, passes = attempt.inner["way"].copy(), 0  # r (N, ...)
            x, logits = aim.box.clip(pixels[rows] + (1 + self.overshoot) * way[rows]), []
            for group in together(np.arange(len(rows)), aim, pixels):
                part = aim.of(rows[group])
                forward = part.forward(x[group])
                logits.append(forward.logits)
                walks = ~part.fooled(forward.logits)
                if walks.any():
                    steps = self._steps(forward, *_borders(part, forward.logits, order[rows[group]]))
                    way[rows[group[walks]]] += steps[walks]
            if logits:
                attempt = closer(attempt, aim, pixels, rows, x, np.concatenate(logits), self.norm)
                passes = 1 + (1 if aim.targets is not None else order.shape[1] - 1)
            rows = rows[~attempt.fooled[rows]]
            if attempt.done + 1 == self.steps and len(rows):
                x = aim.box.clip(pixels[rows] + (1 + self.overshoot) * way[rows])
                attempt = closer(attempt, aim, pixels, rows, x, aim.of(rows).logits(x), self.norm)
                passes += 1
            attempt = attempt.after(passes, way=way, order=order)
            if attempt.fooled.all():  # no further step would do anything
                attempt = replace(attempt, total=attempt.done)
            yield attempt
            if attempt.done == attempt.total:
                return

    def _steps(self, forward: Pass, away: Array, wanted: Array) -> Array:
        """Return each picture's step (n, ...) to its nearest border, of those between classes `away` and `wanted`.

        away, wanted: (n, m) classes. A picture where nothing slopes stays where it is.
        """
        z, box = forward.logits, forward.aim.box
        rounding = ROUNDINGS * np.finfo(box.dtype).eps
        gaps = np.take_along_axis(z, away, 1) - np.take_along_axis(z, wanted, 1)  # |f| (n, m)
        gaps = gaps + rounding * np.abs(z).max(axis=1, keepdims=True)
        nearest, steps = np.full(len(z), np.inf), np.zeros(())
        for columns, slopes in _slopes(forward, away, wanted):  # w (n, m', ...)
            flat = slopes.reshape(*slopes.shape[:2], -1)
            lengths = np.sqrt(np.einsum("nmv,nmv->nm", flat, flat)) if self.norm == "l2" else np.abs(flat).sum(axis=2)
            far = np.full(lengths.shape, np.inf)
            distances = np.divide(gaps[:, columns], lengths, out=far, where=lengths > 0)
            pick = np.arange(len(z)), distances.argmin(axis=1)
            slope, length, distance = slopes[pick], lengths[pick], distances[pick]
            direction = (
                slope / as_column(np.where(length > 0, length, 1), slope) if self.norm == "l2" else np.sign(slope)
            )
            step = as_column(np.where(length > 0, distance + rounding * box.span, 0), slope) * direction
            steps = np.where(as_column(distance < nearest, slope), step, steps)
            nearest = np.minimum(nearest, distance)
        return steps


def _borders(aim: Aim, logits: Array, order: Array) -> tuple[Array, Array]:
    """Return each picture's borders: the class that is to go away (n, m), and the other one (n, m)."""
    if aim.targets is None:
        labels = aim.labels[:, None]
        others = np.argsort(order == labels, axis=1, kind="stable")[:, :-1]  # all places but the label's
        return np.broadcast_to(labels, others.shape), np.take_along_axis(order, others, 1)
    others = logits.copy()
    np.put_along_axis(others, aim.targets[:, None], -np.inf, 1)
    return others.argmax(axis=1)[:, None], aim.targets[:, None]


def _slopes(forward: Pass, away: Array, wanted: Array) -> Iterator[tuple[slice, Array]]:
    """Yield the slopes (n, m', ...) of z[wanted] - z[away], some borders at a time.

    All borders of one picture are the seeds of one backward pass; of several pictures each border is a pass.
    """
    (count, borders), classes = away.shape, forward.logits.shape[1]
    number = np.arange(borders)
    for first in range(0, borders, step := AT_ONCE if count == 1 else 1):
        columns = slice(first, first + step)
        seeds = np.zeros((count, len(number[columns]), classes))
        np.put_along_axis(seeds, wanted[:, columns, None], 1, 2)
        np.put_along_axis(seeds, away[:, columns, None], -1, 2)
        slopes = forward.back(seeds.reshape(-1, classes))
        yield columns, slopes.reshape(count, -1, *slopes.shape[1:])
