"""DenseNet-121: every layer reads what all layers before it made, side by side."""

from __future__ import annotations

import re
from collections.abc import Mapping

from minitorch_viz._types import Array
from minitorch_viz.layers import AvgPool2d, Concat, Flatten, GlobalAvgPool2d, MaxPool2d, ReLU, Softmax
from minitorch_viz.models.params import NodeSpec, Params, State
from minitorch_viz.models.spec import TORCHVISION, TORCHVISION_LICENCE, TORCHVISION_URL, ModelSpec
from minitorch_viz.net import Net

DEPTHS = (6, 12, 24, 16)  # layers of the four blocks
GROWTH = 32  # maps that each layer adds
BOTTLENECK = 4 * GROWTH  # maps between a layer's two convolutions


def densenet121(state: State | None = None, classes: int = 1000, seed: int | None = 0) -> Net:
    """Build DenseNet-121: x (N, 3, H, W), usually 224 a side -> "classifier" (N, classes) -> "prob" (N, classes).

    Names are torchvision's; "features.denseblock2.denselayer3" holds all maps of its block so far, those of the layer
    last. "relu" holds the maps before the pooling. Huang et al. 2017.
    """
    p = Params(state, seed)
    nodes: list[NodeSpec] = [
        p.conv("features.conv0", 3, 64, 7, stride=2, padding=3, bias=False),
        p.norm("features.norm0", 64),
        ("features.relu0", ReLU()),
        ("features.pool0", MaxPool2d(3, 2, padding=1)),
    ]
    channels = 64
    for number, depth in enumerate(DEPTHS, start=1):
        for i in range(1, depth + 1):
            name = f"features.denseblock{number}.denselayer{i}"
            nodes += dense_layer(p, name, nodes[-1][0], channels)
            channels += GROWTH
        if number < len(DEPTHS):
            nodes += transition(p, f"features.transition{number}", channels)
            channels //= 2
    nodes += [
        p.norm("features.norm5", channels),
        ("relu", ReLU()),
        ("avgpool", GlobalAvgPool2d()),
        ("flatten", Flatten()),
        p.linear("classifier", channels, classes),
        ("prob", Softmax()),
    ]
    return Net(nodes)


def dense_layer(p: Params, name: str, reads: str, channels: int) -> list[NodeSpec]:
    """Build 1x1 to few maps and 3x3 to `GROWTH` new ones, each after its normalization, put beside all before them."""
    return [
        p.norm(f"{name}.norm1", channels, reads=reads),
        (f"{name}.relu1", ReLU()),
        p.conv(f"{name}.conv1", channels, BOTTLENECK, 1, bias=False),
        p.norm(f"{name}.norm2", BOTTLENECK),
        (f"{name}.relu2", ReLU()),
        p.conv(f"{name}.conv2", BOTTLENECK, GROWTH, 3, padding=1, bias=False),
        (name, Concat(), (reads, f"{name}.conv2")),
    ]


def transition(p: Params, name: str, channels: int) -> list[NodeSpec]:
    """Build 1x1 to half the maps, of half the size."""
    return [
        p.norm(f"{name}.norm", channels),
        (f"{name}.relu", ReLU()),
        p.conv(f"{name}.conv", channels, channels // 2, 1, bias=False),
        (f"{name}.pool", AvgPool2d(2, 2)),
    ]


def adapted(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Turn the official file's names "denselayer1.norm.1.weight", older than the modules', into "norm1.weight"."""
    old = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12]\.(?:weight|bias|running_mean|running_var)$)")
    return {old.sub(r"\1\2", name): array for name, array in arrays.items()}


SPEC = ModelSpec(
    name="densenet121",
    build=densenet121,
    paper="Huang et al., Densely connected convolutional networks, 2017",
    licence=TORCHVISION_LICENCE,
    reader=TORCHVISION,
    parameters=7_978_856,
    logits="classifier",
    head="classifier",
    classes=1000,
    imagenet=True,
    top1=0.74434,
    first_conv="features.conv0",
    last_conv="relu",
    url=TORCHVISION_URL + "densenet121-a639ec97.pth",
    digest="sha256:a639ec97",
    adapted=adapted,
)
