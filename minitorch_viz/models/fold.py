"""Merging batch normalization into the convolutions of a whole net."""

from __future__ import annotations

from minitorch_viz.graph import readers
from minitorch_viz.layers import Layer, folded
from minitorch_viz.net import Net


def fold_batch_norms(net: Net) -> Net:
    """Return the net that computes the same without those BatchNorm2d that directly follow a convolution.

    The convolution keeps its name and gets the normalization's place: who read "bn1" now reads "conv1". A convolution
    that has another reader stays as it is.
    """
    reading = readers(net.nodes)
    renamed: dict[str, str] = {}
    merged: dict[str, Layer] = {}
    for node in net.nodes:
        source = node.inputs[0]
        if source in net and len(reading[source]) == 1:
            layer = folded(net[source].layer, node.layer)
            if layer is not None:
                merged[source], renamed[node.name] = layer, source
    return Net(
        [
            (node.name, merged.get(node.name, node.layer), tuple(renamed.get(name, name) for name in node.inputs))
            for node in net.nodes
            if node.name not in renamed
        ],
        net.inputs,
        net.beside,
    )
