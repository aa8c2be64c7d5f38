"""A convolution and the ReLU that alone reads it, as one: what is negative is cut off before it is written.

That saves a way through memory each, an eighth to a quarter of a forward pass. The backward pass stays as it is: a
ReLU's gates are its own output, and a convolution saves its input.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.graph import Node, readers
from minitorch_viz.layers.base import Layer
from minitorch_viz.layers.conv import Conv2d
from minitorch_viz.layers.relu import ReLU


@dataclass(frozen=True, eq=False, repr=False)
class CutOff(Layer):
    """Compute a convolution and the ReLU after it: max(conv(x), 0). For forward passes only."""

    conv: Conv2d

    def forward(self, x: Array) -> tuple[Array, Conv2d.Saved]:
        saved = self.conv.prepared(x)
        return kernels.conv2d(saved.x, self.conv.weight, self.conv.bias, *self.conv.geometry, True), saved


def fuse(nodes: Sequence[Node], goals: Sequence[str]) -> tuple[Sequence[Node], Mapping[str, str]]:
    """Return the nodes to run, and {convolution: the ReLU computed with it}, where no other node reads it.

    goals: the nodes whose outputs are asked for; a convolution among them stays as it is.
    """
    reading = readers(nodes)
    pairs = {
        node.name: reading[node.name][0].name
        for node in nodes
        if type(node.layer) is Conv2d and node.name not in goals and len(reading.get(node.name, ())) == 1
        and type(reading[node.name][0].layer) is ReLU
    }  # fmt: skip
    relus = set(pairs.values())
    others = (node for node in nodes if node.name not in relus)
    return [node._replace(layer=CutOff(node.layer)) if node.name in pairs else node for node in others], pairs  # type: ignore[arg-type]  # it is a Conv2d
