"""Box-constrained L-BFGS: the attack with which adversarial pictures were found, a minimization for each c."""

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
from minitorch_viz.optimize.attacks.losses import cross_entropy
from minitorch_viz.optimize.attacks.norms import Norm
from minitorch_viz.optimize.attacks.search import Search
from minitorch_viz.optimize.attacks.smallest import begin, closer, need_number, shortened

MEMORY = 10  # steps and slopes that the method remembers, SciPy's own number


@dataclass(frozen=True)
class Lbfgs(Attack):
    """Minimize |x - x0|^2 - c log p by SciPy's L-BFGS-B within 0..255, from the clean picture on; search for c.

    p is the probability of the target, or without one of all answers but the label. The least c whose minimum fools
    gives the smallest change: see `search`. The smallest change of all evaluations that fool is kept, and shortened at
    the end. Each step is one picture's minimization with one c, and an interrupted attack goes on between two of them.

    searches: for c. steps: of L-BFGS, at most, in each search. c: the first one, for sizes as shares of the whole
    range. halvings: see `shortened`.
    """

    kind: ClassVar[Kind] = "smallest change"
    norms: ClassVar[tuple[Norm, ...]] = ("l2",)
    title: ClassVar[str] = "box-constrained L-BFGS on the size of the change and the probability together"
    paper: ClassVar[str] = "Szegedy et al. 2014"
    year: ClassVar[int] = 2014
    trait: ClassVar[str] = (
        "The paper weighs the change's size by c, not squared, and has targets only: here the squared size has the "
        "weight 1, as in Carlini and Wagner's attack."
    )

    norm: Norm = "l2"
    searches: int = 6
    steps: int = 15
    c: float = 0.01
    halvings: int = 6

    def __post_init__(self) -> None:
        super().__post_init__()
        need_whole("number of searches", self.searches, 1, 1_000)
        need_whole("number of steps", self.steps, 1, 100_000)
        need_number("first c", self.c, above=True)
        need_whole("number of halvings", self.halvings, 0, 100)

    def attempts(self, aim: Aim, pixels: Array, *, seed: int = 0, state: Packed | None = None) -> Iterator[Attempt]:  # noqa: ARG002  # nothing is random
        count = len(pixels)
        total = self.searches * count
        attempt = begin(aim, pixels, total) if state is None else Attempt.unpacked(state, total)
        while attempt.done < total:
            row = np.array([attempt.done % count])
            search = Search.of(attempt.inner) if attempt.done else Search.begin(count, self.c)
            search = search.next(row) if attempt.done >= count else search
            passes = 0
            if attempt.values[row] != 0 or not attempt.fooled[row]:  # else it is fooled without a change
                descent = Descent(aim.of(row), pixels[row], float(search.c[row][0]))
                if descent.run(self.steps):
                    search = search.with_fooling(row)
                attempt = closer(attempt, aim, pixels, row, descent.nearest, descent.logits, self.norm)
                passes = 2 * descent.evaluations
            if attempt.done + 1 == total:
                attempt, more = shortened(attempt, aim, pixels, self.norm, self.halvings)
                passes += more
            attempt = attempt.after(passes, **search.inner())
            yield attempt


class Descent:
    """Run one minimization for one picture, and keep the nearest place on its way that fools, or else the last one."""

    def __init__(self, aim: Aim, clean: Array, c: float) -> None:
        self.aim, self.clean, self.c = aim, clean, c
        self.nearest, self.logits, self.size = clean, aim.logits(clean), np.inf
        self.evaluations = 0

    def run(self, steps: int) -> bool:
        """Take so many steps at most; return whether the last place fools."""
        from scipy.optimize import Bounds, minimize

        box, shape = self.aim.box, self.clean.shape
        start = (self.clean - box.low) / box.span
        options = {"maxiter": steps, "maxcor": MEMORY}
        result = minimize(
            lambda u: self.value(u.reshape(shape)), start.ravel(), jac=True, method="L-BFGS-B", bounds=Bounds(0, 1),
            options=options,
        )  # fmt: skip
        pixels = self.pixels(result.x.reshape(shape))
        logits = self.aim.logits(pixels)
        self._keep(pixels, logits)
        return bool(self.aim.fooled(logits)[0])

    def pixels(self, u: Array) -> Array:
        """Return pixels for shares u of the whole range, 0..1."""
        box = self.aim.box
        return box.clip(box.low + box.span * u)

    def value(self, u: Array) -> tuple[float, Array]:
        """Return what is minimized, and its gradient by u, flat."""
        pixels, start = self.pixels(u), (self.clean - self.aim.box.low) / self.aim.box.span
        loss, slope, logits = self.aim.loss_and_gradient(pixels, log_of_others)
        self.evaluations += 1
        self._keep(pixels, logits)
        change = u - start
        return float((change**2).sum() - self.c * loss[0]), (2 * change - self.c * self.aim.box.span * slope).ravel()

    def _keep(self, pixels: Array, logits: Array) -> None:
        size = float(np.linalg.norm(pixels - self.clean)) if self.aim.fooled(logits)[0] else np.inf
        if size < self.size or self.size == np.inf:
            self.nearest, self.logits, self.size = pixels, logits, size


def log_of_others(z: Array, labels: Array, targets: Array | None) -> tuple[Array, Array]:
    """Return log(1 - p) of the label's probability p, or log p of the target, and the gradient by the scores (N, K)."""
    if targets is not None:
        return cross_entropy(z, labels, targets)
    others = z.astype(np.float64)
    others[np.arange(len(z)), labels] = -np.inf
    total, rest = np.logaddexp.reduce(z, axis=1), np.logaddexp.reduce(others, axis=1)
    return rest - total, np.exp(others - rest[:, None]) - np.exp(z - total[:, None])
