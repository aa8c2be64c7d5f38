"""Merging batch normalization into the convolutions of a whole net."""

from __future__ import annotations

from minitorch_viz.graph import readers
from minitorch_viz.layers import BatchNorm2d, Conv2d, fold_batch_norm
from minitorch_viz.net import Net


def fold_batch_norms(net: Net) -> Net:
    """The net that computes the same without those BatchNorm2d that directly follow a convolution.

    The convolution keeps its name and gets the normalization's place: who read "bn1" now reads "conv1". A convolution
    that has another reader stays as it is.
    """
    reading = readers(net.nodes)
    renamed: dict[str, str] = {}
    merged = {}
    for node in net.nodes:
        if not isinstance(node.layer, BatchNorm2d) or node.inputs[0] not in net:
            continue
        before = net[node.inputs[0]]
        if isinstance(before.layer, Conv2d) and len(reading[before.name]) == 1:
            merged[before.name] = fold_batch_norm(before.layer, node.layer)
            renamed[node.name] = before.name
    return Net(
        [
            (node.name, merged.get(node.name, node.layer), tuple(renamed.get(name, name) for name in node.inputs))
            for node in net.nodes
            if node.name not in renamed
        ],
        net.inputs,
    )
