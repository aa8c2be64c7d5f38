"""The energy at one place of a node's maps: of a single unit, or of all channels there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError
from minitorch_viz.graph import Tape
from minitorch_viz.objectives.base import OfNode, Seeds
from minitorch_viz.objectives.reading import channel_of, output_of


@dataclass(frozen=True)
class PlaceEnergy(OfNode):
    """Take half the sum of squares at one place of maps, whose gradient is the maps themselves there: (N,).

    place: (down, right) as shares of the maps' sides, 0 to below 1, so that it stays where it is in maps of any size.
    channel: of the one unit; None: all channels.
    squared: False takes the plain sum, whose gradient is 1: it rises where nothing fires yet, too.

    Raises SettingError for a place outside, an unknown channel, and a node without maps.
    """

    place: tuple[float, float]
    channel: int | None = None
    squared: bool = True

    def __post_init__(self) -> None:
        if not all(0 <= share < 1 for share in self.place):
            raise SettingError(f"A place is two shares of the maps' sides, 0 to below 1, but got {self.place}.")

    @property
    def is_sum(self) -> bool:
        return not self.squared

    @property
    def label(self) -> str:
        down, right = self.place
        units = self.node if self.channel is None else f"{self.node} channel {self.channel}"
        return f"{'energy' if self.squared else 'sum'} of {units} at {down:.0%} down, {right:.0%} right"

    def value(self, tape: Tape) -> Array:
        units = output_of(tape, self.node)[self._units(tape)]
        values: Array = (units**2).sum(axis=1) / 2 if self.squared else units.sum(axis=1)
        return values

    def seeds(self, tape: Tape) -> Seeds:
        output, units = output_of(tape, self.node), self._units(tape)
        seed = np.zeros_like(output)
        seed[units] = output[units] if self.squared else 1
        return {self.node: seed}

    def _units(self, tape: Tape) -> tuple[slice, slice, int, int]:
        """Return the index of the units (N, C or 1)."""
        output = output_of(tape, self.node)
        if output.ndim != 4:
            raise SettingError(f"{self.node!r} gives an array of shape {output.shape[1:]} an image, without places.")
        channels = slice(None)
        if self.channel is not None:
            channel_of(tape, self.node, self.channel, 1)  # SettingError if there is none
            number = self.channel % output.shape[1]
            channels = slice(number, number + 1)
        row, column = (int(share * side) for share, side in zip(self.place, output.shape[2:], strict=True))
        return slice(None), channels, row, column
