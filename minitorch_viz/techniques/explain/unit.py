"""Which number a picture explains: a class score, or one unit of any node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias, TypedDict, Unpack

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Pair
from minitorch_viz.errors import SettingError, need_whole
from minitorch_viz.graph import Tape, channel_axis
from minitorch_viz.objectives import Combination, Objective, Unit

if TYPE_CHECKING:
    from minitorch_viz.models import Model


OPPOSITE = "not "
MAPS_A_PAGE = 8
Target: TypeAlias = str | int | Objective  # a class, or in Python an objective of one's own
Targets: TypeAlias = Target | Sequence[Target] | None  # one, or several: [10, 9], "cat,dog"


class Which(TypedDict, total=False):
    """Say which number is explained: the settings that the techniques have in common, `**choice: Unpack[Which]`.

    Args:
        target: the class, by number or name; by default the most probable one
        node: explain a unit of this node instead of a class
        channel: the unit's channel; by default the strongest on this image
        position: the unit's row and column; by default where the channel is strongest

    A unit of a sequence (T, D) is one of D channels at one of T steps: there `position` is a number, the step.

    In Python `target` may also be a `Unit`, or any other objective where the technique needs no more than its value and
    its seeds: `saliency(model, photo, target=ChannelMean("conv5", 7))`.
    """

    target: Targets
    node: str | None
    channel: int | None
    position: Pair | int | None


def listed(target: Targets) -> list[Target | None]:
    """Return what a setting names, one by one: of a list, or of a text with commas between the classes."""
    if isinstance(target, str):
        return list(target.split(","))
    if isinstance(target, (list, tuple, np.ndarray)):
        if not len(target):
            raise SettingError("target is an empty list; name at least one class, or leave it out for the best.")
        return list(target)
    return [target]  # type: ignore[list-item]  # checked where it is looked up


def _single(target: Targets) -> Target | None:
    """Return the one class or objective that a setting names."""
    if isinstance(target, (list, tuple, np.ndarray)):
        classes = listed(target)
        if len(classes) > 1:
            raise SettingError(f"One class is explained at a time, but target names {len(classes)}; give one.")
        return classes[0]
    return target  # type: ignore[return-value]  # a text or a number; what else it is is told where it is looked up


def goals(model: Model, **choice: Unpack[Which]) -> list[str]:
    """Return the nodes that are read: a forward pass up to these is enough to `resolve` the settings."""
    targets = listed(choice.get("target"))
    nodes = [node for target in targets if isinstance(target, Objective) for node in target.nodes]
    if not all(isinstance(target, Objective) for target in targets) or choice.get("node"):
        nodes.append(choice.get("node") or model.logits or model.net.output)
    return nodes


def resolve(model: Model, tape: Tape, **choice: Unpack[Which]) -> Unit:
    """Return the unit that the settings mean, with its name in words.

    Raises SettingError if it is no unit but another objective, and what `resolve_any` raises.
    """
    return need_unit(resolve_any(model, tape, **choice))


def need_unit(objective: Objective) -> Unit:
    """Return an objective that is a unit; SettingError if it is another."""
    if isinstance(objective, Unit):
        return objective
    raise SettingError(
        f"Here one unit is explained, a class score or a channel at a place, but target is {objective.label}; "
        "saliency and grad-cam, for example, explain any objective."
    )


def resolve_any(model: Model, tape: Tape, **choice: Unpack[Which]) -> Objective:
    """Return what the settings mean, with its name in words: a unit, or the objective that is given.

    target: a class, by number or name, or "not NAME" where the net has labels or answers yes or no; or an objective;
        None is the most probable class, or, of a net that is no classifier, the strongest unit of the last node.
    node, channel, position: a unit inside the net instead. A channel left out is the strongest one; a position left
        out is where the channel is strongest on this image. Of maps (C, h, w) it is (row, column), of a sequence (T, D)
        a step, and of a node with one number a channel there is none.
    tape: of one image.

    Raises SettingError if a class and a node are both named, or if a number is out of range.
    """
    chosen, node = _single(choice.get("target")), choice.get("node")
    channel, position = choice.get("channel"), choice.get("position")
    if isinstance(chosen, Objective):
        return _given(model, tape, chosen, [node, channel, position])
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
    axis = channel_axis(model.net.nodes, node)
    return _inside(node, kernels.to_cpu(tape[node])[0], axis, channel, position)


def _given(model: Model, tape: Tape, objective: Objective, others: Sequence[object]) -> Objective:
    """Return an objective given in Python, its class scores by their names."""
    if any(setting is not None for setting in others):
        raise SettingError(f"target={objective.label} says all of it; leave out node=, channel= and position=.")
    objective.value(tape)  # SettingError if it does not fit the node
    return _named(model, objective)


def _named(model: Model, objective: Objective) -> Objective:
    if isinstance(objective, Combination):
        return Combination(tuple((weight, _named(model, term)) for weight, term in objective.terms))
    if isinstance(objective, Unit) and objective.node == model.logits and not objective.words:
        return _class_unit(model, objective.index[0] % len(model.class_names), objective.sign)
    return objective


def resolve_several(model: Model, tape: Tape, **choice: Unpack[Which]) -> list[Objective]:
    """Do the same for one target, or for several in a list or with commas between the classes."""
    target = choice.get("target")
    if isinstance(target, str):
        try:
            return [resolve_any(model, tape, **choice)]  # "tench, Tinca tinca" is one class
        except SettingError:
            if "," not in target or choice.get("node") not in (None, model.logits):
                raise
    names = listed(target)
    if len(names) > MAPS_A_PAGE:
        raise SettingError(f"At most {MAPS_A_PAGE} classes fit on one page, but target names {len(names)}.")
    return [resolve_any(model, tape, **(choice | {"target": name})) for name in names]


def _inside(node: str, output: Array, axis: int, channel: int | None, position: Pair | int | None) -> Unit:
    """Return a unit of a node's output for one image: maps (C, h, w), a sequence (T, D) or (C, T), or (C,).

    axis: of the channels, with the images as axis 0; -1 is the last.
    """
    if output.ndim not in (1, 2, 3):
        raise SettingError(
            f"Node {node!r} gives an array of shape {output.shape}, which has no channels to choose from."
        )
    axis = axis % (output.ndim + 1) - 1  # without the images
    maps = np.moveaxis(output, axis, 0)
    channel = (
        need_whole(f"channel of {node!r}", channel, 0, len(maps) - 1)
        if channel is not None
        else _strongest_channel(maps)
    )
    if maps.ndim == 1:
        if position is not None:
            raise SettingError(f"Node {node!r} gives one number a channel, so it has no position to choose.")
        return Unit(node, (channel,), f"{node} unit {channel}")
    place = _place(node, maps[channel], position)
    words = f"step {place[0]}" if maps.ndim == 2 else f"row {place[0]}, column {place[1]}"
    return Unit(node, (*place[:axis], channel, *place[axis:]), f"{node} channel {channel} at {words}")


def _place(node: str, values: Array, position: Pair | int | None) -> tuple[int, ...]:
    """Return where a channel's unit is in its map (h, w) or sequence (T,): as given, or where it is strongest."""
    if position is None:
        return tuple(int(i) for i in np.unravel_index(np.argmax(values), values.shape))
    axes = ("row", "column") if values.ndim == 2 else ("step",)
    numbers = tuple(position) if isinstance(position, (tuple, list, np.ndarray)) else (position,)
    if len(numbers) != len(axes):
        needed = "its row and its column" if values.ndim == 2 else "one number, its step"
        raise SettingError(f"The position of a unit of {node!r} is {needed}, but got {position!r}.")
    sides = zip(axes, numbers, values.shape, strict=True)
    return tuple(need_whole(f"{axis} of {node!r}", number, 0, size - 1) for axis, number, size in sides)


def _of_class(model: Model, scores: Array, target: str | int | None) -> Unit:
    """Return one class of the scores (1, C), or its opposite."""
    number, sign = (int(np.argmax(scores[0])), 1) if target is None else _class_meant(model, target)
    return _class_unit(model, number, sign)


def opposite_of(model: Model, unit: Unit) -> Unit:
    """Return the opposite of a class: "not dog" of "dog", and "dog" of "not dog"."""
    return _class_unit(model, unit.index[0], -unit.sign)


def _class_unit(model: Model, number: int, sign: int) -> Unit:
    noun, name = model.scores.noun, model.class_names[number]
    words = f'"{name}" ({number})' if sign > 0 else f'"not {name}" (the opposite of {number})'
    return Unit(model.logits, (number,), f"{noun} {words}", sign)


def target_of(unit: Unit) -> str | int:
    """Return the setting target= that means the unit of a class, or of its opposite."""
    (number,) = unit.index
    return number if unit.sign > 0 else f"{OPPOSITE}#{number}"


def value_of(objective: Objective, tape: Tape) -> float:
    """Return what an objective is on a tape of one image."""
    return float(kernels.to_cpu(objective.value(tape))[0])


def reading_of(model: Model, tape: Tape, objective: Objective) -> str:
    """Return what a caption says of a value on a tape of one image: "score -4, probability 0.018"."""
    value, unit = value_of(objective, tape), objective
    if not isinstance(unit, Unit) or unit.node != model.logits:
        return f"value {value:.4g}"
    kind = model.scores
    answer = float(kind.answers(kernels.to_cpu(tape[unit.node])[:1])[0, unit.index[0]])
    return kind.words(value, answer if unit.sign > 0 else kind.opposite(answer))


def _class_meant(model: Model, target: str | int) -> tuple[int, int]:
    """Return the number of a class, and -1 if its opposite is meant; a class called "not ..." comes first."""
    word = target.strip().lower() if isinstance(target, str) else ""
    if not word.startswith(OPPOSITE):
        return model.class_index(target), 1
    names = [
        name.strip().lower() for full in model.class_synonyms or model.class_names for name in (full, *full.split(","))
    ]
    if word in names:
        return model.class_index(target), 1
    number = model.class_index(word.removeprefix(OPPOSITE))
    if not model.scores.has_opposite:
        raise SettingError(f"{model.name} has nothing to say on {target!r}: {model.scores.remark}.")
    return number, -1


def _strongest_channel(maps: Array) -> int:
    return int(np.argmax(maps.reshape(len(maps), -1).max(axis=1)))
