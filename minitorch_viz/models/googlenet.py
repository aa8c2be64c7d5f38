"""GoogLeNet (Inception v1) as in Caffe's model zoo: filters of several sizes side by side, nine times."""

from __future__ import annotations

from typing import NamedTuple

from minitorch_viz.layers import (
    Concat,
    Dropout,
    Flatten,
    GlobalAvgPool2d,
    LocalResponseNorm,
    MaxPool2d,
    ReLU,
    Softmax,
)
from minitorch_viz.models.params import NodeSpec, Params, State
from minitorch_viz.models.readers.preprocessing import Preprocessing
from minitorch_viz.models.spec import ModelSpec
from minitorch_viz.net import Net


class Sizes(NamedTuple):
    """Hold how many filters each part of an inception module has."""

    filters_1x1: int
    reduce_3x3: int  # 1x1 filters before the 3x3
    filters_3x3: int
    reduce_5x5: int  # 1x1 filters before the 5x5
    filters_5x5: int
    after_pooling: int  # 1x1 filters


INCEPTIONS = {
    "3a": Sizes(64, 96, 128, 16, 32, 32),
    "3b": Sizes(128, 128, 192, 32, 96, 64),
    "4a": Sizes(192, 96, 208, 16, 48, 64),
    "4b": Sizes(160, 112, 224, 24, 64, 64),
    "4c": Sizes(128, 128, 256, 24, 64, 64),
    "4d": Sizes(112, 144, 288, 32, 64, 64),
    "4e": Sizes(256, 160, 320, 32, 128, 128),
    "5a": Sizes(256, 160, 320, 32, 128, 128),
    "5b": Sizes(384, 192, 384, 48, 128, 128),
}


def googlenet(state: State | None = None, classes: int = 1000, seed: int | None = 0) -> Net:
    """Build GoogLeNet: x (N, 3, H, W), usually 224 a side -> "loss3/classifier" (N, classes) -> "prob" (N, classes).

    Names are Caffe's: "conv1/7x7_s2", "inception_4c/3x3". Szegedy et al. 2014. The two auxiliary classifiers, which
    only help training, are left out; Caffe's 7x7 average pooling is a global one, so that other sizes run too.
    """
    p = Params(state, seed)
    nodes: list[NodeSpec] = [
        p.conv("conv1/7x7_s2", 3, 64, 7, stride=2, padding=3),
        ("conv1/relu_7x7", ReLU()),
        ("pool1/3x3_s2", MaxPool2d(3, 2, ceil_mode=True)),
        ("pool1/norm1", LocalResponseNorm(5)),
        p.conv("conv2/3x3_reduce", 64, 64, 1),
        ("conv2/relu_3x3_reduce", ReLU()),
        p.conv("conv2/3x3", 64, 192, 3, padding=1),
        ("conv2/relu_3x3", ReLU()),
        ("conv2/norm2", LocalResponseNorm(5)),
        ("pool2/3x3_s2", MaxPool2d(3, 2, ceil_mode=True)),
    ]
    channels = 192
    for number, sizes in INCEPTIONS.items():
        nodes += inception(p, f"inception_{number}", nodes[-1][0], channels, sizes)
        channels = sizes.filters_1x1 + sizes.filters_3x3 + sizes.filters_5x5 + sizes.after_pooling
        if number in ("3b", "4e"):
            nodes.append((f"pool{number[0]}/3x3_s2", MaxPool2d(3, 2, ceil_mode=True)))
    nodes += [
        ("pool5/7x7_s1", GlobalAvgPool2d()),
        ("pool5/drop_7x7_s1", Dropout(0.4)),
        ("pool5/flatten", Flatten()),
        p.linear("loss3/classifier", channels, classes),
        ("prob", Softmax()),
    ]
    return Net(nodes)


def inception(p: Params, name: str, reads: str, channels: int, sizes: Sizes) -> list[NodeSpec]:
    """Build an inception module: 1x1, 3x3, 5x5 filters and a pooling side by side, made affordable by 1x1 filters."""

    def conv(part: str, channels: int, out: int, kernel: int, reads: str) -> list[NodeSpec]:
        relu = f"{name}/relu_{part}"
        return [p.conv(f"{name}/{part}", channels, out, kernel, padding=kernel // 2, reads=reads), (relu, ReLU())]

    return [
        *conv("1x1", channels, sizes.filters_1x1, 1, reads),
        *conv("3x3_reduce", channels, sizes.reduce_3x3, 1, reads),
        *conv("3x3", sizes.reduce_3x3, sizes.filters_3x3, 3, f"{name}/relu_3x3_reduce"),
        *conv("5x5_reduce", channels, sizes.reduce_5x5, 1, reads),
        *conv("5x5", sizes.reduce_5x5, sizes.filters_5x5, 5, f"{name}/relu_5x5_reduce"),
        (f"{name}/pool", MaxPool2d(3, 1, padding=1, ceil_mode=True), (reads,)),
        *conv("pool_proj", channels, sizes.after_pooling, 1, f"{name}/pool"),
        (f"{name}/output", Concat(), tuple(f"{name}/relu_{part}" for part in ("1x1", "3x3", "5x5", "pool_proj"))),
    ]


_CAFFE = Preprocessing((224, 224), mean=(123, 117, 104), std=(1,))

SPEC = ModelSpec(
    name="googlenet",
    build=googlenet,
    paper="Szegedy et al., Going deeper with convolutions, 2014",
    licence="unrestricted use (BVLC, Caffe's model zoo)",
    reader=_CAFFE,
    parameters=6_998_552,
    logits="loss3/classifier",
    head="loss3/classifier",
    classes=1000,
    imagenet=True,
    top1=0.687,
    first_conv="conv1/7x7_s2",
    last_conv="inception_5b/output",
    url="http://dl.caffe.berkeleyvision.org/bvlc_googlenet.caffemodel",
    digest="sha1:405fc5acd08a3bb12de8ee5e23a96bec22f08204",
    files=("googlenet_bvlc.safetensors",),
    caffe=_CAFFE,
)
