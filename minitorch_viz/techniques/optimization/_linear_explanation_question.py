"""What is to change: one number made of the net's scores, and the border beyond which the answer is another."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError
from minitorch_viz.models.scores import Classes, Numbers
from minitorch_viz.techniques.explain.unit import resolve

if TYPE_CHECKING:
    from minitorch_viz.graph import Tape
    from minitorch_viz.models import Model

CANDIDATES = 9  # other answers among which the nearest is looked for


class Question(NamedTuple):
    """Hold the number that is raised, value = scores . weights, and what it means."""

    weights: Array  # (K,): 1 for the class that is wanted and -1 for the answer, or one score alone
    border: float  # the value above which the answer is the other one; NaN of plain numbers
    answer: int  # the class that the net finds; -1 where classes do not exclude each other
    target: int  # the class, label or output that is wanted
    quantity: str  # 'score of "dog" less that of "cat"'
    label: str  # "cat to dog"
    goal: str  # "dog"

    def values(self, scores: Array) -> Array:
        """Return (n,) for scores (n, K)."""
        values: Array = scores @ self.weights
        return values

    def turned(self, scores: Array) -> Array:
        """Return (n,) bool: for which scores (n, K) the answer is the one that is wanted."""
        if self.answer < 0:
            return self.values(scores) > self.border  # of plain numbers never: NaN
        turned: Array = scores.argmax(axis=1) == self.target
        return turned


def questions(model: Model, tape: Tape, scores: Array, target: str | int | None) -> list[Question]:
    """Return the question that `target` asks, or those among which the nearest is chosen; scores (K,).

    Raises SettingError for an unknown target, and for one that is the answer already.
    """
    if target is not None:
        unit = resolve(model, tape, target=target)
        return [_question(model, scores, unit.index[0], unit.sign)]
    if isinstance(model.scores, Numbers):
        return [_question(model, scores, int(scores.argmax()), 1)]
    if isinstance(model.scores, Classes):
        others = [int(k) for k in np.argsort(-scores, kind="stable")[1 : CANDIDATES + 1]]
        return [_question(model, scores, other, 1) for other in others]
    border = _border(model)
    nearest = np.argsort(np.abs(scores - border), kind="stable")[: CANDIDATES + 1]
    return [_question(model, scores, int(k), -1 if scores[k] > border else 1) for k in nearest]


def _question(model: Model, scores: Array, target: int, sign: int) -> Question:
    weights = np.zeros(len(scores))
    weights[target] = sign
    name = model.class_names[target]
    if isinstance(model.scores, Numbers):
        return Question(weights, np.nan, -1, target, f"value of {name}", f"more {name}", name)
    if isinstance(model.scores, Classes):
        answer = int(scores.argmax())
        if answer == target:
            raise SettingError(
                f"The net's answer is {name!r} already; name another class with target=, or leave it out for the "
                "nearest one."
            )
        weights[answer] = -1
        first = model.class_names[answer]
        return Question(
            weights, 0.0, answer, target, f"score of {name} less that of {first}", f"{first} to {name}", name
        )
    border = sign * _border(model)
    if sign * scores[target] > border:
        opposite = name if sign < 0 else f"not {name}"
        raise SettingError(
            f"The net's answer is {'not ' if sign < 0 else ''}{name!r} already; target={opposite!r} asks for the "
            "opposite."
        )
    states = (f"not {name}", name)[::sign]
    quantity = f"score of {name}" if sign > 0 else f"score of {name}, negated"
    return Question(weights, border, -1, target, quantity, f"{states[0]} to {states[1]}", states[1])


def _border(model: Model) -> float:
    """Return the score at which a label's probability is one half."""
    return 0.5 if model.scores.squashed else 0.0


def says(model: Model, question: Question, scores: Array) -> tuple[str, ...]:
    """Return what the net says for scores (n, K), in a few words each: "dog 0.71"."""
    answers = model.scores.answers(scores)
    chosen = scores.argmax(axis=1) if question.answer >= 0 else np.full(len(scores), question.target)
    rows = np.arange(len(scores))
    form = "{} ({:.3g})" if isinstance(model.scores, Numbers) else "{} ({:.2f})"
    names = [model.class_names[k] for k in chosen]
    return tuple(form.format(name, float(value)) for name, value in zip(names, answers[rows, chosen], strict=True))
