"""What is attacked: a net, the answers that are to go away, and those that are wanted instead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError
from minitorch_viz.graph import Tape
from minitorch_viz.models.scores import Classes, Labels, Numbers, Scores, YesNo
from minitorch_viz.optimize.attacks.box import Box
from minitorch_viz.optimize.attacks.losses import Loss

if TYPE_CHECKING:
    from minitorch_viz.models import Model

AT_ONCE = 16  # pictures that go through the net together
LEAST = 1e-300  # a probability of which a logarithm is still taken


class Pass(NamedTuple):
    """Hold a forward pass of some pictures: their scores, and all that a backward pass needs."""

    aim: Aim
    tape: Tape
    logits: Array  # (n, K) float64

    def back(self, seeds: Array) -> Array:
        """Return the gradient (n, ...) by the values of a number for each picture with the gradient (n, K) by logits.

        Each picture's seeds are made 1 at most on the way and scaled back after: a tiny slope is no zero in float32.
        """
        model, box = self.aim.model, self.aim.box
        scale = np.abs(seeds).max(axis=1)
        scale = np.where(scale > 0, scale, 1.0)
        raw = kernels.to_cpu(self.tape[model.logits])
        by_scores = _back_to_scores(model.scores, raw.astype(np.float64), seeds / scale[:, None])
        start = kernels.to_device(by_scores.astype(raw.dtype), model.net.device)
        gradient = model.net.backward(self.tape, {model.logits: start}, wrt=(model.input,))[model.input]
        values = box.gradient(kernels.to_cpu(gradient))
        scaled: Array = values * scale.reshape(-1, *[1] * (values.ndim - 1))
        return scaled


@dataclass(frozen=True, eq=False)
class Aim:
    """Say what an attack of N pictures wants of a net. Pictures are pixels (N, C, H, W), float64 from 0 to 255.

    Of nets of numbers the "pixels" are the values that `box` says, (N, D) or (N, T, D).
    """

    model: Model
    labels: Array  # (N,) int: the answers that are to go away
    targets: Array | None  # (N,) int: the answers that are wanted; None: any other
    box: Box
    batch: int = AT_ONCE

    @property
    def classes(self) -> tuple[str, ...]:
        """Return the names of the K answers; of a net that says yes or no these are two."""
        names = self.model.class_names
        return (f"not {names[0]}", names[0]) if isinstance(self.model.scores, YesNo) else names

    def forward(self, pixels: Array) -> Pass:
        """Run a forward pass of some pictures (n, ...), all at once, from which `back` goes on."""
        model = self.model
        x = kernels.to_device(self.box.net(pixels), model.net.device)
        tape = model.net.forward(x, upto=(model.logits,), fuse=True)
        return Pass(self, tape, self.scores(tape[model.logits]))

    def scores(self, raw: Array) -> Array:
        """Return the scores (n, K) float64, of which the largest is the answer, of what the net gives at its logits."""
        return _logits(self.model.scores, kernels.to_cpu(raw).astype(np.float64))

    def logits(self, pixels: Array) -> Array:
        """Return the scores (N, K) float64 of pictures (N, ...), of which the largest is the answer."""
        parts = [self.forward(pixels[part]).logits for part in self._parts(len(pixels))]
        return np.concatenate(parts)

    def loss_and_gradient(self, pixels: Array, loss: Loss) -> tuple[Array, Array, Array]:
        """Return the loss (N,) of pictures (N, ...), its gradient by the pixels (N, ...), and the logits (N, K)."""
        values, gradients, logits = [], [], []
        for part in self._parts(len(pixels)):
            run = self.forward(pixels[part])
            value, seeds = self.of(part).loss(run.logits, loss)
            values.append(value)
            gradients.append(run.back(seeds))
            logits.append(run.logits)
        return np.concatenate(values), np.concatenate(gradients), np.concatenate(logits)

    def loss(self, logits: Array, loss: Loss) -> tuple[Array, Array]:
        """Return a loss (N,) of scores (N, K), and its gradient by them (N, K)."""
        return loss(logits, self.labels, self.targets)

    def fooled(self, logits: Array) -> Array:
        """Return (N,) bool: whether the answer is the target, or without one any but the label. NaN is no answer."""
        answers = logits.argmax(axis=1)
        reached = answers != self.labels if self.targets is None else answers == self.targets
        fooled: Array = reached & np.isfinite(logits).all(axis=1)
        return fooled

    def shares(self, logits: Array) -> Array:
        """Return the probability of each answer (N, K): a softmax, of labels beside one another their sigmoids."""
        kind = self.model.scores
        if isinstance(kind, Labels) and not isinstance(kind, YesNo):
            return Labels().answers(logits)
        return Classes().answers(logits)

    def of(self, chosen: Any) -> Self:
        """Return the aim at some of the pictures: a slice, numbers, or a mask (N,)."""
        targets = None if self.targets is None else self.targets[chosen]
        return replace(self, labels=self.labels[chosen], targets=targets)

    def _parts(self, count: int) -> list[slice]:
        return [slice(begin, begin + self.batch) for begin in range(0, count, self.batch)]


def cannot_be_fooled(model: Model) -> str | None:
    """Return why a net has no answer that could be another one, a sentence without its end; None if it has."""
    if not model.logits:
        return f"{model.name} is no classifier: it ends in feature maps, not in class scores"
    if isinstance(model.scores, Numbers):
        return f"{model.name} gives plain numbers, and no class that could be another one"
    return None


def aim_at(
    model: Model,
    x: Array,
    *,
    labels: Sequence[int] | Array | None = None,
    targets: Sequence[int] | Array | int | None = None,
    box: Box | None = None,
    batch: int = AT_ONCE,
) -> tuple[Aim, Array]:
    """Return the aim at a net's inputs x (N, ...), as its reader gives them, and their pixels (N, ...) float64.

    labels: the answers that are to go away; None: what the net answers to each. targets: the answers that are wanted,
    one for each picture or one for all; None: any other. box: None: `Box.of` the inputs.

    Raises SettingError for a net without classes, a class that it has not, or a target that is the label.
    """
    if why := cannot_be_fooled(model):
        raise SettingError(f"{why}.")
    box = box or Box.of(model, kernels.to_cpu(x))
    pixels = box.values(kernels.to_cpu(x))
    none = np.zeros(len(pixels), np.int64)
    aim = Aim(model, none, None, box, batch)
    count = len(aim.classes)
    answers = (
        aim.logits(pixels).argmax(axis=1) if labels is None else _class_numbers(labels, len(pixels), count, "label")
    )
    wanted = None if targets is None else _class_numbers(targets, len(pixels), count, "target")
    if wanted is not None and (wanted == answers).any():
        number = int(wanted[wanted == answers][0])
        raise SettingError(
            f"The target, {aim.classes[number]} ({number}), is the answer already: nothing is to be changed. Name "
            "another class."
        )
    return replace(aim, labels=answers, targets=wanted), pixels


def _class_numbers(numbers: Any, count: int, classes: int, noun: str) -> Array:
    array = np.asarray(numbers)
    if array.ndim == 0:
        array = np.full(count, array)
    whole = array.shape == (count,) and array.dtype.kind in "iu"
    if not whole or (count and not 0 <= array.min() <= array.max() < classes):
        raise SettingError(
            f"There must be one {noun} for each of {count} inputs, a whole number from 0 to {classes - 1}, but got "
            f"{numbers!r:.60}."
        )
    return array.astype(np.int64)


def _logits(scores: Scores, raw: Array) -> Array:
    """Return numbers (N, K) of which the largest is the answer and whose softmax means something: see `Scores`.

    Probabilities become logarithms again; of a net that says yes or no, "no" is a second class with the score 0.
    """
    if scores.squashed and isinstance(scores, Classes):
        raw = np.log(np.maximum(raw, LEAST))
    elif scores.squashed and isinstance(scores, Labels):
        raw = np.log(np.maximum(raw, LEAST)) - np.log(np.maximum(1 - raw, LEAST))
    return np.concatenate([np.zeros_like(raw), raw], axis=1) if isinstance(scores, YesNo) else raw


def _back_to_scores(scores: Scores, raw: Array, seeds: Array) -> Array:
    """Carry a gradient by `_logits` (N, K) back to what the net gives."""
    seeds = seeds[:, 1:] if isinstance(scores, YesNo) else seeds
    if scores.squashed and isinstance(scores, Classes):
        seeds = seeds / np.maximum(raw, LEAST)
    elif scores.squashed and isinstance(scores, Labels):
        seeds = seeds / np.maximum(raw * (1 - raw), LEAST)
    return seeds
