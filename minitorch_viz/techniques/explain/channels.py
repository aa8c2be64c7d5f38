"""What a net that ends in maps is asked: a channel, summed over the places where it wins, or over others, or one place.

A segmentation net answers at each place, and the channel that is strongest there wins it. The sum of a channel's scores
over the places where it wins in this picture is the one number that is explained by default (as Captum's tutorial does
and pytorch-grad-cam's): "why road, where you see road?". Where channels do not exclude one another (sigmoids), or there
is only one, a channel wins where it says yes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Pair, Region
from minitorch_viz.graph import Tape
from minitorch_viz.models.classes import find_class
from minitorch_viz.models.segments import is_background, yes_above
from minitorch_viz.objectives import ChannelSum, Objective, Unit
from minitorch_viz.techniques.explain.inside import place_in
from minitorch_viz.techniques.explain.places import WINS, Mask, chosen_places

if TYPE_CHECKING:
    from minitorch_viz.models import Model


def channel_of_answer(
    model: Model,
    tape: Tape,
    target: str | int | None,
    position: Pair | int | None = None,
    region: Region | None = None,
    mask: Mask | None = None,
) -> Objective:
    """Return what the settings mean of the maps that a net ends in: a channel's sum, or its unit at a position.

    target: the channel, by number or name; None: the one that wins the most places, background last.
    """
    maps = kernels.to_cpu(tape[model.maps])[0]
    number = (
        ranked(model, maps)[0] if target is None else find_class(target, model.channel_names(len(maps)), model.name)
    )
    name = f"{model.maps} {named(model, number)}"
    if position is not None:
        row, column = place_in(model.maps, maps[number], position)
        return Unit(model.maps, (number, row, column), f"{name} at row {row}, column {column}")
    asked = WINS if region is None and mask is None else mask
    return summed(model, tape, model.maps, number, 1, name, region, asked)


def summed(
    model: Model,
    tape: Tape,
    node: str,
    channel: int,
    axis: int,
    name: str,
    region: Region | None,
    mask: Mask | None,
) -> ChannelSum:
    """Return the sum of a node's channel over the places that `region` or `mask` means.

    axis: of the channels, with the images as axis 0. name: what the channel is called.
    """
    values = np.moveaxis(kernels.to_cpu(tape[node])[0], axis % tape[node].ndim - 1, 0)
    picture = tape.values.get(model.net.inputs[0])
    seen = values.shape[1:] if picture is None else picture.shape[2:]
    places = chosen_places(model, values.shape[1:], seen, region, mask, lambda: won(model, node, values, channel))
    return ChannelSum(node, channel, places.where, axis=axis, words=f"{name} {places.words}")


def named(model: Model, number: int) -> str:
    """Return a channel in words: 'channel "road" (2)', or 'channel 2' where it has no name."""
    return f'channel "{model.class_names[number]}" ({number})' if model.class_names else f"channel {number}"


def won(model: Model, node: str, maps: Array, channel: int) -> Array:
    """Return where a channel of maps (C, ...) wins, (...) of bool."""
    level = yes_above(model.net, node, len(maps))
    where: Array = maps.argmax(axis=0) == channel if level is None else maps[channel] > level
    return where


def ranked(model: Model, maps: Array) -> list[int]:
    """Return the channels of maps (C, h, w), that which wins the most places first, background last of those that win.

    Of channels that win nowhere the one with the highest value comes first.
    """
    counts = [int(won(model, model.maps, maps, channel).sum()) for channel in range(len(maps))]
    names = model.channel_names(len(maps))
    tops = maps.reshape(len(maps), -1).max(axis=1)

    def rank(channel: int) -> tuple[bool, bool, float, float]:
        count = counts[channel]
        return count == 0, is_background(names[channel]), -count, -float(tops[channel])

    return sorted(range(len(maps)), key=rank)
