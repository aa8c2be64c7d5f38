"""The unit whose field is measured: which pictures excite it most, and the squares on one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from minitorch_viz._types import Array, Pair
from minitorch_viz.data.pictures import Pictures
from minitorch_viz.errors import SettingError, need_whole
from minitorch_viz.graph import ancestors, channel_axis
from minitorch_viz.techniques.activations._occlusion_fills import filling
from minitorch_viz.techniques.activations._unit_field_measure import (
    Measured,
    Opened,
    Squares,
    batches_of,
    colour_of,
    open_picture,
)
from minitorch_viz.techniques.explain.anchored import Anchors, anchors
from minitorch_viz.techniques.explain.nothing import blank_input
from minitorch_viz.techniques.explain.strongest import Top
from minitorch_viz.techniques.run import Pace
from minitorch_viz.techniques.state import State
from minitorch_viz.techniques.tally import Tallied

if TYPE_CHECKING:
    from minitorch_viz.models import Model

TALLY = "tally/"  # in front of the names of the search's arrays, in a state


class Strong(NamedTuple):
    """Hold the strongest answers of one unit, the strongest first."""

    channel: int
    values: Array  # (K,)
    numbers: Array  # (K,) int: of the pictures
    places: Array  # (K, 2) int: row and column in the node's map


@dataclass(frozen=True)
class Search:
    """Hold what is looked for, and where."""

    model: Model
    pictures: Pictures
    node: str
    channel: int | None  # None: that of the strongest answer
    squares: Squares
    anchors: Anchors
    shown: dict[tuple[int, int, int], Opened] = field(default_factory=dict)  # pictures that have been opened, no tapes

    def strongest(self, step: Tallied) -> Strong | None:
        """Return the strongest answers so far; None as long as no picture could be read."""
        if not step.tallies[0].arrays:
            return None
        top: Top = step.tallies[0].result()
        if self.channel is None:
            channel = int(np.nan_to_num(top.values[:, 0], nan=-np.inf).argmax())
        else:
            channel = self.channel
        count = max(top.count(channel), 1)
        places = np.stack([top.rows[channel, :count], top.columns[channel, :count]], axis=1)
        return Strong(channel, top.values[channel, :count], top.numbers[channel, :count], places)

    def open(self, strong: Strong, rank: int) -> Opened:
        """Return a top picture with its tape."""
        row, column = strong.places[rank].tolist()
        number = int(strong.numbers[rank])
        return open_picture(self.model, self.pictures, number, self.node, strong.channel, (row, column), self.anchors)

    def opened(self, strong: Strong, rank: int) -> Opened:
        """Return a top picture without its tape, which is large; each is read once."""
        key = (strong.channel, int(strong.numbers[rank]), rank)
        if key not in self.shown:
            self.shown[key] = self.open(strong, rank)._replace(tape=None)
        return self.shown[key]

    def measured(self, strong: Strong, batch: int, state: State | None) -> Iterator[Measured]:
        """Cover one top picture after the other, and yield what is known so far."""
        squares, count = self.squares, len(strong.numbers)
        changes = Measured.nothing(count, squares).changes
        touching = [squares.touching(self.opened(strong, rank).box) for rank in range(count)]
        for rank in range(count):
            changes[rank][~touching[rank]] = 0  # the square is nowhere in what the unit can see
        total, begun = int(sum(t.sum() for t in touching)), 0
        if state is not None and "changes" in state.arrays:
            changes[:], begun = state.arrays["changes"], int(state.numbers["measured"])
        done, pace = 0, Pace()
        if begun == total:
            yield Measured(changes.copy(), total, total)
            return
        for rank in range(count):
            opened = None
            for row, columns in batches_of(touching[rank], batch):
                done += len(columns)
                if done <= begun:
                    continue
                if opened is None:
                    opened = self.open(strong, rank)
                    colour = colour_of(self.model, squares, opened)
                changes[rank, row, columns] = opened.changed(self.model, squares, colour, row, columns)
                if done == total or pace.due():
                    yield Measured(changes.copy(), done, total)


def anchors_of(model: Model, node: str, channel: int | None, squares: Squares, size: Pair) -> Anchors:
    """Return how the node's maps are enlarged to the net's input; SettingError if it has none, or no such channel.

    What the squares show is checked, too: before any picture is looked at.
    """
    if model.input not in ancestors(model.net.nodes, node):
        raise SettingError(f"{node!r} does not depend on the picture; name another node.")
    blank = blank_input(model)
    filling(model, squares.fill, blank, squares.size)
    maps = model.net.forward(blank, upto=node)[node]
    if maps.ndim != 4 or channel_axis(model.net.nodes, node) != 1:
        raise SettingError(
            f"Node {node!r} gives an array of shape {tuple(maps.shape[1:])}: its units stand at no places of the "
            "picture; name a node with maps."
        )
    if channel is not None:
        need_whole(f"channel of {node!r}", channel, 0, maps.shape[1] - 1)
    return anchors(model, node, maps.shape[2:], size, size)


def begun_with(state: State | None) -> State | None:
    """Return the search's own part of a state."""
    if state is None:
        return None
    arrays = {name.removeprefix(TALLY): array for name, array in state.arrays.items() if name.startswith(TALLY)}
    return State(arrays, state.numbers["tally"])


def state_of(step: Tallied, measured: Measured) -> State:
    """Return what another run goes on from."""
    arrays = {TALLY + name: array for name, array in step.state.arrays.items()}
    if step.done == step.total:
        arrays["changes"] = measured.changes
    return State(arrays, {"tally": dict(step.state.numbers), "measured": measured.done})
