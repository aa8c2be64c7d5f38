"""Where a net's templates are: the weights that the pixels themselves are multiplied with."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.layers.kind import Kind

if TYPE_CHECKING:
    from minitorch_viz.graph import Node
    from minitorch_viz.models import Model

WITH_TEMPLATES = "digits_linear, cifar10_linear, faces, faces_hidden"


class Ways(NamedTuple):
    """Name the nodes between the pixels and the scores."""

    first: str  # the linear layer whose weights are templates
    gate: str  # the gate of its units; "" if they are the scores
    last: str  # the linear layer that reads the units; "" if there is none


def ways_of(model: Model) -> Ways | None:
    """Return where the templates are; None if the net is neither linear nor has exactly one hidden layer of units."""
    if not model.logits:
        return None
    node = _sender(model, model.logits)
    if node is None or not _is_linear(node):
        return None
    if reads_pixels(model, node.name):
        return Ways(node.name, "", "")
    gate = _sender(model, node.inputs[0])
    if gate is None or gate.layer.kind is not Kind.GATES:
        return None
    first = _sender(model, gate.inputs[0])
    return None if first is None or not reads_pixels(model, first.name) else Ways(first.name, gate.name, node.name)


def refuses_templates(model: Model) -> str | None:
    """Return why a net's weights are no templates, in words; None if they are."""
    if not model.logits:
        return "it gives no class scores; filters shows its first weights"
    if ways_of(model) is not None:
        return None
    return (
        "its scores are not weighted sums of the pixels, nor of the units of one hidden layer that are: such nets are "
        f"{WITH_TEMPLATES}; filters shows the first weights of others"
    )


def templates_at(model: Model, node: str) -> Array:
    """Return the weights of a linear layer that reads the pixels, (O, C, h, w)."""
    weight = kernels.to_cpu(model.net[node].layer.params["weight"])
    shape = model.reader().blank(model.dtype).shape[1:]
    return weight.reshape(len(weight), *shape)


def reads_pixels(model: Model, name: str) -> bool:
    """Return whether a node is a linear layer that reads all of the net's one input, a picture, in its order."""
    node, inputs = model.net[name], model.net.inputs
    if len(inputs) != 1 or not _is_linear(node) or _sender(model, node.inputs[0]) is not None:
        return False
    blank = model.reader().blank(model.dtype)  # (1, C, h, w); a row or a series has fewer axes
    return blank.ndim == 4 and bool(node.layer.params["weight"].shape[1] == blank.size)


def _sender(model: Model, name: str) -> Node | None:
    """Return the node whose values arrive under this name, past those that pass them on; None if it is the input."""
    while name in model.net:
        node = model.net[name]
        if not node.layer.passes_on:
            return node
        name = node.inputs[0]
    return None


def _is_linear(node: Node) -> bool:
    return node.layer.kind is Kind.WEIGHS and not node.layer.has_filters and node.layer.params["weight"].ndim == 2
