"""A net cut before its scores: what it has learnt to see, for other classes than its own."""

from __future__ import annotations

import dataclasses

from minitorch_viz.errors import SettingError, ShapeError, near
from minitorch_viz.graph import ancestors
from minitorch_viz.layers import Flatten, GlobalAvgPool2d, Layer
from minitorch_viz.layers.kind import Kind
from minitorch_viz.models.fold import fold_batch_norms
from minitorch_viz.models.model import Model
from minitorch_viz.models.params import NodeSpec
from minitorch_viz.models.readers import Preprocessing
from minitorch_viz.net import Net

HEADS = ("linear", "gap")


def body_of(model: Model, head: str = "linear", reader: Preprocessing | None = None) -> Net:
    """Return the net up to what its scores are made of: x -> features (N, D), batch normalization folded.

    head: "linear" cuts before the last layer with weights; where that is a convolution, the maps that it reads are
        averaged. "gap" cuts at the last maps and averages them, whatever follows, so that the linear layer to come
        gives class activation maps (Zhou et al. 2016).

    reader: how its pictures are read, where that is not the net's own way (see `reader_of_body`).

    Raises SettingError if the net takes anything but one picture, none of the reader's size, or has no such place.
    """
    if head not in HEADS:
        raise SettingError(f"There is no head {head!r}; {near(head, HEADS, 'head')}.")
    own = next(iter(model.readers.values()))
    if len(model.net.inputs) != 1 or model.net.beside or not isinstance(own, Preprocessing):
        raise SettingError(f"{model.name} takes other inputs than one picture, so it cannot be trained on a folder.")
    goal = _last_maps(model) if head == "gap" else _before_scores(model)
    kept = ancestors(model.net.nodes, goal)
    nodes = [(node.name, node.layer, node.inputs) for node in model.net.nodes if node.name in kept]
    body = fold_batch_norms(Net(nodes, model.net.inputs))
    try:
        shape = body.predict((reader or own).blank()).shape
    except ShapeError as error:
        size = (reader or own).words
        raise SettingError(f"{model.name} takes no pictures of {size}; leave the size out. {error}") from error
    if len(shape) not in (2, 4):
        raise SettingError(f"{model.name} gives {goal!r} of the shape {shape}, and neither features nor maps of them.")
    return body if len(shape) == 2 else with_nodes(body, ("gap", GlobalAvgPool2d()), ("flatten", Flatten()))


def with_nodes(net: Net, *nodes: tuple[str, Layer]) -> Net:
    """Return the net with nodes at its end, one after the other; a name that is taken gets "_new" behind it."""
    specs: list[NodeSpec] = [(node.name, node.layer, node.inputs) for node in net.nodes]
    taken, last = set(net.names), net.output
    for name, layer in nodes:
        while name in taken:
            name += "_new"
        specs.append((name, layer, (last,)))
        taken.add(name)
        last = name
    return Net(specs, net.inputs)


def reader_of_body(model: Model, size: int | None = None) -> Preprocessing:
    """Return how the net's pictures are read, at its own size or another: photos of any size are brought to it."""
    reader = model.preprocessing
    sides = reader.size if size is None else (size, size)
    return dataclasses.replace(reader, size=sides, resize="stretch" if reader.resize == "keep" else reader.resize)


def _last_maps(model: Model) -> str:
    """Return the last node with maps of features; of a net that is no classifier, its end."""
    if not model.logits:
        return model.last_conv or model.net.output
    if not model.last_conv:
        raise SettingError(f"{model.name} has no maps to average: leave the head out, or train a new net.")
    return model.last_conv


def _before_scores(model: Model) -> str:
    """Return the node that the last layer with weights reads, on the one path from it to the scores."""
    name = model.logits or model.net.output
    while name in model.net:
        node = model.net[name]
        if node.layer.kind is Kind.WEIGHS and model.logits:
            before = ancestors(model.net.nodes, node.inputs[0]) if node.inputs[0] in model.net else set()
            if not any(other in model.net and model.net[other].layer.kind is Kind.WEIGHS for other in before):
                raise SettingError(
                    f"{model.name} has a single layer with weights, so nothing of it can be kept: train a new net."
                )
            return node.inputs[0]
        if len(node.inputs) != 1 or not model.logits:
            break
        name = node.inputs[0]
    return _last_maps(model)
