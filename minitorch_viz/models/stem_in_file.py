"""A published net's first convolution as a file has it: other channels, or small filters for small pictures."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minitorch_viz.errors import WeightsFileError
from minitorch_viz.layers import Conv2d, Kind, MaxPool2d
from minitorch_viz.models.modules_in_file import ADVICE, Shapes
from minitorch_viz.models.spec import ModelSpec
from minitorch_viz.net import Net

SMALL_PICTURES = 32  # pixels a side, of CIFAR's, for which nets get a stem of small filters


class Stem(NamedTuple):
    """Hold a net with its stem as the file has it."""

    net: Net
    channels: int
    side: int | None
    notes: tuple[str, ...]


def with_stem(net: Net, spec: ModelSpec, shapes: Shapes, side: int | None) -> Stem:
    """Return the net with a first convolution of the file's shape.

    side: of the pictures that the net is built for, if not its own. Raises WeightsFileError for filters whose stride a
    file does not show and no habit tells.
    """
    if not spec.first_conv:
        return Stem(net, 0, side, ())
    layer = net[spec.first_conv].layer
    assert isinstance(layer, Conv2d)
    published = tuple(layer.weight.shape)
    shape = shapes.get(f"{spec.first_conv}.weight", published)
    if len(shape) != 4 or shape[0] != published[0] or 0 in shape or shape == published:
        return Stem(net, published[1], side, ())
    changed = layer.replace(weight=np.broadcast_to(np.float32(0), shape))
    if shape[2:] == published[2:]:
        return Stem(net.with_layers({spec.first_conv: changed}), shape[1], side, ())
    kernel = shape[2:]
    if layer.stride == published[2:] and kernel[0] == kernel[1]:  # patches side by side, of another size
        side = (side or spec.preprocessing.size[0]) // layer.stride[0] * kernel[0]
        note = (
            f"Its patches are of {kernel[0]} x {kernel[1]} pixels, side by side; pictures of {side} x {side} assumed."
        )
        return Stem(net.with_layers({spec.first_conv: changed.replace(stride=kernel)}), shape[1], side, (note,))
    pool = _first_pool(net, spec.first_conv)
    if kernel not in ((3, 3), (5, 5)) or published[2:] != (7, 7) or pool is None:
        raise WeightsFileError(
            f"{spec.first_conv!r} has filters of {kernel[0]} x {kernel[1]} pixels where {spec.name} has "
            f"{published[2]} x {published[3]}, and their stride cannot be told from a file. {ADVICE}"
        )
    small = changed.replace(stride=(1, 1), padding=(kernel[0] // 2, kernel[1] // 2))
    source = net[pool].inputs[0]
    nodes = [
        (node.name, small if node.name == spec.first_conv else node.layer,
         tuple(source if name == pool else name for name in node.inputs))
        for node in net.nodes
        if node.name != pool
    ]  # fmt: skip
    note = (
        f"{spec.first_conv} has filters of {kernel[0]} x {kernel[1]} pixels, a stem for small pictures: stride 1, no "
        f"{pool} after it, and pictures of {SMALL_PICTURES} x {SMALL_PICTURES} are assumed; a file does not show "
        'them, and a JSON file beside it may say {"input": {"size": [3, 64, 64]}}.'
    )
    return Stem(Net(nodes, net.inputs, net.beside), shape[1], SMALL_PICTURES, (note,))


def _first_pool(net: Net, conv: str) -> str | None:
    """Return the max pooling that comes after the first convolution and before any other weights."""
    for node in net.nodes[[node.name for node in net.nodes].index(conv) + 1 :]:
        if isinstance(node.layer, MaxPool2d):
            return node.name
        if node.layer.kind is Kind.WEIGHS:
            return None
    return None
