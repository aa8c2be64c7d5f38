"""Where a net's features end and its answer begins: the layers with weights that make it, and what they read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from minitorch_viz.graph import Node, ancestors, channel_axis, needed, on_every_path
from minitorch_viz.layers import Kind


def last_features(
    nodes: Iterable[Node], inputs: Iterable[str], name: str, shapes: Mapping[str, Sequence[int]]
) -> str | None:
    """Return the last of `last_common_maps` that still lies before every layer with weights that `name` is made by.

    Those layers turn features into the answer: of a net that ends in maps, the last common maps themselves are its
    scores, however they are enlarged, and the features are what they were made of. None if there are none.
    """
    nodes = tuple(nodes)
    weights = nearest_weights(nodes, name)
    below = set.intersection(*(ancestors(nodes, weight) - {weight} for weight in weights)) if weights else set()
    common = [place for place in on_every_path(nodes, inputs, name) if place in below]
    for place in reversed(common):
        shape = shapes[place]
        if len(shape) == 4 and shape[2] * shape[3] > 1 and channel_axis(nodes, place) == 1:
            return place
    return None


def nearest_weights(nodes: Iterable[Node], top: str) -> tuple[str, ...]:
    """Return the layers with weights that are met first on the ways down from `top`, `top` itself included."""
    nodes = tuple(nodes)
    by_name = {node.name: node for node in nodes}
    met: list[str] = []
    passed: set[str] = set()
    ways = [top]
    while ways:
        name = ways.pop()
        if name not in by_name or name in passed:
            continue
        passed.add(name)
        if by_name[name].layer.kind is Kind.WEIGHS:
            met.append(name)
        else:
            ways.extend(by_name[name].inputs)
    return tuple(name for name in met if not any(name in ancestors(nodes, o) - {o} for o in met))


def answer_last(nodes: Iterable[Node], answer: str) -> tuple[Node, ...]:
    """Return the nodes in another order, in which `answer` is the last; as they are where another node reads it."""
    nodes = tuple(nodes)
    if any(answer in node.inputs for node in nodes):
        return nodes
    way = {node.name for node in needed(nodes, [answer])}
    others = [node for node in nodes if node.name not in way]
    early = {node.name for node in needed(nodes, [node.name for node in others])}
    return (*(node for node in nodes if node.name in early), *(node for node in nodes if node.name not in early))
