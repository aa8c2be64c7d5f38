"""Carlini and Wagner's attack: the squared size of the change plus c times how far the net is from being fooled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import need_whole
from minitorch_viz.optimize.attacks.aim import Aim
from minitorch_viz.optimize.attacks.attempt import Attempt, Packed
from minitorch_viz.optimize.attacks.base import Attack, Kind
from minitorch_viz.optimize.attacks.losses import margin
from minitorch_viz.optimize.attacks.norms import Norm
from minitorch_viz.optimize.attacks.search import Search
from minitorch_viz.optimize.attacks.smallest import begin, closer, need_number, shortened, together
from minitorch_viz.optimize.attacks.squashed import Squashed
from minitorch_viz.training.optimizers.adam import Adam


@dataclass(frozen=True)
class CarliniWagner(Attack):
    """Minimize |x - x0|^2 + c max(0, confidence - margin) by Adam, in w where x = 255 (tanh(w) + 1) / 2; search for c.

    No x leaves 0..255, so that nothing is clipped. The margin is how far the best other score (the target's) is above
    the label's (the best other one's). The least c that fools gives the smallest change: see `search`. The smallest
    change of all steps of all searches is kept, and shortened at the end.

    searches: for c. steps: of Adam, in each search. rate: Adam's, in w. c: the first one, for sizes as shares of the
    whole range. confidence: the margin that is wanted. halvings: see `shortened`; 0: as in the paper.
    """

    kind: ClassVar[Kind] = "smallest change"
    norms: ClassVar[tuple[Norm, ...]] = ("l2",)
    title: ClassVar[str] = "C&W, Adam on the size of the change and the margin together"
    paper: ClassVar[str] = "Carlini, Wagner 2017"
    year: ClassVar[int] = 2017
    trait: ClassVar[str] = (
        "The paper does not shorten its result along the straight line, and gives up a search that makes no progress."
    )

    norm: Norm = "l2"
    searches: int = 5
    steps: int = 60
    rate: float = 0.01
    c: float = 0.01
    confidence: float = 0.0
    halvings: int = 6

    def __post_init__(self) -> None:
        super().__post_init__()
        need_whole("number of searches", self.searches, 1, 1_000)
        need_whole("number of steps", self.steps, 1, 100_000)
        need_number("rate", self.rate, above=True)
        need_number("first c", self.c, above=True)
        need_number("confidence", self.confidence)
        need_whole("number of halvings", self.halvings, 0, 100)

    def attempts(self, aim: Aim, pixels: Array, *, seed: int = 0, state: Packed | None = None) -> Iterator[Attempt]:  # noqa: ARG002  # nothing is random
        total, squashed, adam = self.searches * self.steps, Squashed.of(aim.box, pixels), Adam(self.rate)
        attempt = begin(aim, pixels, total) if state is None else Attempt.unpacked(state, total)
        rows = np.flatnonzero(~(attempt.fooled & (attempt.values == 0)))  # these need no change
        while attempt.done < total:
            step = attempt.done % self.steps
            search = Search.of(attempt.inner) if attempt.done else Search.begin(len(pixels), self.c)
            if step == 0:
                search = search.next() if attempt.done else search
                walk = Walk.begin({str(row): squashed.start[row] for row in rows}, adam)
            else:
                walk = Walk.of(attempt.inner, step)
            if len(rows):
                look = self._look(aim, rows, walk, search, squashed)
                fooled = aim.of(rows).fooled(look.logits)
                reached = fooled & (look.margins >= self.confidence)
                seen = reached | ~fooled  # what fools, but not as surely as is wanted, is not taken
                attempt = closer(attempt, aim, pixels, rows[seen], look.x[seen], look.logits[seen], self.norm)
                search = search.with_fooling(rows[reached])
                walk = walk.moved(adam, {str(row): slope for row, slope in zip(rows, look.slopes, strict=True)})
            passes = 2 if len(rows) else 0
            if attempt.done + 1 == total:
                attempt, more = shortened(attempt, aim, pixels, self.norm, self.halvings, self.confidence)
                passes += more
            attempt = attempt.after(passes, **search.inner(), **walk.inner())
            yield attempt

    def _look(self, aim: Aim, rows: Array, walk: Walk, search: Search, squashed: Squashed) -> Look:
        """Return what the net says of the pictures that some w stand for, and the loss's gradient by w."""
        parts = []
        for chosen in together(rows, aim, squashed.start):
            part = aim.of(chosen)
            tangent = np.tanh(np.stack([walk.w[str(row)] for row in chosen]))
            x = squashed.pixels(tangent)
            forward = part.forward(x)
            margins, seeds = part.loss(forward.logits, margin)
            slope = 2 / aim.box.span**2 * (x - squashed.begin[chosen])  # of the squared size, the range being 1
            weights = search.c[chosen] * (margins < self.confidence)
            if weights.any():
                slope = slope - forward.back(weights[:, None] * seeds).astype(slope.dtype)
            parts.append(Look(x, forward.logits, margins, squashed.by_w(slope, tangent)))
        return Look(*map(np.concatenate, zip(*parts, strict=True)))


class Look(NamedTuple):
    """Hold what the net says of some pictures, and which way their loss rises."""

    x: Array  # (n, ...)
    logits: Array  # (n, K)
    margins: Array  # (n,)
    slopes: Array  # (n, ...): of the loss by w


class Walk(NamedTuple):
    """Hold where Adam stands in a search: arrays by the number of the picture."""

    w: Mapping[str, Array]
    adam: Adam.State

    @classmethod
    def begin(cls, w: Mapping[str, Array], adam: Adam) -> Self:
        return cls(w, adam.start(w) if w else Adam.State(0, {}, {}))

    @classmethod
    def of(cls, inner: Mapping[str, Any], steps: int) -> Self:
        """Return the walk that an attempt's inner state holds, after so many steps of its search."""
        w, mean, square = (
            {name.removeprefix(prefix): value for name, value in inner.items() if name.startswith(prefix)}
            for prefix in ("w/", "mean/", "square/")
        )
        return cls(w, Adam.State(steps, mean, square))

    def inner(self) -> dict[str, Array]:
        """Return what is to be kept in an attempt's inner state."""
        kept = {"w": self.w, "mean": self.adam.mean, "square": self.adam.square}
        return {f"{name}/{row}": array for name, arrays in kept.items() for row, array in arrays.items()}

    def moved(self, adam: Adam, slopes: Mapping[str, Array]) -> Self:
        """Return the walk a step further."""
        return type(self)(*adam.step(self.w, slopes, self.adam))
