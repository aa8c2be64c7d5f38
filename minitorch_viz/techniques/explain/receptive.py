"""The receptive field: which pixels a unit can see at all, by following the windows of the layers down to the input."""

from __future__ import annotations

from minitorch_viz import graph
from minitorch_viz._types import Pair
from minitorch_viz.graph import Tape
from minitorch_viz.layers.window import Field
from minitorch_viz.net import Net

__all__ = ["Field", "receptive_field"]


def receptive_field(net: Net, tape: Tape, node: str, position: Pair | Field | None) -> Field:
    """Return the pixels of the net's input, inside the image, that the unit of `node` at (row, column) can depend on.

    position: of several units the rectangle of their places; None for a node without places (a class score).
    Where a layer reads all of its map, or says nothing of
    its windows, the answer is the whole image.
    """
    (name,) = net.inputs
    field = graph.receptive_field(net.nodes, tape, node, position, name)
    return Field(0, 0, *tape[name].shape[2:]) if field is None else field
