"""Where the steps of a sequence stand in the picture: the tokens of a vision transformer as maps.

Such a net cuts the picture into patches, an ordinary map (D, h, w) of them, counts its places into the steps of a
sequence (T, D), and often puts a token before them that stands for all of the picture. So T = first + h w.
"""

from __future__ import annotations

from typing import NamedTuple

from minitorch_viz._types import Array
from minitorch_viz.graph import Tape, ancestors, channel_axis, on_every_path
from minitorch_viz.layers import MultiheadAttention
from minitorch_viz.net import Net

MOST_FIRST = 16  # tokens before those of the patches; nets have 0, 1, 2 or 5


class Grid(NamedTuple):
    """Say which steps of a sequence are the places of a map, in reading order."""

    first: int  # steps before them, which have no place
    high: int
    wide: int


def grid_of(net: Net, tape: Tape, name: str) -> Grid | None:
    """Return where the steps of a node (N, T, D) stand: on the last maps before it that have as many places, or nearly.

    None for a node that is no sequence, or whose steps no maps before it were counted into.
    """
    if tape[name].ndim != 3 or not _channels_last(net, name, 3):
        return None
    steps, wanted = tape[name].shape[1], ancestors(net.nodes, name)
    for source in reversed(net.names):
        if source in wanted and source in tape and tape[source].ndim == 4 and channel_axis(net.nodes, source) == 1:
            high, wide = tape[source].shape[2:]
            first = steps - high * wide
            return Grid(first, high, wide) if high * wide > 1 and 0 <= first <= MOST_FIRST else None
    return None


def as_maps(net: Net, tape: Tape, name: str, values: Array) -> Array:
    """Return what a node gives, or a signal of its shape, as maps (K, D, h, w); tokens without a place are left out."""
    grid = grid_of(net, tape, name)
    if grid is not None:
        patches = values[:, grid.first :].reshape(len(values), grid.high, grid.wide, values.shape[2])
        return patches.transpose(0, 3, 1, 2)
    return values.transpose(0, 3, 1, 2) if values.ndim == 4 and _channels_last(net, name, 4) else values


def _channels_last(net: Net, name: str, axes: int) -> bool:
    return channel_axis(net.nodes, name) % axes == axes - 1


def last_tokens(net: Net, tape: Tape, node: str) -> str | None:
    """Return the last sequence before `node` whose patches matter to it; None if none comes after the last maps.

    Where a token stands for the picture, `node` reads that one alone at the end, and the patches are read for the last
    time by the last attention: it is what that attention reads (its normalization, as is usual for Grad-CAM). Without
    such a token it is the last sequence that every path to `node` runs through.
    """
    names = [name for name in net.names if name in ancestors(net.nodes, node) and name != node]
    grids = {name: grid for name in names if (grid := grid_of(net, tape, name)) is not None}
    if not grids:
        return None
    attentions = [name for name in grids if name in net and isinstance(net[name].layer, MultiheadAttention)]
    if attentions and grids[attentions[-1]].first:
        source = net[attentions[-1]].inputs[0]
        return source if source in grids else None
    common = [name for name in on_every_path(net.nodes, net.inputs, node) if name in grids]
    return common[-1] if common else None
