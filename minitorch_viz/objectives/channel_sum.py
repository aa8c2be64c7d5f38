"""The sum of a channel over all places, a region or a mask: what a net that ends in maps says of a part of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, ShapeError
from minitorch_viz.graph import Tape
from minitorch_viz.objectives.base import OfNode, Seeds
from minitorch_viz.objectives.reading import by_channel, channel_of


@dataclass(frozen=True, eq=False)
class ChannelSum(OfNode):
    """Take the sum of a channel over its places, each as often as it counts: (N, C, ...) -> (N,).

    where: the places' shape, (h, w) of maps: how much each counts, such as a mask of 0 and 1; the same for every image.
        None: each counts once.
    mean: divide by how much counts in all.
    axis: of the channels; -1 of a sequence (N, T, C), whose steps are its places.

    Raises SettingError if nothing counts.
    """

    channel: int
    where: Array | None = None
    mean: bool = False
    axis: int = 1
    words: str = ""  # 'class "road" (2) where it wins'; empty: the node and the channel

    def __post_init__(self) -> None:
        if self.where is not None and not self.where.any():
            raise SettingError(f"No place of {self.node!r} counts: the mask is 0 everywhere.")

    @property
    def is_sum(self) -> bool:
        return True

    @property
    def label(self) -> str:
        if self.words:
            return self.words
        how = "mean" if self.mean else "sum"
        return f"{self.node} channel {self.channel}, {how}{'' if self.where is None else ' over a mask'}"

    def count(self, tape: Tape) -> float:
        """Return how many places count, each by its share."""
        return float(self._weights(channel_of(tape, self.node, self.channel, self.axis)).sum())

    def value(self, tape: Tape) -> Array:
        maps = channel_of(tape, self.node, self.channel, self.axis)
        weights = self._weights(maps)
        values: Array = (maps * weights).reshape(len(maps), -1).sum(axis=1)
        return values / weights.sum() if self.mean else values

    def seeds(self, tape: Tape) -> Seeds:
        maps, seed = channel_of(tape, self.node, self.channel, self.axis), np.zeros_like(tape[self.node])
        weights = self._weights(maps)
        by_channel(seed, self.axis)[:, self.channel] = weights / weights.sum() if self.mean else weights
        return {self.node: seed}

    def _weights(self, maps: Array) -> Array:
        """Return how much each place counts, in the maps' precision."""
        if self.where is None:
            return np.ones_like(maps[0])
        if self.where.shape != maps.shape[1:]:
            raise ShapeError(
                f"A mask of shape {self.where.shape} does not fit the places {maps.shape[1:]} of {self.node!r}."
            )
        return kernels.to_device(self.where.astype(maps.dtype), kernels.device_of(maps))


def rectangle(size: Sequence[int], box: Sequence[int]) -> Array:
    """Return a mask (h, w) of bool, True inside the box (top, left, bottom, right); bottom and right are outside.

    Raises SettingError for a box that is empty or not inside.

    >>> rectangle((3, 4), (1, 0, 2, 3)).astype(int)
    array([[0, 0, 0, 0],
           [1, 1, 1, 0],
           [0, 0, 0, 0]])
    """
    top, left, bottom, right = box
    if not (0 <= top < bottom <= size[0] and 0 <= left < right <= size[1]):
        raise SettingError(
            f"A region is top, left, bottom, right, with top < bottom <= {size[0]} and left < right <= {size[1]}, the "
            f"pixels that the net looks at, but got {', '.join(map(str, box))}."
        )
    mask = np.zeros(tuple(size), bool)
    mask[top:bottom, left:right] = True
    return mask
