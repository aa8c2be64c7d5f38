"""MobileNetV3, small: MobileNetV2's blocks with gates a map, and a smooth activation drawn with a ruler."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from minitorch_viz.layers import Dropout, Flatten, GlobalAvgPool2d, Hardsigmoid, Hardswish, Layer, ReLU, Softmax
from minitorch_viz.models.inverted_residual import MOBILE_EPS, conv_norm, joined, squeeze_and_excite, whole_eighths
from minitorch_viz.models.params import NodeSpec, Params, State
from minitorch_viz.models.spec import TORCHVISION, TORCHVISION_LICENCE, TORCHVISION_URL, ModelSpec
from minitorch_viz.net import Net


class Sizes(NamedTuple):
    """Hold the sizes of a block."""

    kernel: int
    inside: int  # maps that the filters see, one each
    out: int
    squeezes: bool  # whether each map has a gate
    gate: type[Layer]
    stride: int


BLOCKS = (
    Sizes(3, 16, 16, True, ReLU, 2),
    Sizes(3, 72, 24, False, ReLU, 2),
    Sizes(3, 88, 24, False, ReLU, 1),
    Sizes(5, 96, 40, True, Hardswish, 2),
    Sizes(5, 240, 40, True, Hardswish, 1),
    Sizes(5, 240, 40, True, Hardswish, 1),
    Sizes(5, 120, 48, True, Hardswish, 1),
    Sizes(5, 144, 48, True, Hardswish, 1),
    Sizes(5, 288, 96, True, Hardswish, 2),
    Sizes(5, 576, 96, True, Hardswish, 1),
    Sizes(5, 576, 96, True, Hardswish, 1),
)


def mobilenet_v3(blocks: Sequence[Sizes], hidden: int, p: Params, classes: int) -> Net:
    """Build a net of the family: these blocks, and a hidden linear layer of `hidden` numbers before the classes."""
    nodes = conv_norm(p, "features.0", "input", 3, 16, 3, Hardswish(), stride=2, eps=MOBILE_EPS)
    channels = 16
    for place, sizes in enumerate(blocks, start=1):
        nodes += block(p, f"features.{place}", nodes[-1][0], channels, sizes)
        channels = sizes.out
    last = f"features.{len(blocks) + 1}"
    nodes += [
        *conv_norm(p, last, nodes[-1][0], channels, 6 * channels, 1, Hardswish(), eps=MOBILE_EPS),
        ("avgpool", GlobalAvgPool2d()),
        ("flatten", Flatten()),
        p.linear("classifier.0", 6 * channels, hidden),
        ("classifier.1", Hardswish()),
        ("classifier.2", Dropout(0.2)),
        p.linear("classifier.3", hidden, classes),
        ("prob", Softmax()),
    ]
    return Net(nodes)


def block(p: Params, name: str, reads: str, channels: int, sizes: Sizes) -> list[NodeSpec]:
    """Build 1x1 to more maps, a filter for each of those, a gate for each, 1x1 to few maps, and the sum."""
    inside, gate = sizes.inside, sizes.gate()
    nodes: list[NodeSpec] = []
    if inside != channels:
        nodes += conv_norm(p, f"{name}.block.0", reads, channels, inside, 1, gate, eps=MOBILE_EPS)
    place = 1 if nodes else 0
    nodes += conv_norm(
        p, f"{name}.block.{place}", nodes[-1][0] if nodes else reads, inside, inside, sizes.kernel, gate,
        stride=sizes.stride, groups=inside, eps=MOBILE_EPS,
    )  # fmt: skip
    if sizes.squeezes:
        place, squeezed = place + 1, whole_eighths(inside // 4)
        part = f"{name}.block.{place}"
        nodes += squeeze_and_excite(p, part, nodes[-1][0], inside, squeezed, ReLU(), Hardsigmoid())
    nodes += conv_norm(p, f"{name}.block.{place + 1}", nodes[-1][0], inside, sizes.out, 1, None, eps=MOBILE_EPS)
    return joined(nodes, name, reads, channels, sizes.out, sizes.stride)


def mobilenet_v3_small(state: State | None = None, classes: int = 1000, seed: int | None = 0) -> Net:
    """Build the small net: x (N, 3, H, W), usually 224 a side -> "classifier.3" (N, classes) -> "prob" (N, classes).

    Names are torchvision's: "features.3" is the output of a block that adds its input. Howard et al. 2019.
    """
    return mobilenet_v3(BLOCKS, 1024, Params(state, seed), classes)


SPEC = ModelSpec(
    name="mobilenet_v3_small",
    build=mobilenet_v3_small,
    paper="Howard et al., Searching for MobileNetV3, 2019",
    licence=TORCHVISION_LICENCE,
    reader=TORCHVISION,
    parameters=2_542_856,
    logits="classifier.3",
    head="classifier.3",
    classes=1000,
    imagenet=True,
    top1=0.67668,
    first_conv="features.0.0",
    last_conv="features.12.2",
    url=TORCHVISION_URL + "mobilenet_v3_small-047dcff4.pth",
    digest="sha256:047dcff4",
)
