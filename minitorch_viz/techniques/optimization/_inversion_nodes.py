"""Which nodes of a net are inverted, and how deep each lies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz.errors import SettingError
from minitorch_viz.graph import Node, on_every_path
from minitorch_viz.layers import Kind
from minitorch_viz.layers.window import PIXEL

if TYPE_CHECKING:
    from minitorch_viz.models import Model

USUAL = 8  # nodes on a page where none are named


def chosen_nodes(model: Model, nodes: str | None) -> tuple[str, ...]:
    """Return the nodes that are inverted, in the order of the net.

    nodes: names with commas between; "all": every layer with weights, gate, pooling, normalization and join; None:
    about eight of those that the whole picture passes through, evenly over the depth.
    Raises NetError for an unknown node, SettingError for an input or a net that has none of these.
    """
    net = model.net
    if nodes is not None and nodes != "all":
        names = dict.fromkeys(name.strip() for name in nodes.split(","))
        for name in names:
            if name in net.inputs:
                raise SettingError(f"{name!r} is the picture itself, which needs no inversion; name a node of the net.")
            net[name]  # NetError with near names
        return tuple(node.name for node in net.nodes if node.name in names)
    telling = [node.name for node in net.nodes if tells(node)]
    if nodes is None:
        way = set(on_every_path(net.nodes, net.inputs, model.logits or net.output))
        telling = [name for name in telling if name in way] or telling
        telling = _evenly(telling, depths(model))
    if not telling:
        raise SettingError(f"{model.name} has no layer whose code could be inverted; name one with --nodes.")
    return tuple(telling)


def _evenly(names: list[str], depth: dict[str, int]) -> list[str]:
    """Return about USUAL of the names: the first, and the last ones of depths at even distances."""
    if len(names) <= USUAL:
        return names
    lasts = {depth[name]: place for place, name in enumerate(names)}  # the last of each depth
    goals = np.linspace(depth[names[0]], depth[names[-1]], USUAL)
    places = {0} | {lasts[min(lasts, key=lambda level: abs(level - goal))] for goal in goals[1:]}
    others = [place for place in range(len(names)) if place not in places]
    more = np.linspace(0, len(others) - 1, USUAL - len(places)).round().astype(int)
    return [names[place] for place in sorted(places | {others[index] for index in more})]


def tells(node: Node) -> bool:
    """Return whether a node changes what is known of the picture: it weighs, gates, pools, normalizes or joins."""
    layer = node.layer
    if layer.passes_on or layer.kind is Kind.OPAQUE:
        return False
    return layer.kind is not Kind.SELECTS or len(node.inputs) > 1 or layer.window not in (None, PIXEL)


def depths(model: Model) -> dict[str, int]:
    """Return {node: how many layers with weights the longest path to it runs through, itself among them}."""
    longest: dict[str, int] = {}
    for node in model.net.nodes:
        before = max((longest.get(name, 0) for name in node.inputs), default=0)
        longest[node.name] = before + (node.layer.kind is Kind.WEIGHS)
    return longest
