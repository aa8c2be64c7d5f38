"""Receptive fields of all nets of the zoo against where gradients reach with every gate open.

All weights are positive, a mean stands in place of each maximum, and what gates and normalizations pass back is the
signal itself: so no two paths cancel, and a unit's gradient is zero where it sees nothing, and not all zero on any row
or column at the border of what it sees. Fields depend on windows alone, so each net is taken with one channel a layer
in place of hundreds: up to 30 nodes of each, in the slow tests all nodes, and nightly a few nodes with all channels, in
double precision: in single precision the fast convolutions leave their rounding, 1e-6 of a gradient, around it.
"""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz import graph
from minitorch_viz.layers import AvgPool2d, Kind, MaxPool2d, Mul
from minitorch_viz.layers.window import PIXEL, PIXELS
from minitorch_viz.models import Model
from minitorch_viz.models.load import sketch
from minitorch_viz.models.spec import specs
from minitorch_viz.net import Net
from minitorch_viz.techniques.explain.receptive import geometry, receptive_field

OPEN = {
    Kind.GATES: lambda layer, dy, saved: dy,
    Kind.SCALES: lambda layer, dy, saved: dy,
    Mul: lambda layer, dy, saved: layer.backward(dy, saved),
}


def mean_for_max(layer):
    if type(layer) is MaxPool2d:
        return AvgPool2d(layer.kernel, layer.stride, layer.padding, layer.ceil_mode)
    return layer


def filled(shape) -> np.ndarray:
    """Weights of one size that add up to 1 for each output."""
    return np.full(shape, 1 / np.prod(shape[1:]), np.float32)


def opened(net: Net, goals: list[str]) -> Net:
    """As much of the net as the goals need, with positive weights, and means in place of maxima."""
    nodes = []
    for node in graph.needed(net.nodes, goals):
        layer = mean_for_max(node.layer)
        params = {name: filled(value.shape) if name == "weight" and value.ndim in (2, 4) else np.ones_like(value)
                  for name, value in layer.state.items()}  # fmt: skip
        nodes.append((node.name, layer.replace(**params), node.inputs))
    return Net(nodes, net.inputs)


def thin(net: Net, goals: list[str], channels: int) -> Net:
    """The same with as few channels as can be: one from each layer with weights."""
    counts, nodes = {net.inputs[0]: channels}, []
    for node in graph.needed(net.nodes, goals):
        layer, count = mean_for_max(node.layer), counts[node.inputs[0]]
        if layer.kind is Kind.WEIGHS:
            kernel, depthwise = layer.weight.shape[2:], getattr(layer, "groups", 1) > 1 == layer.weight.shape[1]
            shape = (count, 1, *kernel) if depthwise else (1, count, *kernel)
            fields = {"groups": count if depthwise else 1} if kernel else {}
            layer = layer.replace(weight=filled(shape), bias=None, **fields)
            count = shape[0]
        elif layer.state:
            arrays = {name: np.ones((count, *value.shape[1:]), np.float32) for name, value in layer.state.items()}
            fields = {"normalized_shape": (count,)} if hasattr(layer, "normalized_shape") else {}
            layer = layer.replace(**arrays, **fields)
        elif len(node.inputs) > 1 and layer.kind is Kind.SELECTS:
            count = sum(counts[name] for name in node.inputs)
        counts[node.name] = count
        nodes.append((node.name, layer, node.inputs))
    return Net(nodes, net.inputs)


def check(model: Model, net: Net, nodes: list[str]) -> None:
    """The box of some units of each node is where their gradients are, to the row and the column."""
    size = model.preprocessing.size
    dtype = next(iter(net.params.values())).dtype
    tape = net.forward(np.ones((1, model.preprocessing.channels, *size), dtype), upto=nodes)
    _, axes = graph.sights(model.net.nodes, {model.input: PIXELS})
    for node in nodes:
        rows_at, columns_at = axes[node] or PIXELS
        shape = tape[node].shape
        high, wide = shape[rows_at], shape[columns_at]
        places = list(dict.fromkeys([(high // 2, wide // 2), (0, wide - 1), (high - 1, wide // 3)]))
        seeds = np.zeros((len(places), *shape[1:]), dtype)
        for seed, (row, column) in zip(seeds, places, strict=True):
            at = [slice(None)] * 4
            at[rows_at], at[columns_at] = row, column
            seed[tuple(at[1:])] = 1
        gradients = net.backward(tape, {node: seeds}, rules=OPEN)[model.input]
        even = geometry(model, node)
        for place, gradient in zip(places, gradients, strict=True):
            reached = gradient.any(axis=0)
            rows, columns = np.flatnonzero(reached.any(axis=1)), np.flatnonzero(reached.any(axis=0))
            field = receptive_field(net, tape, node, place)
            assert field == (rows[0], columns[0], rows[-1] + 1, columns[-1] + 1), (node, place)
            if even is None:
                assert field == (0, 0, *size), (node, place)
            elif min(even.box(place)) >= 0 and np.less_equal(even.box(place)[2:], size).all():
                assert even.box(place) == field, (node, place)


def growing(model: Model) -> list[str]:
    """The nodes that see more, or elsewhere, than what they read; behind a global pooling those that join two ways."""
    windows, axes = graph.sights(model.net.nodes, {model.input: PIXELS})
    joining = {Kind.SCALES, Kind.SUMS}
    words = {*model.net.inputs, *model.net.beside} - {model.input}  # of a net that is asked something
    return [
        node.name
        for node in model.net.nodes
        if not words & graph.ancestors(model.net.nodes, node.name)
        and (
            (axes[node.name] and (windows[node.name] != PIXEL or len(node.inputs) > 1))
            or (len(node.inputs) > 1 and node.layer.kind in joining and model.name != "vit_b_16")
        )
    ]


def some(nodes: list[str], count: int) -> list[str]:
    """Return up to so many of them, evenly, the first and the last among them."""
    return [nodes[round(i)] for i in np.linspace(0, len(nodes) - 1, min(count, len(nodes)))]


@pytest.mark.parametrize("name", specs())
def test_boxes_are_exact(name: str) -> None:
    """Of nodes that see other pixels than what they read: three units each."""
    model = sketch(name)
    nodes = some(growing(model), 30)
    assert nodes or not model.first_conv
    if nodes:
        check(model, thin(model.net, nodes, model.preprocessing.channels), nodes)
    assert geometry(model, model.logits or model.net.output) is None or name == "vgg19_conv3_1"


@pytest.mark.nightly
@pytest.mark.parametrize("name", [name for name in specs() if len(growing(sketch(name))) > 30])
def test_boxes_of_all_nodes_are_exact(name: str) -> None:
    model = sketch(name)
    check(model, thin(model.net, growing(model), model.preprocessing.channels), growing(model))


@pytest.mark.nightly
@pytest.mark.parametrize("name", [name for name in specs() if growing(sketch(name))])
def test_boxes_are_exact_with_all_channels(name: str) -> None:
    model = sketch(name)
    chosen = some(growing(model), 4)
    check(model, opened(model.net, chosen).astype(np.float64), chosen)
