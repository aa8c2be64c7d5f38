"""Which unit, channel or direction of a node is climbed, and where in the net's input it looks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from minitorch_viz._types import Pair, Region
from minitorch_viz.errors import SettingError, need_whole
from minitorch_viz.graph import channel_axis
from minitorch_viz.objectives import ChannelMean, Direction, Objective
from minitorch_viz.optimize.score import own_size
from minitorch_viz.optimize.transforms import Placed
from minitorch_viz.techniques.explain.chosen import Channels, channel_count, channels_meant, middle_node, probe
from minitorch_viz.techniques.explain.inside import by_channels, unit_inside
from minitorch_viz.techniques.explain.patches import LARGE, MARGIN
from minitorch_viz.techniques.explain.receptive import geometry

if TYPE_CHECKING:
    from minitorch_viz.models import Model

Whole = Literal["unit", "channel"]

SHOWN = 6  # channels, where none is named


class Goal(NamedTuple):
    """Hold what is climbed, and the picture's place in the net's input."""

    node: str
    objectives: tuple[Objective, ...]
    size: Pair  # (H, W) of the pictures
    look: Placed | None  # None: the picture is all that the net sees
    note: str  # on what was chosen; "" if it was named


def goal_of(
    model: Model,
    node: str | None,
    channels: Channels,
    whole: Whole,
    position: Pair | int | None,
    weights: Mapping[int, float] | None,
    plus: int | None,
    minus: int | None,
) -> Goal:
    """Return what the settings mean, resolved without a photo.

    Raises NetError for an unknown node, SettingError for a channel, place or direction that there is not.
    """
    name = node or middle_node(model)
    tape = probe(model, name)
    count, axis = channel_count(model, tape, name), channel_axis(model.net.nodes, name)
    _, maps = by_channels(name, np.zeros(tape[name].shape[1:]), axis)
    has_places = maps.ndim > 1
    if weights is not None and (channels is not None or plus is not None or minus is not None):
        raise SettingError("direction= says all of it; leave out channels=, plus= and minus=.")
    if position is not None and whole == "channel":
        raise SettingError("position= is that of one unit; leave it out of a whole channel.")
    numbers = channels_meant(name, channels, count)
    note = ""
    if numbers is None and weights is None:
        numbers = np.unique(np.linspace(0, count - 1, min(SHOWN, count)).round().astype(int))
        note = f"No channel was named: these are {len(numbers)} of the {count} of {name}, evenly spaced."
    sums = [dict(weights)] if weights is not None else [_summed(int(number), plus, minus) for number in numbers]  # type: ignore[union-attr]  # it is set where there are no weights
    for number in {number for weighed in sums for number in weighed}:
        need_whole(f"channel of {name!r}", number, 0, count - 1)
    place = tuple(side // 2 for side in maps.shape[1:]) if position is None else position
    if not has_places and position is not None:
        raise SettingError(f"Node {name!r} gives one number a channel, so it has no position to choose.")
    objectives = []
    for weighed in sums:
        if whole == "unit" or not has_places:
            units = [
                weight * unit_inside(name, np.zeros(tape[name].shape[1:]), axis, number, place if has_places else None)
                for number, weight in weighed.items()
            ]
            objectives.append(_added(units))
        elif weights is not None:
            vector = np.zeros(count, model.dtype)
            vector[list(weighed)] = list(weighed.values())
            objectives.append(Direction(name, vector, axis=axis))
        else:
            objectives.append(_added([weight * ChannelMean(name, number, axis) for number, weight in weighed.items()]))
    size, look = own_size(model), None
    if whole == "unit" and maps.ndim == 3:
        size, look = where(model, name, place)  # type: ignore[arg-type]  # (row, column) of maps
    return Goal(name, tuple(objectives), size, look, note)


def where(model: Model, node: str, place: Pair) -> tuple[Pair, Placed | None]:
    """Return the size of what a unit sees, with a margin, and its place in the net's input; or all of the input."""
    own, fields = own_size(model), geometry(model, node)
    if fields is None:
        return own, None
    box = fields.box(place)
    sides = (int(end - begin) for begin, end in zip(box[:2], box[2:], strict=True))
    high, wide = (side + 2 * max(1, round(MARGIN * side)) for side in sides)
    if high > LARGE * own[0] or wide > LARGE * own[1]:
        return own, None
    region: Region = (int(box.top), int(box.left), int(box.bottom), int(box.right))
    return (high, wide), Placed(own, region)


def _summed(number: int, plus: int | None, minus: int | None) -> dict[int, float]:
    """Return a channel with another added or taken away, as {channel: weight}."""
    weights = {number: 1.0}
    for other, sign in ((plus, 1.0), (minus, -1.0)):
        if other is None:
            continue
        if other in weights:
            raise SettingError(f"Channel {other} is named twice; plus= and minus= are of other channels.")
        weights[other] = sign
    return weights


def _added(parts: list[Objective]) -> Objective:
    """Return a sum; of one part with weight 1 the part itself."""
    first, *others = parts
    total = first.terms[0][1] if not others and first.terms[0][0] == 1 else first  # type: ignore[attr-defined]  # a weight makes it a Combination
    for part in others:
        total = total + part
    return total


def direction_meant(text: str | Mapping[int, float] | None) -> dict[int, float] | None:
    """Return {channel: weight} of "3:1,17:-1". Raises SettingError for anything else."""
    if text is None:
        return None
    if isinstance(text, Mapping):
        pairs = [(number, float(weight)) for number, weight in text.items()]
    else:
        pairs = []
        for part in filter(None, re.split(r"[,\s]+", text.strip())):
            match = re.fullmatch(r"(\d{1,6}):([-+]?[\d.]+(?:e[-+]?\d+)?)", part)
            try:
                pairs.append((int(match[1]), float(match[2])) if match else (-1, 0.0))
            except ValueError:
                match = None
            if match is None:
                raise SettingError(f'A direction is channels with their weights, "3:1,17:-1", but got {text!r}.')
    weights = dict(pairs)
    if len(weights) < len(pairs):
        raise SettingError(f"direction {text!r} names a channel twice.")
    if not any(weights.values()) or not all(np.isfinite(list(weights.values()))):
        raise SettingError(f"A direction needs a weight that is not 0, but got {text!r}.")
    return weights
