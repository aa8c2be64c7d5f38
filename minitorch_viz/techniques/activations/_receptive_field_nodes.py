"""Which nodes a receptive field is shown for, and which of their units: those that look at one place of the photo."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from minitorch_viz import graph
from minitorch_viz._types import Array, Pair
from minitorch_viz.graph import Tape
from minitorch_viz.techniques.explain.fields import Spot, spot_of
from minitorch_viz.techniques.explain.receptive import geometry

if TYPE_CHECKING:
    from minitorch_viz.models import Model


class Row(NamedTuple):
    """Describe where the units of a node look, for a table."""

    node: str
    sides: Pair  # of its map
    size: tuple[float, float] | None  # of a unit's box; None: perhaps everything
    stride: tuple[float, float] | None
    offset: tuple[float, float] | None  # the first row and column of the unit (0, 0)
    is_even: bool  # whether all boxes have this size


class Table(NamedTuple):
    """Hold a row for the input and for each node with maps; pairs are (vertical, horizontal)."""

    nodes: tuple[str, ...]  # (n,)
    sides: Array  # (n, 2) int: of its map
    sizes: Array  # (n, 2) floats: pixels that a unit can see; NaN: perhaps everything
    strides: Array  # (n, 2) floats: pixels from the field of a unit to that of its neighbour
    offsets: Array  # (n, 2) floats: the first row and column of the unit (0, 0); below 0 it is padding
    is_even: Array  # (n,) bool: whether all boxes have this size

    @property
    def rows(self) -> tuple[Row, ...]:
        """Return one row after the other."""
        return tuple(
            Row(
                node,
                (int(self.sides[i, 0]), int(self.sides[i, 1])),
                _pair(self.sizes[i]),
                _pair(self.strides[i]),
                _pair(self.offsets[i]),
                bool(self.is_even[i]),
            )
            for i, node in enumerate(self.nodes)
        )


def table_of(model: Model, tape: Tape) -> Table:
    """Return the table of a net."""
    names = [name for name in tape.values if has_maps(model, tape, name)]
    shapes = [geometry(model, name) for name in names]
    unknown = (np.nan, np.nan)
    return Table(
        tuple(names),
        np.array([tape[name].shape[2:] for name in names], int).reshape(-1, 2),
        np.array([unknown if shape is None else shape.size for shape in shapes], float).reshape(-1, 2),
        np.array([unknown if shape is None else shape.stride for shape in shapes], float).reshape(-1, 2),
        np.array([unknown if shape is None else shape.offset for shape in shapes], float).reshape(-1, 2),
        np.array([shape is None or shape.is_even for shape in shapes], bool),
    )


def _pair(numbers: Array) -> tuple[float, float] | None:
    return None if np.isnan(numbers[0]) else (float(numbers[0]), float(numbers[1]))


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
    order = [place.name for place in model.net.nodes]
    unlike = [name for name in kept if node not in seen or seen[name] != seen[node]]
    line = sorted({*unlike, node}, key=order.index)
    chosen = sorted({round(i) for i in np.linspace(0, len(line) - 1, min(count, len(line)))})
    place = line.index(node)
    if place not in chosen:
        chosen[int(np.abs(np.array(chosen) - place).argmin())] = place  # in the place of the nearest
    return [line[i] for i in sorted(chosen)]


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
