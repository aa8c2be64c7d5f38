"""ConvNeXt-Tiny: a convolutional net built as transformers are, with 7x7 filters in the place of attention."""

from __future__ import annotations

import re
from collections.abc import Mapping

from minitorch_viz._types import Array
from minitorch_viz.layers import GELU, Add, Flatten, GlobalAvgPool2d, Permute, Softmax
from minitorch_viz.models.params import NodeSpec, Params, State
from minitorch_viz.models.spec import TORCHVISION, TORCHVISION_LICENCE, TORCHVISION_URL, ModelSpec
from minitorch_viz.net import Net

CHANNELS = (96, 192, 384, 768)  # of the four stages
DEPTHS = (3, 3, 9, 3)
EPS = 1e-6  # of its layer normalizations
TO_LAST, TO_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)  # where the channels go: a vector a pixel, and back to maps


def convnext_tiny(state: State | None = None, classes: int = 1000, seed: int | None = 0) -> Net:
    """Build ConvNeXt-Tiny: x (N, 3, H, W), usually 224 a side -> "classifier.2" (N, classes) -> "prob" (N, classes).

    Names are torchvision's: "features.5.8" is the output of a block. Liu et al. 2022.
    """
    p = Params(state, seed)
    nodes: list[NodeSpec] = [p.conv("features.0.0", 3, CHANNELS[0], 4, stride=4)]
    nodes += map_norm(p, "features.0.1", CHANNELS[0])
    channels = CHANNELS[0]
    for stage, (out, depth) in enumerate(zip(CHANNELS, DEPTHS, strict=True)):
        if stage:
            nodes += map_norm(p, f"features.{2 * stage}.0", channels)
            nodes.append(p.conv(f"features.{2 * stage}.1", channels, out, 2, stride=2))
            channels = out
        for i in range(depth):
            nodes += block(p, f"features.{2 * stage + 1}.{i}", nodes[-1][0], channels)
    nodes += [
        ("avgpool", GlobalAvgPool2d()),
        *map_norm(p, "classifier.0", channels),
        ("classifier.1", Flatten()),
        p.linear("classifier.2", channels, classes),
        ("prob", Softmax()),
    ]
    return Net(nodes)


def map_norm(p: Params, name: str, channels: int) -> list[NodeSpec]:
    """Build a LayerNorm of each pixel's vector: "NAME" has the channels last, "NAME.maps" is maps again."""
    return [
        (f"{name}.pixels", Permute(TO_LAST)),
        p.layer_norm(name, channels, eps=EPS),
        (f"{name}.maps", Permute(TO_FIRST)),
    ]


def block(p: Params, name: str, reads: str, channels: int) -> list[NodeSpec]:
    """Build a 7x7 filter on each map, two linear layers on each pixel, a learned scale, and the input added."""
    return [
        p.conv(f"{name}.block.0", channels, channels, 7, padding=3, groups=channels, reads=reads),
        (f"{name}.block.1", Permute(TO_LAST)),
        p.layer_norm(f"{name}.block.2", channels, eps=EPS),
        p.linear(f"{name}.block.3", channels, 4 * channels),
        (f"{name}.block.4", GELU()),
        p.linear(f"{name}.block.5", 4 * channels, channels),
        (f"{name}.block.6", Permute(TO_FIRST)),
        p.scale(f"{name}.layer_scale", (channels, 1, 1)),
        (name, Add(), (f"{name}.layer_scale", reads)),
    ]


def adapted(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Turn the file's name "layer_scale" into that of the node's parameter, "layer_scale.weight"."""
    return {re.sub(r"\.layer_scale$", ".layer_scale.weight", name): array for name, array in arrays.items()}


SPEC = ModelSpec(
    name="convnext_tiny",
    build=convnext_tiny,
    paper="Liu et al., A ConvNet for the 2020s, 2022",
    licence=TORCHVISION_LICENCE,
    reader=TORCHVISION,
    parameters=28_589_128,
    logits="classifier.2",
    head="classifier.2",
    classes=1000,
    imagenet=True,
    top1=0.8252,
    first_conv="features.0.0",
    last_conv="features.7.2",
    url=TORCHVISION_URL + "convnext_tiny-983f1562.pth",
    digest="sha256:983f1562",
    adapted=adapted,
)
