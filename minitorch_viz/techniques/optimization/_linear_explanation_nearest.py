"""Which class is to become the answer: the one that is asked for, or the one that the least step leads to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError
from minitorch_viz.graph import needed
from minitorch_viz.layers import Kind
from minitorch_viz.techniques.explain.blank import not_finite
from minitorch_viz.techniques.optimization._linear_explanation_question import questions
from minitorch_viz.techniques.optimization._linear_explanation_task import Task
from minitorch_viz.techniques.optimization._linear_explanation_units import OwnUnits

if TYPE_CHECKING:
    from minitorch_viz.models import Model

MOST_EXACT = 20_000_000  # parameters of a linear net that is run in double precision
TRIED = 4  # tasks of which the net itself is asked where the answer turns


def is_affine(model: Model) -> bool:
    """Return whether the scores are weighted sums of the input, as layers of weights alone make them."""
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
    return sorted(tasks, key=lambda task: task.guess(np.sign(task.gradient)))


def nearest(tasks: Sequence[Task], most: float) -> tuple[Task, float]:
    """Return the task whose answer turns at the least step along the signs of its gradient, and that step.

    Of so many tasks as TRIED the net itself is asked; if none turns up to `most`, it is the first one, and NaN.
    """
    best, turn = tasks[0], np.nan
    for task in tasks[:TRIED]:
        signs = np.sign(task.gradient)
        if task.guess(signs) < most:
            step = task.turn(signs, most)
            if np.isfinite(step):
                best, turn, most = task, step, step
    return best, float(turn)
