"""Which nodes a receptive field is shown for, and which of their units: those that look at one place of the photo."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from minitorch_viz import graph
from minitorch_viz._types import Pair
from minitorch_viz.graph import Tape
from minitorch_viz.techniques.explain.fields import Spot, spot_of
from minitorch_viz.techniques.explain.receptive import Geometry, geometry

if TYPE_CHECKING:
    from minitorch_viz.models import Model


class Row(NamedTuple):
    """Describe where the units of a node look, for a table."""

    node: str
    sides: Pair  # of its map
    size: Pair | None  # of a unit's box; None: perhaps everything
    stride: tuple[float, float] | None
    offset: Pair | None  # the first row and column of the unit (0, 0)
    is_even: bool  # whether all boxes have this size


def rows_of(model: Model, tape: Tape) -> tuple[Row, ...]:
    """Return a row for the input and every node with maps."""
    rows = []
    for name in tape.values:
        if has_maps(model, tape, name):
            rows.append(_row(name, geometry(model, name), (tape[name].shape[2], tape[name].shape[3])))
    return tuple(rows)


def _row(name: str, shape: Geometry | None, sides: Pair) -> Row:
    if shape is None:
        return Row(name, sides, None, None, None, True)
    return Row(name, sides, shape.size, shape.stride, shape.offset, shape.is_even)


def has_maps(model: Model, tape: Tape, name: str) -> bool:
    """Return whether a node gives maps (N, C, h, w) with more than one place, and depends on the picture."""
    shape = tape[name].shape
    return (
        len(shape) == 4
        and shape[2] * shape[3] > 1
        and model.input in graph.ancestors(model.net.nodes, name)
        and graph.channel_axis(model.net.nodes, name) == 1
    )


def default_node(model: Model, tape: Tape) -> str:
    """Return the node of the last features, or the last one with maps, or the class scores."""
    if model.last_conv:
        return model.last_conv
    maps = [name for name in tape.values if name in model.net and has_maps(model, tape, name)]
    return maps[-1] if maps else model.logits or model.net.output


def nodes_along(model: Model, node: str, count: int, rows: Sequence[Row]) -> list[str]:
    """Return up to `count` nodes in the order of the net, `node` among them: those on every way to the answer.

    Of nodes that see alike only the last is taken: behind its gate.
    """
    end = model.logits or model.maps or model.net.output
    trunk = [name for name in graph.on_every_path(model.net.nodes, model.net.inputs, end) if name in model.net]
    seen = {row.node: (row.size, row.stride, row.offset) for row in rows}
    trunk = [name for name in trunk if name in seen]
    kept = [
        name
        for place, name in enumerate(trunk)
        if name == node or place + 1 == len(trunk) or seen[name] != seen[trunk[place + 1]]
    ]
    others = [name for name in kept if name != node and (node not in seen or seen[name] != seen[node])]
    count = min(count - 1, len(others))
    chosen = {others[round(i)] for i in np.linspace(0, len(others) - 1, count)} if count else set()
    order = [*model.net.inputs, *(place.name for place in model.net.nodes)]
    return sorted({*chosen, node}, key=order.index)


def spots_along(
    model: Model,
    tape: Tape,
    nodes: Sequence[str],
    node: str,
    channel: int | None,
    position: Pair | int | None,
) -> list[Spot]:
    """Return the unit of each node: of the chosen one as asked for, of others all channels at the same place."""
    chosen = spot_of(model, tape, node, channel, position)
    return [chosen if name == node else _beside(model, tape, name, chosen) for name in nodes]


def _beside(model: Model, tape: Tape, node: str, chosen: Spot) -> Spot:
    """Return the units of another node whose fields have their middle next to the chosen one's."""
    spot = spot_of(model, tape, node)
    if len(spot.place) != 2:
        return spot
    if spot.shape is None or chosen.shape is None:
        if len(chosen.place) != 2:
            return spot
        place = [p * high // low for p, low, high in zip(chosen.place, chosen.sides, spot.sides, strict=True)]
    else:
        goal, first = chosen.shape.centre((chosen.place[0], chosen.place[1])), spot.shape.centre((0, 0))
        place = [round((goal[a] - first[a]) / spot.shape.stride[a]) for a in (0, 1)]
    inside = tuple(min(max(p, 0), side - 1) for p, side in zip(place, spot.sides, strict=True))
    return spot._replace(place=inside)
