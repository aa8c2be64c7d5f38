"""The answer of a net that ends in maps, as a person reads it: which channel wins at each place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError
from minitorch_viz.layers import Sigmoid
from minitorch_viz.models.scores import squash_above
from minitorch_viz.net import Net

if TYPE_CHECKING:
    from minitorch_viz.models.model import Model

NOTHING = "nothing"
GROUNDS = ("background", "bg", "void", "unlabeled", "unlabelled", "ignore", NOTHING)


@dataclass(frozen=True, eq=False)
class Segments:
    """Hold the channel that wins at each place of a net's maps."""

    winners: Array  # (h, w) int: the channel's number; -1 where none says yes (one channel, or sigmoids)
    names: tuple[str, ...]  # of the channels, in order

    @property
    def shares(self) -> dict[int, float]:
        """Return {channel: the share of the places that it wins, 0..1}, the largest first; -1 is none."""
        numbers, counts = np.unique(self.winners, return_counts=True)
        order = np.argsort(-counts, kind="stable")
        return {int(numbers[i]): float(counts[i] / self.winners.size) for i in order}

    def name(self, channel: int) -> str:
        """Return what a channel is called; of -1 "nothing"."""
        return self.names[channel] if channel >= 0 else NOTHING

    def lines(self) -> Iterator[tuple[str, str]]:
        """Yield (name, share in words), the largest share first."""
        for channel, share in self.shares.items():
            yield self.name(channel), f"{share:.1%}"

    def __repr__(self) -> str:
        return "\n".join(f"{name} {share}" for name, share in self.lines())

    def _repr_html_(self) -> str:
        rows = (
            f"<tr><td style='text-align:left'>{escape(name)}</td><td>{share}</td></tr>" for name, share in self.lines()
        )
        return f"<table>{''.join(rows)}</table>"


def segments_of(model: Model, x: Array) -> Segments:
    """Run an input x (1, ...) -> which channel wins where; SettingError for a net that ends in no maps."""
    if not model.maps:
        raise SettingError(
            f"{model.name} ends in no maps, so no channel wins a place; model.classify gives its answers."
        )
    maps = kernels.to_cpu(model.net.predict(x, upto=model.maps))[0]
    winners = maps.argmax(axis=0)
    level = yes_above(model.net, model.maps, len(maps))
    if level is not None:
        winners = np.where(maps.max(axis=0) > level, winners, -1)
    return Segments(winners, model.channel_names(len(maps)))


def yes_above(net: Net, node: str, channels: int) -> float | None:
    """Return the value above which a channel of a node says yes; None where channels exclude one another.

    They exclude one another unless a sigmoid reads the node, or it is one, or there is only one channel.
    """
    if node in net and isinstance(net[node].layer, Sigmoid):
        return 0.5
    return 0.0 if channels == 1 or squash_above(net, node) is Sigmoid else None


def is_background(name: str) -> bool:
    """Return whether a channel's name says that there is nothing to see: "background", "__background__", "void"."""
    return name.strip("_ ").lower() in GROUNDS
