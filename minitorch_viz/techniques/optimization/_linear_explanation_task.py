"""The net about one input: its straight-line approximation there, and what it truly gives along a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.rules.relu import hard_relus
from minitorch_viz.techniques.explain.view import picture_of
from minitorch_viz.techniques.optimization._linear_explanation_question import Question, says
from minitorch_viz.techniques.optimization._linear_explanation_units import OwnUnits

if TYPE_CHECKING:
    from minitorch_viz.models import Model

BATCH = 8  # inputs of one pass
EXACT = 1.01  # the length at which the answer turns is known to this factor
LADDER = tuple(2.0**power for power in range(-3, 7))  # times the length that the straight line says


class Walk(NamedTuple):
    """Hold what the net gives along a line through the input, and what a straight line says of it."""

    lengths: Array  # (n,), ascending from 0
    values: Array  # (n,): the net's own, with what leaves the bounds cut off
    straight: Array  # (n,): by the gradient at the input, nothing cut off
    kept: Array  # (n,): by the gradient, of the change that the bounds leave
    clipped: Array  # (n,): share of the numbers that would leave the bounds
    turned: Array  # (n,) bool: whether the answer is another
    switched: Array  # (n,): share of the ReLUs that are on where they were off, or off where on; NaN without ReLUs
    says: tuple[str, ...]  # (n,): the net's answer in words

    @property
    def errors(self) -> Array:
        """Return (n,): by how much the net's own change differs from what the gradient says of the same change.

        A share of the latter; NaN where that is 0.
        """
        change = self.kept - self.kept[0]
        with np.errstate(divide="ignore", invalid="ignore"):
            shares: Array = (self.values - self.kept) / np.where(change == 0, np.nan, np.abs(change))
        return shares


@dataclass(frozen=True, eq=False)
class Task:
    """Hold an input, the number that is to be raised, and its gradient there."""

    model: Model
    units: OwnUnits
    question: Question
    gradient: Array  # d value / d number, in the input's own shape
    value: float

    @property
    def need(self) -> float:
        """Return by how much the value has to rise until the answer turns; NaN of plain numbers."""
        return self.question.border - self.value

    def guess(self, direction: Array) -> float:
        """Return the length of a step along which the answer turns, by the straight line; infinite if it does not."""
        slope = float((self.gradient * direction).sum())
        return self.need / slope if slope > 0 and np.isfinite(self.need) else np.inf

    def point(self, direction: Array, length: float) -> Array:
        """Return the input after a step, within the bounds."""
        return self.units.within(self.units.numbers + length * direction)

    def scores(self, points: Sequence[Array]) -> Array:
        """Return the net's scores for inputs in their own units, (n, K)."""
        scores = self.model.net.predict(self._input(points), upto=self.model.logits, batch=BATCH)
        return kernels.to_cpu(scores).astype(np.float64)

    def walk(self, direction: Array, lengths: Array, *, gates: bool = False) -> Walk:
        """Return what the net gives at so many places of a line; gates: whether its ReLUs are compared, too."""
        beyond = [self.units.numbers + length * direction for length in lengths]
        points = [self.units.within(numbers) for numbers in beyond]
        scores, switched = (
            self._scores_and_gates(points) if gates else (self.scores(points), np.full(len(points), np.nan))
        )
        kept = [self.value + float((self.gradient * (point - self.units.numbers)).sum()) for point in points]
        return Walk(
            lengths,
            self.question.values(scores),
            self.value + lengths * float((self.gradient * direction).sum()),
            np.array(kept),
            np.array([float((numbers != point).mean()) for numbers, point in zip(beyond, points, strict=True)]),
            self.question.turned(scores),
            switched,
            says(self.model, self.question, scores),
        )

    def picture(self, numbers: Array) -> Array:
        """Return numbers as a picture (h, w, 3) uint8; of a row or a series themselves."""
        return picture_of(self.model, self._input([numbers]))

    def gradient_at(self, numbers: Array) -> Array:
        """Return the gradient of the value at another input."""
        model = self.model
        tape = model.net.forward(self._input([numbers]), upto=[model.logits])
        seed = kernels.to_device(self.question.weights[None].astype(model.dtype), model.net.device)
        back = kernels.to_cpu(model.net.backward(tape, {model.logits: seed})[model.input])
        return self.units.gradient(back[0].astype(np.float64))

    def turn(self, direction: Array, most: float) -> float:
        """Return the shortest length tried, to 1 %, at which the answer turns; NaN if it does at none up to `most`.

        The first guess is the straight line's; from an eighth to 64 times as far is tried.
        """
        guess = self.guess(direction)
        if not np.isfinite(guess) or guess <= 0:
            return float("nan")
        ladder = np.array([0, *(factor * guess for factor in LADDER if factor * guess < most)])
        ladder = np.array([*ladder, most]) if np.isfinite(most) else ladder
        least = float("nan")
        while True:
            turned = self._turned(direction, ladder)
            if not turned.any():
                return least  # it lies on the border to the last bits, which differ between batches
            place = int(turned.argmax())
            if place == 0:
                return float(ladder[0])
            low, high = ladder[place - 1], ladder[place]
            least = float(high)
            if high <= EXACT * low or high < 1e-12:
                return float(high)
            between = np.geomspace(low, high, BATCH + 1) if low else np.linspace(low, high, BATCH + 1)
            ladder = np.array([*between[:-1], high])

    def _input(self, points: Sequence[Array]) -> Array:
        """Return what the net takes for inputs in their own units, (n, ...)."""
        return kernels.to_device(self.units.net(np.stack(points)).astype(self.model.dtype), self.model.net.device)

    def _turned(self, direction: Array, lengths: Array) -> Array:
        return self.question.turned(self.scores([self.point(direction, float(length)) for length in lengths]))

    def _scores_and_gates(self, points: Sequence[Array]) -> tuple[Array, Array]:
        """Return the scores (n, K), and the share (n,) of the ReLUs' units that are not as at the first point."""
        model, names = self.model, hard_relus(self.model.net)
        scores, shares = [], []
        first: dict[str, Array] = {}
        for point in points:
            tape = model.net.forward(self._input([point]), upto=[model.logits])
            scores.append(kernels.to_cpu(tape[model.logits])[0].astype(np.float64))
            on = {name: kernels.to_cpu(tape[name]) > 0 for name in names if name in tape}
            first = first or on
            count = sum(mask.size for mask in on.values())
            differ = sum(int(np.count_nonzero(on[name] != first[name])) for name in on)
            shares.append(differ / count if count else np.nan)
        return np.stack(scores), np.array(shares)
