"""The arithmetic of one unit, taken apart: where its value comes from, and the products that add up to it.

Many units only hand on another unit's value: a ReLU its input's, a pooling its winner's, a concatenation one branch's.
So the way leads down, one source at a time, to the unit that adds something up; there the sum is laid open.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError
from minitorch_viz.graph import Node, Tape
from minitorch_viz.layers import Kind
from minitorch_viz.net import Net
from minitorch_viz.objectives import Unit

Index = tuple[int, ...]  # a unit inside a node's output, without the batch axis


class Place(NamedTuple):
    """Name one unit of one node."""

    node: str
    at: Index
    value: float


class Terms(NamedTuple):
    """Hold what one input of a node contributes to a unit: G tiles (channels) of a x b numbers."""

    source: str  # the node (or input) that is read
    groups: tuple[int, ...]  # the channels, one a tile
    corner: tuple[int, int]  # row and column of the tiles' first number in the source's maps
    x: Array  # (G, a, b): the values read
    weight: Array  # (G, a, b): what each is multiplied by

    @property
    def products(self) -> Array:
        """Return what each value adds to the sum, (G, a, b)."""
        product: Array = self.x * self.weight
        return product


class Sum(NamedTuple):
    """Add up to a value: the sum of all products + bias."""

    terms: tuple[Terms, ...]  # one for each input of the node
    bias: float
    value: float


def way_down(net: Net, tape: Tape, node: str, index: Index) -> list[Place]:
    """Return the units that hand on one value, from the named one down to the first that adds something up."""
    way = []
    while True:
        way.append(Place(node, index, float(tape[node][(0, *index)])))
        source = None if node in net.inputs else _source(net[node], tape, index)
        if source is None:
            return way
        node, index = source


def opened(net: Net, tape: Tape, place: Place) -> Sum:
    """Return the products of a unit that adds something up.

    Its weights are the derivatives of its value, from the layer's own backward pass: of a linear layer just its
    weights. Raises SettingError at a layer that is not linear (Softmax), and at the net's input.
    """
    if place.node in net.inputs:
        raise SettingError(f"{place.node!r} is the picture itself: its values are given, nothing adds them up.")
    node = net[place.node]
    if node.layer.kind not in (Kind.WEIGHS, Kind.SUMS):
        raise SettingError(
            f"{node.name!r} is a {node.layer.type_name}, whose value is no sum of products; name a unit below it: "
            f"{node.inputs[0]!r}."
        )
    weights = zip(node.inputs, _weights(node, tape, place.at), strict=True)
    terms = tuple(_terms(net, tape, name, weight) for name, weight in weights)
    bias = getattr(node.layer, "bias", None)
    return Sum(terms, 0.0 if bias is None else float(bias[place.at[0]]), place.value)


def _source(node: Node, tape: Tape, index: Index) -> tuple[str, Index] | None:
    """Return the one unit whose value this one hands on; None if it adds up, or is no copy."""
    if node.layer.kind in (Kind.GATES, Kind.SCALES):
        return node.inputs[0], index
    if node.layer.kind is Kind.SELECTS:  # its weights are a single 1, or none
        for name, weight in zip(node.inputs, _weights(node, tape, index), strict=True):
            for at in np.argwhere(weight):
                return name, tuple(int(i) for i in at)
    return None


def _weights(node: Node, tape: Tape, index: Index) -> list[Array]:
    """Return how much a unit moves with each value that its layer reads: an array an input, without the batch axis."""
    seeds = Unit(node.name, index).seeds(tape)
    weights = node.layer.backward(seeds[node.name], tape.saved[node.name])
    return [kernels.to_cpu(weight)[0] for weight in (weights if isinstance(weights, tuple) else (weights,))]


def _terms(net: Net, tape: Tape, name: str, weight: Array) -> Terms:
    """Cut out what is read: the channels and the rectangle in which any weight is not 0."""
    x = kernels.to_cpu(tape[name])[0]
    if name in net and net[name].layer.kind is Kind.SELECTS and net[name].layer.passes_on:
        # Rearranged only: show a dense layer's input as the maps that it was.
        name = net[name].inputs[0]
        x, weight = x.reshape(tape[name].shape[1:]), weight.reshape(tape[name].shape[1:])
    if x.ndim != 3:
        x, weight = x.reshape(1, 1, -1), weight.reshape(1, 1, -1)
    used = weight != 0
    if not used.any():
        used = np.ones_like(used)
    groups = np.flatnonzero(used.any(axis=(1, 2)))
    rows, columns = np.flatnonzero(used.any(axis=(0, 2))), np.flatnonzero(used.any(axis=(0, 1)))
    box = np.ix_(groups, np.arange(rows[0], rows[-1] + 1), np.arange(columns[0], columns[-1] + 1))
    return Terms(name, tuple(int(g) for g in groups), (int(rows[0]), int(columns[0])), x[box], weight[box])
