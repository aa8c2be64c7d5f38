"""Which number a picture explains: a class score, a channel over a part of its map, or one unit of any node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias, TypedDict, Unpack

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Pair, Region
from minitorch_viz.errors import SettingError
from minitorch_viz.graph import Tape, channel_axis
from minitorch_viz.objectives import ChannelSum, Combination, Objective, Unit
from minitorch_viz.techniques.explain.channels import channel_of_answer, summed
from minitorch_viz.techniques.explain.inside import by_channels, channel_in, unit_inside
from minitorch_viz.techniques.explain.places import Mask

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
        position: the unit's row and column (of a sequence its step); by default where the channel is strongest
        region: sum the channel over this rectangle of what the net sees, in its pixels: up to, and without, row BOTTOM
            and column RIGHT
        mask: sum the channel over what a picture file marks, over all places (all), or where it wins (wins)

    A unit of a sequence (T, D) is one of D channels at one of T steps: there `position` is a number, the step.

    Of a net that ends in maps (segmentation) `target` is a channel, summed over the places where it wins, unless
    `region`, `mask` or `position` say another part; by default it is the one that wins the most places, background
    last. With `node`, `region` and `mask` sum a channel of any maps. A mask is of the map's size, of the net's input's,
    or prepared as the photo is; in Python it may be an array of bool or of weights.

    In Python `target` may also be a `Unit`, or any other objective where the technique needs no more than its value and
    its seeds: `saliency(model, photo, target=ChannelMean("conv5", 7))`.
    """

    target: Targets
    node: str | None
    channel: int | None
    position: Pair | int | None
    region: Region | None
    mask: Mask | None


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
        nodes.append(choice.get("node") or model.logits or model.maps or model.net.output)
    return nodes


def resolve(model: Model, tape: Tape, **choice: Unpack[Which]) -> Unit:
    """Return the unit that the settings mean, with its name in words.

    Raises SettingError if it is no unit but another objective, and what `resolve_any` raises.
    """
    return need_unit(resolve_any(model, tape, **choice))


def need_sum(objective: Objective) -> Objective:
    """Return an objective that is a weighted sum of units, which can be handed down; SettingError if it is another."""
    if objective.is_sum:
        return objective
    raise SettingError(
        f"Here a sum of units is explained, such as a class score or a channel over a region, but target is "
        f"{objective.label}; saliency and grad-cam, for example, explain any objective."
    )


def need_unit(objective: Objective) -> Unit:
    """Return an objective that is a unit; SettingError if it is another."""
    if isinstance(objective, Unit):
        return objective
    raise SettingError(
        f"Here one unit is explained, a class score or a channel at a place, but target is {objective.label}; "
        "saliency and grad-cam, for example, explain any objective."
    )


def resolve_any(model: Model, tape: Tape, **choice: Unpack[Which]) -> Objective:
    """Return what the settings mean, with its name in words: a unit, a channel's sum, or the objective that is given.

    target: a class, by number or name, or "not NAME" where the net has labels or answers yes or no; or an objective;
        None is the most probable class, or, of a net that is no classifier, the strongest unit of the last node. Of a
        net that ends in maps it is a channel (`explain/channels.py`).
    node, channel, position: a unit inside the net instead. A channel left out is the strongest one; a position left
        out is where the channel is strongest on this image. Of maps (C, h, w) it is (row, column), of a sequence (T, D)
        a step, and of a node with one number a channel there is none.
    region, mask: a channel's sum over places (`explain/places.py`).
    tape: of one image.

    Raises SettingError if a class and a node are both named, or if a number is out of range.
    """
    chosen, node = _single(choice.get("target")), choice.get("node")
    channel, position = choice.get("channel"), choice.get("position")
    region, mask = choice.get("region"), choice.get("mask")
    is_part = region is not None or mask is not None
    if isinstance(chosen, Objective):
        return _given(model, tape, chosen, [node, channel, position, region, mask])
    if is_part and position is not None:
        raise SettingError("position= is one place; leave it out where region= or mask= say which places are summed.")
    if not model.logits and node is None:
        if model.maps:
            channel = chosen if chosen is not None else channel  # type: ignore[assignment]  # find_class takes a name
            return channel_of_answer(model, tape, channel, position, region, mask)
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
        if is_part:
            raise SettingError(
                "A class score has no places: region= and mask= belong to a node with maps; name it with node=."
            )
        if channel is not None:
            chosen = channel if chosen is None else chosen
        return _of_class(model, kernels.to_cpu(tape[model.logits])[:1], chosen)
    if chosen is not None:
        raise SettingError(f"Give either a class (target={chosen!r}) or a node (node={node!r}), not both.")
    axis = channel_axis(model.net.nodes, node)
    output = kernels.to_cpu(tape[node])[0]
    if not is_part:
        return unit_inside(node, output, axis, channel, position)
    _, maps = by_channels(node, output, axis)
    if maps.ndim == 1:
        raise SettingError(
            f"Node {node!r} gives one number a channel: it has no places that region= or mask= could name."
        )
    number = channel_in(node, maps, channel)
    return summed(model, tape, node, number, axis, f"{node} channel {number}", region, mask)


def _given(model: Model, tape: Tape, objective: Objective, others: Sequence[object]) -> Objective:
    """Return an objective given in Python, its class scores by their names."""
    if any(setting is not None for setting in others):
        raise SettingError(
            f"target={objective.label} says all of it; leave out node=, channel=, position=, region= and mask=."
        )
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


def target_of(unit: Unit | ChannelSum) -> str | int:
    """Return the setting target= that means the unit of a class, or of its opposite, or a channel of the answer."""
    if isinstance(unit, ChannelSum):
        return unit.channel
    number = unit.index[0]
    return number if unit.sign > 0 else f"{OPPOSITE}#{number}"


def value_of(objective: Objective, tape: Tape) -> float:
    """Return what an objective is on a tape of one image."""
    return float(kernels.to_cpu(objective.value(tape))[0])


def reading_of(model: Model, tape: Tape, objective: Objective) -> str:
    """Return what a caption says of a value on a tape of one image: "score -4, probability 0.018"."""
    value, unit = value_of(objective, tape), objective
    if isinstance(objective, ChannelSum) and not objective.mean:
        return f"sum {value:.4g}, mean {value / objective.count(tape):.3g}"
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
