"""Which number a picture explains: a class score, or one unit of any node."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Pair
from minitorch_viz.errors import SettingError, need_whole
from minitorch_viz.graph import Tape

if TYPE_CHECKING:
    from minitorch_viz.models import Model


OPPOSITE = "not "
Classes: TypeAlias = "str | int | Sequence[str | int] | None"  # one, or several: [10, 9], "cat,dog"


@dataclass(frozen=True, eq=False)
class Target:
    """One unit of one node, on one tape; or the opposite of a label, which is its unit with the sign turned."""

    node: str
    index: tuple[int, ...]  # the unit inside the node's output, without the batch axis
    label: str  # in words: 'class "tiger cat" (282)', 'relu3 channel 5 at row 2, column 7'
    value: float  # what the unit gives for the image, times `sign`
    sign: int = 1  # -1 for "not dog": what raises it lowers the score
    question: str | int = ""  # the setting target= that means this class; "" for a unit
    words: str = ""  # what a caption says of the value, if there is more: "score -4, probability 0.018"

    @property
    def reading(self) -> str:
        """The value in a caption's words."""
        return self.words or f"value {self.value:.4g}"

    def seed(self, tape: Tape) -> dict[str, Array]:
        """Seeds for `Net.backward`: 1 at the unit (-1 for an opposite), 0 elsewhere."""
        seed = np.zeros_like(tape[self.node][:1])
        seed[(0, *self.index)] = self.sign
        return {self.node: seed}


def listed(target: Classes) -> list[str | int | None]:
    """The classes that a setting names, one by one: of a list, or of a text with commas between them."""
    if isinstance(target, str):
        return list(target.split(","))
    if isinstance(target, (list, tuple, np.ndarray)):
        if not len(target):
            raise SettingError("target is an empty list; name at least one class, or leave it out for the best.")
        return list(target)
    return [target]  # type: ignore[list-item]  # checked where it is looked up


def _single(target: Classes) -> str | int | None:
    """The one class that a setting names."""
    if isinstance(target, (list, tuple, np.ndarray)):
        several = listed(target)
        if len(several) > 1:
            raise SettingError(f"One class is explained at a time, but target names {len(several)}; give one.")
        return several[0]
    return target  # type: ignore[return-value]  # a text or a number; what else it is is told where it is looked up


def resolve_target(
    model: Model,
    tape: Tape,
    target: Classes = None,
    node: str | None = None,
    channel: int | None = None,
    position: Pair | None = None,
) -> Target:
    """The unit that the settings mean.

    target: a class, by number or name, or "not NAME" where the net has labels or answers yes or no; None is the most
        probable class, or, of a net that is no classifier, the strongest unit of the last node.
    node, channel, position: a unit inside the net instead. A channel left out is the strongest one; a position
        (row, column) left out is where the channel is strongest on this image.

    Raises SettingError if a class and a node are both named, or if a number is out of range.
    """
    chosen = _single(target)
    if not model.logits and node is None:
        if chosen is not None:
            raise SettingError(
                f"{model.name} has no class scores, so target={chosen!r} names nothing; name a unit: node="
                f"{model.net.output!r} and a channel."
            )
        node = model.net.output  # no classes: the strongest unit of the last node
    if node is None or node == model.logits:
        if node is None and (channel is not None or position is not None):
            raise SettingError(
                "channel and position belong to a node; name it with node=, or give target= for a class."
            )
        if channel is not None:
            chosen = channel if chosen is None else chosen
        return _of_class(model, kernels.to_cpu(tape[model.logits])[:1], chosen)
    if chosen is not None:
        raise SettingError(f"Give either a class (target={chosen!r}) or a node (node={node!r}), not both.")
    maps = kernels.to_cpu(tape[node])[0]
    if maps.ndim not in (1, 3):
        raise SettingError(f"Node {node!r} gives an array of shape {maps.shape}, which has no channels to choose from.")
    channel = (
        need_whole(f"channel of {node!r}", channel, 0, len(maps) - 1)
        if channel is not None
        else _strongest_channel(maps)
    )
    if maps.ndim == 1:
        if position is not None:
            raise SettingError(f"Node {node!r} gives one number a channel, so it has no position to choose.")
        return Target(node, (channel,), f"{node} unit {channel}", float(maps[channel]))
    if position is None:
        row, column = (int(i) for i in np.unravel_index(np.argmax(maps[channel]), maps.shape[1:]))
    else:
        row = need_whole(f"row of {node!r}", position[0], 0, maps.shape[1] - 1)
        column = need_whole(f"column of {node!r}", position[1], 0, maps.shape[2] - 1)
    label = f"{node} channel {channel} at row {row}, column {column}"
    return Target(node, (channel, row, column), label, float(maps[channel, row, column]))


def _of_class(model: Model, scores: Array, target: str | int | None) -> Target:
    """One class of the scores (1, C), or its opposite."""
    number, sign = (int(np.argmax(scores[0])), 1) if target is None else _class_meant(model, target)
    return _with_sign(model, scores, number, sign)


def opposite_of(model: Model, tape: Tape, unit: Target) -> Target:
    """The opposite of a class: "not dog" of "dog", and "dog" of "not dog"."""
    return _with_sign(model, kernels.to_cpu(tape[unit.node])[:1], unit.index[0], -unit.sign)


def _with_sign(model: Model, scores: Array, number: int, sign: int) -> Target:
    kind, name = model.scores, model.class_names[number]
    score, answer = sign * float(scores[0, number]), float(kind.answers(scores)[0, number])
    if sign > 0:
        label = f'{kind.noun} "{name}" ({number})'
        return Target(model.logits, (number,), label, score, sign, number, kind.words(score, answer))
    label = f'{kind.noun} "not {name}" (the opposite of {number})'
    words = kind.words(score, kind.opposite(answer))
    return Target(model.logits, (number,), label, score, sign, f"{OPPOSITE}#{number}", words)


def _class_meant(model: Model, target: str | int) -> tuple[int, int]:
    """The number of a class, and -1 if its opposite is meant; a class whose name begins with "not" comes first."""
    word = target.strip().lower() if isinstance(target, str) else ""
    names = [
        name.strip().lower() for full in model.class_synonyms or model.class_names for name in (full, *full.split(","))
    ]
    if not word.startswith(OPPOSITE) or word in names:
        return model.class_index(target), 1
    number = model.class_index(word.removeprefix(OPPOSITE))
    if not model.scores.has_opposite:
        raise SettingError(f"{model.name} has nothing to say on {target!r}: {model.scores.remark}.")
    return number, -1


def _strongest_channel(maps: Array) -> int:
    return int(np.argmax(maps.reshape(len(maps), -1).max(axis=1)))
