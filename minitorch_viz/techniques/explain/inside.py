"""Units inside a net: a channel of a node, at a place of its maps, a step of a sequence, or neither."""

from __future__ import annotations

import numpy as np

from minitorch_viz._types import Array, Pair
from minitorch_viz.errors import SettingError, need_whole
from minitorch_viz.objectives import Unit


def unit_inside(node: str, output: Array, axis: int, channel: int | None, position: Pair | int | None) -> Unit:
    """Return a unit of a node's output for one image: maps (C, h, w), a sequence (T, D) or (C, T), or (C,).

    axis: of the channels, with the images as axis 0; -1 is the last. A channel left out is the strongest one; a
    position left out is where the channel is strongest.
    """
    axis, maps = by_channels(node, output, axis)
    channel = channel_in(node, maps, channel)
    if maps.ndim == 1:
        if position is not None:
            raise SettingError(f"Node {node!r} gives one number a channel, so it has no position to choose.")
        return Unit(node, (channel,), f"{node} unit {channel}")
    place = place_in(node, maps[channel], position)
    words = f"step {place[0]}" if maps.ndim == 2 else f"row {place[0]}, column {place[1]}"
    return Unit(node, (*place[:axis], channel, *place[axis:]), f"{node} channel {channel} at {words}")


def by_channels(node: str, output: Array, axis: int) -> tuple[int, Array]:
    """Return the axis of the channels without the images, and a view (C, ...); SettingError if there are none."""
    if output.ndim not in (1, 2, 3):
        raise SettingError(
            f"Node {node!r} gives an array of shape {output.shape}, which has no channels to choose from."
        )
    axis = axis % (output.ndim + 1) - 1
    return axis, np.moveaxis(output, axis, 0)


def channel_in(node: str, maps: Array, channel: int | None) -> int:
    """Return the number of a channel of (C, ...), by default of the strongest."""
    if channel is None:
        return int(np.argmax(maps.reshape(len(maps), -1).max(axis=1)))
    return need_whole(f"channel of {node!r}", channel, 0, len(maps) - 1)


def place_in(node: str, values: Array, position: Pair | int | None) -> tuple[int, ...]:
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
