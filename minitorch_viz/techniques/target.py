"""Which number a picture explains: a class score, or one unit of any node."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Pair
from minitorch_viz.errors import SettingError, need_whole
from minitorch_viz.graph import Tape

if TYPE_CHECKING:
    from minitorch_viz.models import Model


@dataclass(frozen=True, eq=False)
class Target:
    """One unit of one node, on one tape."""

    node: str
    index: tuple[int, ...]  # the unit inside the node's output, without the batch axis
    label: str  # in words: 'class "tiger cat" (282)', 'relu3 channel 5 at row 2, column 7'
    value: float  # what the unit gives for the image

    def seed(self, tape: Tape) -> dict[str, Array]:
        """Seeds for `Net.backward`: 1 at the unit, 0 elsewhere."""
        seed = np.zeros_like(tape[self.node][:1])
        seed[(0, *self.index)] = 1
        return {self.node: seed}


def resolve_target(
    model: Model,
    tape: Tape,
    target: str | int | None = None,
    node: str | None = None,
    channel: int | None = None,
    position: Pair | None = None,
) -> Target:
    """The unit that the settings mean.

    target: a class, by number or name; None is the most probable class, or, of a net that is no classifier, the
        strongest unit of the last node.
    node, channel, position: a unit inside the net instead. A channel left out is the strongest one; a position
    (row, column) left out is where the channel is strongest on this image.

    Raises SettingError if a class and a node are both named, or if a number is out of range.
    """
    if node is None and target is None and not model.logits:
        node = model.net.output  # no classes: the strongest unit of the last node
    if node is None or node == model.logits:
        if node is None and (channel is not None or position is not None):
            raise SettingError(
                "channel and position belong to a node; name it with node=, or give target= for a class."
            )
        scores = kernels.to_cpu(tape[model.logits])[0]
        if channel is not None:
            target = channel if target is None else target
        chosen = int(np.argmax(scores)) if target is None else model.class_index(target)
        label = f'class "{model.class_names[chosen]}" ({chosen})'
        return Target(model.logits, (chosen,), label, float(scores[chosen]))
    if target is not None:
        raise SettingError(f"Give either a class (target={target!r}) or a node (node={node!r}), not both.")
    maps = kernels.to_cpu(tape[node])[0]
    if maps.ndim not in (1, 3):
        raise SettingError(f"Node {node!r} gives an array of shape {maps.shape}, which has no channels to choose from.")
    channel = (
        need_whole(f"channel of {node!r}", channel, 0, len(maps) - 1)
        if channel is not None
        else _strongest_channel(maps)
    )
    if maps.ndim == 1:
        if position is not None:
            raise SettingError(f"Node {node!r} gives one number a channel, so it has no position to choose.")
        return Target(node, (channel,), f"{node} unit {channel}", float(maps[channel]))
    if position is None:
        row, column = (int(i) for i in np.unravel_index(np.argmax(maps[channel]), maps.shape[1:]))
    else:
        row = need_whole(f"row of {node!r}", position[0], 0, maps.shape[1] - 1)
        column = need_whole(f"column of {node!r}", position[1], 0, maps.shape[2] - 1)
    label = f"{node} channel {channel} at row {row}, column {column}"
    return Target(node, (channel, row, column), label, float(maps[channel, row, column]))


def _strongest_channel(maps: Array) -> int:
    return int(np.argmax(maps.reshape(len(maps), -1).max(axis=1)))
