"""EfficientNet-B0: inverted residual blocks with SiLU and a gate a map, sizes found by search."""

from __future__ import annotations

from minitorch_viz.layers import Dropout, Flatten, GlobalAvgPool2d, Sigmoid, SiLU, Softmax
from minitorch_viz.models.inverted_residual import conv_norm, joined, squeeze_and_excite
from minitorch_viz.models.params import NodeSpec, Params, State
from minitorch_viz.models.spec import TORCHVISION, TORCHVISION_LICENCE, TORCHVISION_URL, ModelSpec
from minitorch_viz.net import Net

# How much wider a block is inside, its kernel, its maps out, how many such blocks, the stride of the first.
STAGES = (
    (1, 3, 16, 1, 1),
    (6, 3, 24, 2, 2),
    (6, 5, 40, 2, 2),
    (6, 3, 80, 3, 2),
    (6, 5, 112, 3, 1),
    (6, 5, 192, 4, 2),
    (6, 3, 320, 1, 1),
)


def efficientnet_b0(state: State | None = None, classes: int = 1000, seed: int | None = 0) -> Net:
    """Build EfficientNet-B0: x (N, 3, H, W), usually 224 a side -> "classifier.1" (N, classes) -> "prob" (N, classes).

    Names are torchvision's: "features.2.1" is the output of a block that adds its input. Tan and Le 2019.
    """
    p = Params(state, seed)
    nodes = conv_norm(p, "features.0", "input", 3, 32, 3, SiLU(), stride=2)
    channels = 32
    for stage, (wider, kernel, out, count, stride) in enumerate(STAGES, start=1):
        for i in range(count):
            name = f"features.{stage}.{i}"
            nodes += block(p, name, nodes[-1][0], channels, wider, kernel, out, 1 if i else stride)
            channels = out
    nodes += [
        *conv_norm(p, f"features.{len(STAGES) + 1}", nodes[-1][0], channels, 1280, 1, SiLU()),
        ("avgpool", GlobalAvgPool2d()),
        ("flatten", Flatten()),
        ("classifier.0", Dropout(0.2)),
        p.linear("classifier.1", 1280, classes),
        ("prob", Softmax()),
    ]
    return Net(nodes)


def block(
    p: Params, name: str, reads: str, channels: int, wider: int, kernel: int, out: int, stride: int
) -> list[NodeSpec]:
    """Build 1x1 to `wider` times the maps, a filter for each of those, a gate for each, 1x1 to `out` maps, and the sum.

    The gates are set by a quarter of the numbers of maps that came in, as in torchvision.
    """
    inside = channels * wider
    nodes: list[NodeSpec] = []
    if wider > 1:
        nodes += conv_norm(p, f"{name}.block.0", reads, channels, inside, 1, SiLU())
    place = 1 if nodes else 0
    nodes += conv_norm(
        p, f"{name}.block.{place}", nodes[-1][0] if nodes else reads, inside, inside, kernel, SiLU(),
        stride=stride, groups=inside,
    )  # fmt: skip
    gates = f"{name}.block.{place + 1}"
    nodes += squeeze_and_excite(p, gates, nodes[-1][0], inside, max(1, channels // 4), SiLU(), Sigmoid())
    nodes += conv_norm(p, f"{name}.block.{place + 2}", nodes[-1][0], inside, out, 1, None)
    return joined(nodes, name, reads, channels, out, stride)


SPEC = ModelSpec(
    name="efficientnet_b0",
    build=efficientnet_b0,
    paper="Tan and Le, EfficientNet: Rethinking model scaling for convolutional neural networks, 2019",
    licence=TORCHVISION_LICENCE,
    reader=TORCHVISION,
    parameters=5_288_548,
    logits="classifier.1",
    head="classifier.1",
    classes=1000,
    imagenet=True,
    top1=0.77692,
    first_conv="features.0.0",
    last_conv="features.8.2",
    url=TORCHVISION_URL + "efficientnet_b0_rwightman-7f5810bc.pth",
    digest="sha256:7f5810bc",
    files=("efficientnet_b0_rwightman-3dd342df.pth",),  # the same weights under the name of earlier releases
)
