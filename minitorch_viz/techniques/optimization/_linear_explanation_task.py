"""The net about one input: its straight-line approximation there, and what it truly gives along a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError
from minitorch_viz.layers import Kind
from minitorch_viz.rules.relu import hard_relus
from minitorch_viz.techniques.explain.blank import not_finite
from minitorch_viz.techniques.optimization._linear_explanation_question import Question, questions, says
from minitorch_viz.techniques.optimization._linear_explanation_units import OwnUnits

if TYPE_CHECKING:
    from minitorch_viz.models import Model

BATCH = 8  # inputs of one pass
MOST_EXACT = 20_000_000  # parameters of a linear net that is run in double precision
TRIED = 4  # tasks of which the net itself is asked where the answer turns
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

    @property
    def guess(self) -> float:
        """Return the step along the signs of the gradient at which the answer turns, by the straight line."""
        total = float(np.abs(self.gradient).sum())
        return self.need / total if total > 0 and np.isfinite(self.need) else np.inf

    def point(self, direction: Array, length: float) -> Array:
        """Return the input after a step, within the bounds."""
        return self.units.within(self.units.numbers + length * direction)

    def scores(self, points: Sequence[Array]) -> Array:
        """Return the net's scores for inputs in their own units, (n, K)."""
        x = self.units.net(np.stack(points)).astype(self.model.dtype)
        net = self.model.net
        scores = net.predict(kernels.to_device(x, net.device), upto=self.model.logits, batch=BATCH)
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

    def turn(self, direction: Array, most: float) -> float:
        """Return the shortest length tried, to 1 %, at which the answer turns; NaN if it does at none up to `most`.

        The first guess is the straight line's; from an eighth to 64 times as far is tried.
        """
        slope = float((self.gradient * direction).sum())
        guess = self.need / slope if slope > 0 else np.nan
        if not np.isfinite(guess) or guess <= 0:
            return float("nan")
        ladder = np.array([0, *(factor * guess for factor in LADDER if factor * guess < most)])
        ladder = np.array([*ladder, most]) if np.isfinite(most) else ladder
        while True:
            turned = self._turned(direction, ladder)
            if not turned.any():
                return float("nan")
            place = int(turned.argmax())
            if place == 0:
                return float(ladder[0])
            low, high = ladder[place - 1], ladder[place]
            if high <= EXACT * low or high < 1e-12:
                return float(high)
            between = np.geomspace(low, high, BATCH + 1) if low else np.linspace(low, high, BATCH + 1)
            ladder = np.array([*between[:-1], high])

    def _turned(self, direction: Array, lengths: Array) -> Array:
        return self.question.turned(self.scores([self.point(direction, float(length)) for length in lengths]))

    def _scores_and_gates(self, points: Sequence[Array]) -> tuple[Array, Array]:
        """Return the scores (n, K), and the share (n,) of the ReLUs' units that are not as at the first point."""
        model, names = self.model, hard_relus(self.model.net)
        scores, shares = [], []
        first: dict[str, Array] = {}
        for point in points:
            x = kernels.to_device(self.units.net(point)[None].astype(model.dtype), model.net.device)
            tape = model.net.forward(x, upto=[model.logits])
            scores.append(kernels.to_cpu(tape[model.logits])[0].astype(np.float64))
            on = {name: kernels.to_cpu(tape[name]) > 0 for name in names if name in tape}
            first = first or on
            count = sum(mask.size for mask in on.values())
            differ = sum(int(np.count_nonzero(on[name] != first[name])) for name in on)
            shares.append(differ / count if count else np.nan)
        return np.stack(scores), np.array(shares)


def is_affine(model: Model) -> bool:
    """Return whether the scores are weighted sums of the input, as layers of weights alone make them."""
    from minitorch_viz.graph import needed

    layers = [node.layer for node in needed(model.net.nodes, [model.logits])]
    return all(layer.passes_on or layer.kind in (Kind.WEIGHS, Kind.SUMS) for layer in layers)


def exact(model: Model) -> Model:
    """Return a linear net in double precision, where it is small enough for that; any other as it is."""
    if not is_affine(model) or sum(value.size for value in model.net.params.values()) > MOST_EXACT:
        return model
    return model.astype(np.float64)


def tasks_of(model: Model, units: OwnUnits, x: Array, target: str | int | None) -> list[Task]:
    """Return the task for a net's input x (1, ...), or those of the nearest classes, the nearest first.

    Nearest by the straight line, in the largest change of a number: need / (sum of the gradient's magnitudes).
    Raises SettingError for an unknown target, or one that is the answer already.
    """
    tape = model.net.forward(x, upto=[model.logits])
    scores = kernels.to_cpu(tape[model.logits]).astype(np.float64)
    asked = questions(model, tape, scores[0], target)
    seeds = np.stack([question.weights for question in asked]).astype(model.dtype)  # (Q, K)
    back = model.net.backward(tape, {model.logits: kernels.to_device(seeds, model.net.device)})[model.input]
    gradients = units.gradient(kernels.to_cpu(back).astype(np.float64))  # (Q, ...)
    if not (np.isfinite(scores).all() and np.isfinite(gradients).all()):
        raise SettingError(f"There is no straight line to follow: {not_finite(model.net, tape)}.")
    tasks = [
        Task(model, units, question, gradient, float(question.values(scores)[0]))
        for question, gradient in zip(asked, gradients, strict=True)
    ]
    return sorted(tasks, key=lambda task: task.guess)


def nearest(tasks: Sequence[Task], most: float) -> tuple[Task, float]:
    """Return the task whose answer turns at the least step along the signs of its gradient, and that step.

    Of so many tasks as TRIED the net itself is asked; if none turns up to `most`, it is the first one, and NaN.
    """
    best, turn = tasks[0], np.nan
    for task in tasks[:TRIED]:
        if task.guess < most:
            step = task.turn(np.sign(task.gradient), most)
            if np.isfinite(step):
                best, turn, most = task, step, step
    return best, float(turn)
