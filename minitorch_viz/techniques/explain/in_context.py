"""Weights in context: which channels a unit adds up, which units read it, and which have weights like its own.

Between two layers that weigh there are often others that only hand channels on: ReLUs, poolings, concatenations. A
channel is followed through them, and the weights are those of the nearest layers that mix channels.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.graph import Node, Tape, channel_axis, readers
from minitorch_viz.layers.kind import Kind
from minitorch_viz.net import Net

KEEPING = (Kind.GATES, Kind.SCALES, Kind.SELECTS, Kind.SUMS)  # kinds of layers that hand channels on unmixed
MOST = 8  # links that are shown


class Link(NamedTuple):
    """Name a channel, and how strongly it is tied to the one that is looked at."""

    node: str
    channel: int
    value: float
    name: str = ""  # of a class, where the channel is its score

    @property
    def words(self) -> str:
        """Return what the channel is called."""
        return self.name or f"{self.node} {self.channel}"


class Origin(NamedTuple):
    """Name the channel that another one is handed on from."""

    node: str
    channel: int


@dataclass(frozen=True, eq=False)
class InContext:
    """Answer questions about the weights around the channels of one node."""

    net: Net
    tape: Tape  # of one image, with all that the net saved
    node: str
    kept: dict[tuple[str, str], Any] = field(default_factory=dict)  # what was computed once for a layer

    @functools.cached_property
    def origins(self) -> list[Origin]:
        """Return for each channel of the node the layer's channel that it is handed on from."""
        return self._down(self.node)

    def inputs(self, channel: int, most: int = MOST) -> list[Link]:
        """Return the channels that a unit's sum weighs most, strongest first; value: the sum of the window's weights.

        Empty at the input, and where the unit is no weighted sum.
        """
        name, number = self.origins[channel]
        if name not in self.net or self.net[name].layer.kind is not Kind.WEIGHS:
            return []
        source, weights = self._mixing(name)
        return _strongest(
            [Link(source, i, float(w.sum())) for i, w in enumerate(weights[number])], weights[number], most
        )

    def readers(self, channel: int, most: int = MOST) -> list[Link]:
        """Return the units that weigh a channel most, strongest first; value: the sum of the window's weights."""
        links: list[Link] = []
        windows: list[Array] = []
        for name, places in self._readers.items():
            _, weights = self._mixing(name)
            for number in places.get(channel, ()):
                links += [Link(name, o, float(w.sum())) for o, w in enumerate(weights[:, number])]
                windows += list(weights[:, number])
        return _strongest(links, windows, most)

    def alike(self, channel: int) -> Array:
        """Return the cosine of a channel's weights with those of each other of the same layer, (C,); else NaN."""
        cosines = np.full(len(self.origins), np.nan)
        name, number = self.origins[channel]
        if name not in self.net or self.net[name].layer.kind is not Kind.WEIGHS:
            return cosines
        directions = self._directions(name)
        products = directions @ directions[number]
        for other, (other_name, other_number) in enumerate(self.origins):
            if other != channel and other_name == name and directions[other_number].any():
                cosines[other] = products[other_number]
        return cosines if directions[number].any() else np.full_like(cosines, np.nan)

    # ------------------------------------------------------------------ inside

    def _down(self, name: str) -> list[Origin]:
        """Return where each channel of a node comes from, through all layers that hand channels on."""
        own = [Origin(name, channel) for channel in range(self._channels(name))]
        if name not in self.net:
            return own
        node = self.net[name]
        steps = self._handed_on(node)
        if steps is None:
            return own
        below = {source: self._down(source) for source in dict.fromkeys(node.inputs)}
        return [below[source][channel] for source, channel in steps]

    def _handed_on(self, node: Node) -> list[Origin] | None:
        """Return which channel of which input each channel of a node is; None where it mixes or adds several."""
        layer, count = node.layer, self._channels(node.name)
        if layer.kind not in KEEPING or (layer.kind is Kind.SUMS and len(node.inputs) > 1):
            return None
        if layer.kind is not Kind.SELECTS:
            same = self._channels(node.inputs[0]) == count
            return [Origin(node.inputs[0], channel) for channel in range(count)] if same else None
        places = [Origin(name, channel) for name in node.inputs for channel in range(self._channels(name))]
        marked = self._marked(node, places)  # each value is the number of the channel that it was selected from
        return None if marked is None else [places[number] for number in marked]

    def _marked(self, node: Node, places: list[Origin]) -> list[int] | None:
        """Send the number of each channel through a layer that selects; None where an output holds several of them."""
        begin, inputs = 0, []
        for name in node.inputs:
            count, axis = self._channels(name), channel_axis(self.net.nodes, name)
            numbers = np.arange(begin, begin + count, dtype=self.tape.like(name).dtype)
            shape = [1] * self.tape.like(name).ndim
            shape[axis] = count
            inputs.append(np.array(np.broadcast_to(numbers.reshape(shape), self.tape.like(name).shape)))
            begin += count
        selected = kernels.to_cpu(node.layer.forward(*(kernels.to_device(x, self.net.device) for x in inputs))[0])
        axis = channel_axis(self.net.nodes, node.name)
        rows = np.moveaxis(selected[0], axis % selected.ndim - 1, 0).reshape(self._channels(node.name), -1)
        middle = rows[:, rows.shape[1] // 2]  # borders may be padding
        numbers = np.rint(middle).astype(int)
        return numbers.tolist() if ((numbers >= 0) & (numbers < len(places))).all() else None

    @functools.cached_property
    def _readers(self) -> dict[str, dict[int, list[int]]]:
        """Return {layer that weighs: {channel of the node: the channels of the layer's input that hold it}}."""
        reading = readers(node for node in self.net.nodes if node.name in self.tape.saved)
        waiting: list[tuple[str, dict[int, list[int]]]] = [
            (self.node, {channel: [channel] for channel in range(self._channels(self.node))})
        ]
        weighing: dict[str, dict[int, list[int]]] = {}
        while waiting:
            name, places = waiting.pop(0)
            for reader in dict.fromkeys(node.name for node in reading.get(name, ())):
                node = self.net[reader]
                if node.layer.kind is Kind.WEIGHS:
                    weighing[reader] = places if self._mixes(reader) else {}
                    continue
                later = self._placed_after(node, name, places)
                if later:
                    waiting.append((reader, later))
        return weighing

    def _placed_after(self, node: Node, name: str, places: dict[int, list[int]]) -> dict[int, list[int]]:
        """Return where channels of the input `name` are in what a layer makes of it; empty where it mixes them."""
        if node.layer.kind is Kind.SUMS and len(node.inputs) > 1:
            return places
        if node.layer.passes_on and self._rearranges(node):
            return places  # a flattened map keeps the numbers of its channels: see `_mixing`
        steps = self._handed_on(node)
        if steps is None:
            return {}
        after: dict[int, list[int]] = {}
        for number, (source, channel) in enumerate(steps):
            if source == name:
                after.setdefault(channel, []).append(number)
        return {
            own: [later for number in numbers for later in after.get(number, ())] for own, numbers in places.items()
        }

    def _rearranges(self, node: Node) -> bool:
        return self.tape.like(node.name).ndim != self.tape.like(node.inputs[0]).ndim

    def _mixes(self, name: str) -> bool:
        return "weight" in self.net[name].layer.params

    def _mixing(self, name: str) -> tuple[str, Array]:
        """Return what a layer reads, and its weights (O, C, window): those of each channel that it reads."""
        if ("mixing", name) not in self.kept:
            self.kept["mixing", name] = self._mixed(name)
        mixing: tuple[str, Array] = self.kept["mixing", name]
        return mixing

    def _mixed(self, name: str) -> tuple[str, Array]:
        node = self.net[name]
        weights = kernels.to_cpu(node.layer.params["weight"])
        source = node.inputs[0]
        while (
            source != self.node
            and source in self.net
            and self.net[source].layer.passes_on
            and len(self.net[source].inputs) == 1
        ):
            source = self.net[source].inputs[0]  # a flattened map is shown as the map that it was
        channels, outputs = self._channels(source), self._channels(name)
        if node.layer.type_name.startswith("ConvTranspose"):
            weights = weights.swapaxes(0, 1)  # made channels first; with groups see below
        if weights.ndim == 2:
            return source, weights.reshape(outputs, channels, -1)
        each = weights.shape[1]
        if len(weights) != outputs:  # a transposed convolution in groups: (O/groups, C, ...)
            groups = outputs // len(weights)
            parts = np.split(weights, groups, axis=1)
            weights, each = np.concatenate(parts), channels // groups
        whole = np.zeros((outputs, channels, int(np.prod(weights.shape[2:]))), weights.dtype)
        groups = channels // each
        for group in range(groups):
            rows = slice(group * outputs // groups, (group + 1) * outputs // groups)
            whole[rows, group * each : (group + 1) * each] = weights[rows].reshape(outputs // groups, each, -1)
        return source, whole

    def _directions(self, name: str) -> Array:
        """Return a layer's weights as rows of length 1, (O, C * window); a row of zeros stays."""
        if ("directions", name) not in self.kept:
            _, weights = self._mixing(name)
            rows = weights.reshape(len(weights), -1).astype(np.float64)
            lengths = np.linalg.norm(rows, axis=1, keepdims=True)
            self.kept["directions", name] = rows / np.where(lengths > 0, lengths, 1)
        directions: Array = self.kept["directions", name]
        return directions

    def _channels(self, name: str) -> int:
        return int(self.tape.like(name).shape[channel_axis(self.net.nodes, name)])


def _strongest(links: list[Link], windows: Array | list[Array], most: int) -> list[Link]:
    """Return the links whose windows have the largest sums of magnitudes, those of 0 left out."""
    strength = np.array([np.abs(window).sum() for window in windows])
    order = np.argsort(-strength, kind="stable")[:most]
    return [links[i] for i in order if strength[i] > 0]
