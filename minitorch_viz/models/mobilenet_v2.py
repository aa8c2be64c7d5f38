"""MobileNetV2: inverted residual blocks, whose filters see one map each."""

from __future__ import annotations

from minitorch_viz.layers import Dropout, Flatten, GlobalAvgPool2d, ReLU6, Softmax
from minitorch_viz.models.inverted_residual import conv_norm, joined
from minitorch_viz.models.params import NodeSpec, Params, State
from minitorch_viz.models.spec import TORCHVISION, TORCHVISION_LICENCE, TORCHVISION_URL, ModelSpec
from minitorch_viz.net import Net

# How much wider a block is inside, its maps out, how many such blocks, the stride of the first.
STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


def mobilenet_v2(state: State | None = None, classes: int = 1000, seed: int | None = 0) -> Net:
    """Build MobileNetV2: x (N, 3, H, W), usually 224 a side -> "classifier.1" (N, classes) -> "prob" (N, classes).

    Names are torchvision's: "features.4" is the output of a block that adds its input, "features.2.conv.3" of one that
    does not. Sandler et al. 2018.
    """
    p = Params(state, seed)
    nodes = conv_norm(p, "features.0", "input", 3, 32, 3, ReLU6(), stride=2)
    channels, place = 32, 1
    for wider, out, count, stride in STAGES:
        for i in range(count):
            nodes += block(p, f"features.{place}", nodes[-1][0], channels, wider, out, 1 if i else stride)
            channels, place = out, place + 1
    nodes += [
        *conv_norm(p, f"features.{place}", nodes[-1][0], channels, 1280, 1, ReLU6()),
        ("avgpool", GlobalAvgPool2d()),
        ("flatten", Flatten()),
        ("classifier.0", Dropout(0.2)),
        p.linear("classifier.1", 1280, classes),
        ("prob", Softmax()),
    ]
    return Net(nodes)


def block(p: Params, name: str, reads: str, channels: int, wider: int, out: int, stride: int) -> list[NodeSpec]:
    """Build 1x1 to `wider` times the maps, 3x3 on each of those, 1x1 to `out` maps without a gate, and the sum."""
    inside = channels * wider
    nodes: list[NodeSpec] = []
    if wider > 1:
        nodes += conv_norm(p, f"{name}.conv.0", reads, channels, inside, 1, ReLU6())
    place = 1 if nodes else 0
    depthwise = f"{name}.conv.{place}"
    nodes += conv_norm(
        p, depthwise, nodes[-1][0] if nodes else reads, inside, inside, 3, ReLU6(), stride=stride, groups=inside
    )
    nodes += [
        p.conv(f"{name}.conv.{place + 1}", inside, out, 1, bias=False),
        p.norm(f"{name}.conv.{place + 2}", out),
    ]
    return joined(nodes, name, reads, channels, out, stride)


SPEC = ModelSpec(
    name="mobilenet_v2",
    build=mobilenet_v2,
    paper="Sandler et al., MobileNetV2: Inverted residuals and linear bottlenecks, 2018",
    licence=TORCHVISION_LICENCE,
    reader=TORCHVISION,
    parameters=3_504_872,
    logits="classifier.1",
    head="classifier.1",
    classes=1000,
    imagenet=True,
    top1=0.71878,
    first_conv="features.0.0",
    last_conv="features.18.2",
    url=TORCHVISION_URL + "mobilenet_v2-b0353104.pth",
    digest="sha256:b0353104",
    files=("mobilenet_v2-7ebf99e0.pth",),  # torchvision's second training, same names
)
