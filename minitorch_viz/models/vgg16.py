"""VGG-16: nothing but 3x3 convolutions, poolings, and three large linear layers."""

from __future__ import annotations

from collections.abc import Sequence

from minitorch_viz.layers import AdaptiveAvgPool2d, Dropout, Flatten, MaxPool2d, ReLU, Softmax
from minitorch_viz.models.params import NodeSpec, Params, State
from minitorch_viz.models.spec import TORCHVISION, TORCHVISION_LICENCE, TORCHVISION_URL, ModelSpec
from minitorch_viz.net import Net

CHANNELS = (64, 128, 256, 512, 512)  # of the convolutions before each of the five poolings


def vgg(depths: Sequence[int], state: State | None, classes: int, seed: int | None, hidden: int) -> Net:
    """Build a net of the VGG family: depths[i] convolutions of CHANNELS[i] filters before the i-th pooling.

    Names are torchvision's: "features.N" counts convolutions, ReLUs and poolings alike.
    """
    p = Params(state, seed)
    nodes: list[NodeSpec] = []
    channels = 3
    for depth, out in zip(depths, CHANNELS, strict=True):
        for _ in range(depth):
            nodes.append(p.conv(f"features.{len(nodes)}", channels, out, 3, padding=1))
            nodes.append((f"features.{len(nodes)}", ReLU()))
            channels = out
        nodes.append((f"features.{len(nodes)}", MaxPool2d(2)))
    nodes += [
        ("avgpool", AdaptiveAvgPool2d(7)),  # changes nothing for pictures of 224 pixels a side
        ("flatten", Flatten()),
        p.linear("classifier.0", channels * 7 * 7, hidden),
        ("classifier.1", ReLU()),
        ("classifier.2", Dropout(0.5)),
        p.linear("classifier.3", hidden, hidden),
        ("classifier.4", ReLU()),
        ("classifier.5", Dropout(0.5)),
        p.linear("classifier.6", hidden, classes),
        ("prob", Softmax()),
    ]
    return Net(nodes)


def vgg16(state: State | None = None, classes: int = 1000, seed: int | None = 0, hidden: int = 4096) -> Net:
    """Build VGG-16: x (N, 3, H, W), usually 224 a side -> "classifier.6" (N, classes) -> "prob" (N, classes).

    Names are torchvision's. Simonyan and Zisserman 2014. hidden: the width of the two hidden linear layers.
    """
    return vgg((2, 2, 3, 3, 3), state, classes, seed, hidden)


SPEC = ModelSpec(
    name="vgg16",
    build=vgg16,
    paper="Simonyan and Zisserman, Very deep convolutional networks for large-scale image recognition, 2014",
    licence=TORCHVISION_LICENCE,
    reader=TORCHVISION,
    parameters=138_357_544,
    logits="classifier.6",
    head="classifier.6",
    classes=1000,
    imagenet=True,
    top1=0.71592,
    first_conv="features.0",
    last_conv="features.29",
    url=TORCHVISION_URL + "vgg16-397923af.pth",
    digest="sha256:397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
)
