"""A known net's head as a file has it: other layers between the pooling and the scores."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import WeightsFileError
from minitorch_viz.graph import Node
from minitorch_viz.layers import (
    AdaptiveAvgPool2d,
    Conv2d,
    Dropout,
    Flatten,
    GlobalAvgPool2d,
    Kind,
    Layer,
    Linear,
    ReLU,
    Softmax,
)
from minitorch_viz.models.modules_in_file import ADVICE, Flow, Shape, Shapes, layers_of, modules_under
from minitorch_viz.models.params import NodeSpec
from minitorch_viz.models.spec import ModelSpec
from minitorch_viz.net import Net

END = "prob"  # the node of the softmax
POOLS = (AdaptiveAvgPool2d, GlobalAvgPool2d)


class Head(NamedTuple):
    """Hold a net with its head as the file has it."""

    net: Net
    logits: str
    classes: int
    notes: tuple[str, ...]


def with_head(net: Net, spec: ModelSpec, shapes: Shapes) -> Head:
    """Return the net with the layers that the file has under the name of its head ("fc", "classifier").

    As far as the file agrees with the known head, that stays, activations included. A file without a head is left as
    it is: what it lacks is said where its arrays are picked. Raises WeightsFileError for layers that do not fit.
    """
    root = spec.head.split(".")[0]
    published = {
        node.name: {name: tuple(value.shape) for name, value in node.layer.state.items()}
        for node in net.nodes
        if node.layer.state and is_under(node.name, root)
    }
    modules = modules_under(shapes, root)
    pairs = list(zip(published, modules, strict=False))
    agreeing = next((i for i, (a, b) in enumerate(pairs) if a != b or published[a] != modules[b]), len(pairs))
    rest = dict(list(modules.items())[agreeing:])
    if not modules:  # under its usual name: what else the file holds may be one, such as "fc1" and "fc2" for "fc"
        rest = _elsewhere(net, shapes)
    if not rest:
        return Head(net, spec.logits, spec.class_count, ())
    if list(rest) == [spec.head] == list(published)[agreeing:]:
        weight, own = rest[spec.head].get("weight", ()), published[spec.head]["weight"]
        if weight[1:] == own[1:] and set(rest[spec.head]) <= {"weight", "bias"}:  # other classes, and nothing else
            bias = empty(weight[:1]) if "bias" in rest[spec.head] else None
            layer = net[spec.head].layer.replace(weight=empty(weight), bias=bias)
            return Head(net.with_layers({spec.head: layer}), spec.logits, weight[0], ())
    last = list(published)[agreeing - 1] if agreeing else ""
    nodes = _beginning(net, root, last, next(iter(rest)))
    start = published[list(published)[min(agreeing, len(published) - 1)]]["weight"]
    pooling = [node.layer for node in nodes if isinstance(node.layer, POOLS)]
    bridge, flow = _bridge(nodes, root, start[1] if len(start) > 1 else start[0], rest, is_new=not agreeing)
    try:
        layers, flow = layers_of(rest, flow, last and nodes[-1].name)
    except WeightsFileError:
        if modules:
            raise
        return Head(net, spec.logits, spec.class_count, ())  # no head at all
    logits = layers[-1][0]
    end: list[NodeSpec] = [(END, Softmax())]
    if flow.is_maps:  # a convolution for each class, and the mean of its map
        logits = spec.logits
        end = [(f"{root}.relu", ReLU()), (f"{root}.pool", GlobalAvgPool2d()), (logits, Flatten()), *end]
    elif not isinstance(layers[-1][1], Linear):
        raise WeightsFileError(f"The head {root!r} ends in {logits!r}, which gives no scores of classes. {ADVICE}")
    kept = [(node.name, node.layer, node.inputs) for node in nodes]
    parts: list[Layer] = [node.layer for node in nodes if isinstance(node.layer, POOLS) and node.layer not in pooling]
    parts += [layer for _, layer, *_ in (*bridge, *layers)]
    note = f"Its head is the file's: {', '.join(map(_brief, parts))}"
    if any(isinstance(layer, ReLU) for _, layer, *_ in layers):
        note += "; that an activation is a ReLU is assumed, since a file shows none"
    return Head(Net([*kept, *bridge, *layers, *end], net.inputs, net.beside), logits, flow.width, (f"{note}.",))


def _elsewhere(net: Net, shapes: Shapes) -> dict[str, dict[str, Shape]]:
    """Return the modules of a file that the net has no nodes for, in order."""
    first = dict.fromkeys(name.split(".")[0] for name in shapes if "." in name and name.rpartition(".")[0] not in net)
    under = {path: module for root in first for path, module in modules_under(shapes, root).items()}
    return {path: module for path, module in under.items() if path not in net}


def is_under(name: str, root: str) -> bool:
    """Return whether a name is `root` or that of a part of it."""
    return name == root or name.startswith(f"{root}.")


def empty(shape: Shape) -> Array:
    """Return zeros of a shape that take no memory."""
    return np.broadcast_to(np.float32(0), shape)


def _beginning(net: Net, root: str, last: str, new: str) -> list[Node]:
    """Return the nodes up to the head, or up to the part `last` of it that stays and what follows that without numbers.

    new: the name of the first module that comes after them; what has its number, or a later one, does not stay.
    """
    names = [node.name for node in net.nodes]
    if not last:
        return list(net.nodes[: next(i for i, name in enumerate(names) if is_under(name, root))])
    end = names.index(last) + 1
    while end < len(names) and not net.nodes[end].layer.state and _comes_before(names[end], new):
        end += 1
    return list(net.nodes[:end])


def _comes_before(name: str, new: str) -> bool:
    """Return whether a part of a head stands before another, by the numbers in their names."""
    for a, b in zip(name.split("."), new.split("."), strict=False):
        if a != b:
            return not b.isdigit() or (a.isdigit() and int(a) < int(b)) or not a.isdigit()
    return False


def _bridge(
    nodes: list[Node], root: str, width: int, rest: Mapping[str, Shapes], *, is_new: bool
) -> tuple[list[NodeSpec], Flow]:
    """Return the nodes between what stays and the file's modules, and what the latter get; changes `nodes`' pooling.

    width: what the known head takes there. is_new: nothing of that stays, so the pooling may be another.
    """
    weights = [shapes["weight"] for shapes in rest.values() if len(shapes.get("weight", ())) in (2, 4)]
    takes_maps = bool(weights) and len(weights[0]) == 4
    gates = (node.layer.kind is Kind.GATES and not isinstance(node.layer, Dropout) for node in _tail(nodes))
    gated = is_new or any(gates)
    layers = [node.layer for node in nodes]
    passing = (Kind.GATES, Kind.SCALES)  # the last layer but these tells what comes out
    is_flat = isinstance(next(layer for layer in reversed(layers) if layer.kind not in passing), (Flatten, Linear))
    if takes_maps or not weights:
        return [], Flow(width, takes_maps and not is_flat, gated)
    first = next(shapes for shapes in rest.values())
    wanted = (first.get("weight") or first.get("running_mean") or (0,))[-1]
    place = next((i for i in range(len(layers) - 1, -1, -1) if isinstance(layers[i], POOLS)), -1)
    pooled = place >= 0 and all(layer.kind in (Kind.SELECTS, Kind.GATES) for layer in layers[place + 1 :])
    pool, channels = layers[place], width
    if pooled and isinstance(pool, AdaptiveAvgPool2d):
        channels //= math.prod(pool.output_size)
    side = math.isqrt(wanted // channels)
    bridge: list[NodeSpec] = []
    if is_new and wanted != width and side and channels * side * side == wanted:
        width = wanted
        if pooled:
            nodes[place] = nodes[place]._replace(layer=_pool(side))
    if not is_flat:
        bridge = [] if pooled else [(f"{root}.pool", _pool(max(side, 1)))]
        bridge.append((f"{root}.flatten", Flatten()))
    return bridge, Flow(width, is_maps=False, is_gated=gated)


def _tail(nodes: Sequence[Node]) -> Iterator[Node]:
    """Yield the nodes from the last back to the first that has weights, that included."""
    for node in reversed(nodes):
        yield node
        if node.layer.kind is Kind.WEIGHS:
            return


def _pool(side: int) -> Layer:
    return GlobalAvgPool2d() if side == 1 else AdaptiveAvgPool2d(side)


def _brief(layer: Layer) -> str:
    """Return a layer with its widths: "Linear 512 to 2"."""
    name = type(layer).__name__
    if isinstance(layer, (Linear, Conv2d)):
        return f"{name} {layer.weight.shape[1]} to {layer.weight.shape[0]}"
    return f"{name} {layer.output_size[0]} x {layer.output_size[1]}" if isinstance(layer, AdaptiveAvgPool2d) else name
