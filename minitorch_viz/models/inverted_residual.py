"""The block of the mobile nets: 1x1 to many maps, a filter for each of those, 1x1 back to few, and the input added.

A residual block's bottleneck turned around ("inverted"): the shortcut joins the narrow ends. Sandler et al. 2018.
"""

from __future__ import annotations

from typing import Any

from minitorch_viz.layers import Add, GlobalAvgPool2d, Layer, Mul
from minitorch_viz.models.params import NodeSpec, Params

MOBILE_EPS = 1e-3  # of the batch normalizations of nets that came from TensorFlow, MobileNetV3 among them


def conv_norm(
    p: Params,
    name: str,
    reads: str,
    channels: int,
    out: int,
    kernel: int,
    gate: Layer | None,
    *,
    stride: int = 1,
    groups: int = 1,
    **norm: Any,
) -> list[NodeSpec]:
    """Build a convolution "NAME.0" that keeps the size (at stride 1), its normalization "NAME.1" and gate "NAME.2".

    gate: the activation; None for none. norm: settings of the normalization, such as eps.
    """
    nodes = [
        p.conv(
            f"{name}.0", channels, out, kernel, stride=stride, padding=kernel // 2, groups=groups, bias=False,
            reads=reads,
        ),
        p.norm(f"{name}.1", out, **norm),
    ]  # fmt: skip
    return [*nodes, (f"{name}.2", gate)] if gate is not None else nodes


def squeeze_and_excite(
    p: Params, name: str, reads: str, channels: int, squeezed: int, gate: Layer, factor: Layer
) -> list[NodeSpec]:
    """Build a gate a map, set by the means of all: the node "NAME" is each map times its gate. Hu et al. 2018."""
    return [
        (f"{name}.avgpool", GlobalAvgPool2d(), (reads,)),
        p.conv(f"{name}.fc1", channels, squeezed, 1),
        (f"{name}.activation", gate),
        p.conv(f"{name}.fc2", squeezed, channels, 1),
        (f"{name}.scale_activation", factor),
        (name, Mul(), (reads, f"{name}.scale_activation")),
    ]


def joined(nodes: list[NodeSpec], name: str, reads: str, channels: int, out: int, stride: int) -> list[NodeSpec]:
    """Return a block's nodes, with its input added to its output in the node "NAME" where their sizes agree."""
    if stride == 1 and channels == out:
        return [*nodes, (name, Add(), (nodes[-1][0], reads))]
    return nodes


def whole_eighths(count: int) -> int:
    """Return the multiple of 8 nearest to a number of maps, but at least nine tenths of it."""
    nearest = max(8, (count + 4) // 8 * 8)
    return nearest if nearest >= 0.9 * count else nearest + 8
