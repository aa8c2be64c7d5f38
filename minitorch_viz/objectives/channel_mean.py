"""The mean of a channel over its places."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.graph import Tape
from minitorch_viz.objectives.base import OfNode, Seeds
from minitorch_viz.objectives.reading import channel_of


@dataclass(frozen=True)
class ChannelMean(OfNode):
    """Take the mean of a channel over its places: (N, C, ...) -> (N,).

    axis: of the channels; -1 of a sequence (N, T, C), whose steps are its places.
    """

    channel: int
    axis: int = 1

    @property
    def is_sum(self) -> bool:
        return True

    @property
    def label(self) -> str:
        return f"{self.node} channel {self.channel}, mean"

    def value(self, tape: Tape) -> Array:
        maps = channel_of(tape, self.node, self.channel, self.axis)
        values: Array = maps.reshape(len(maps), -1).mean(axis=1)
        return values

    def seeds(self, tape: Tape) -> Seeds:
        maps, seed = channel_of(tape, self.node, self.channel, self.axis), np.zeros_like(tape[self.node])
        np.moveaxis(seed, self.axis, 1)[:, self.channel] = len(maps) / maps.size
        return {self.node: seed}
