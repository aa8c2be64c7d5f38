"""The receptive field: which pixels a unit can see at all, by following the windows of the layers down to the input."""

from __future__ import annotations

from typing import NamedTuple

from minitorch_viz._types import Pair
from minitorch_viz.graph import Tape
from minitorch_viz.layers.window import Window
from minitorch_viz.net import Net


class Field(NamedTuple):
    """A rectangle of a map's rows and columns, the last ones not included."""

    top: int
    left: int
    bottom: int
    right: int


def receptive_field(net: Net, tape: Tape, node: str, position: Pair | None) -> Field:
    """The pixels of the net's input, inside the image, that the unit of `node` at (row, column) can depend on.

    position: None for a node without places (a class score). Where a layer reads all of its map, or says nothing of
    its windows, the answer is the whole image. The field of a dilated convolution counts with its holes.
    """
    (name,) = net.inputs
    fields = {node: Field(position[0], position[1], position[0] + 1, position[1] + 1) if position else None}
    for one in reversed(net.nodes):
        if one.name not in fields:
            continue
        field, window = fields.pop(one.name), one.layer.window
        for source in one.inputs:
            shape = tape[source].shape
            below = None
            if field is not None and window is not None and len(shape) == 4:
                below = _below(field, window, (shape[2], shape[3]))
            fields[source] = _union(fields[source], below) if source in fields else below
    found = fields[name]
    return Field(0, 0, *tape[name].shape[2:]) if found is None else found


def _below(field: Field, window: Window, size: Pair) -> Field:
    """What of a layer's input (H, W) the given part of its output reads."""
    first, last = [], []
    for a in (0, 1):
        start, stop = field[a] * window.stride[a] - window.padding[a], (field[2 + a] - 1) * window.stride[a]
        first.append(min(max(start // window.up[a], 0), size[a] - 1))
        last.append(min((stop - window.padding[a] + window.reach[a] - 1) // window.up[a] + 1, size[a]))
    return Field(*first, *last)


def _union(a: Field | None, b: Field | None) -> Field | None:
    if a is None or b is None:
        return None
    return Field(min(a.top, b.top), min(a.left, b.left), max(a.bottom, b.bottom), max(a.right, b.right))
