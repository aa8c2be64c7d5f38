"""SqueezeNet 1.1: AlexNet's accuracy with 1.2 million parameters, and no fully connected layer at all."""

from __future__ import annotations

import re

from minitorch_viz.layers import Concat, Dropout, Flatten, GlobalAvgPool2d, MaxPool2d, ReLU, Softmax
from minitorch_viz.models.params import NodeSpec, Params, State
from minitorch_viz.models.readers.preprocessing import Preprocessing
from minitorch_viz.models.spec import TORCHVISION, TORCHVISION_LICENCE, TORCHVISION_URL, ModelSpec
from minitorch_viz.net import Net

# features.N -> channels in, squeezed, out of each of the two expanding convolutions; the numbers between are poolings
FIRES = {
    3: (64, 16, 64),
    4: (128, 16, 64),
    6: (128, 32, 128),
    7: (256, 32, 128),
    9: (256, 48, 192),
    10: (384, 48, 192),
    11: (384, 64, 256),
    12: (512, 64, 256),
}


def squeezenet1_1(state: State | None = None, classes: int = 1000, seed: int | None = 0) -> Net:
    """Build the net: x (N, 3, H, W), usually 227 or 224 a side -> "logits" (N, classes) -> "prob" (N, classes).

    Names are torchvision's: "features.0", "features.3.squeeze", "classifier.1". Iandola et al. 2016.
    """
    p = Params(state, seed)
    nodes: list[NodeSpec] = [
        p.conv("features.0", 3, 64, 3, stride=2),
        ("features.1", ReLU()),
        ("features.2", MaxPool2d(3, 2, ceil_mode=True)),
    ]
    for place in range(3, 13):
        if place in FIRES:
            nodes += fire(p, f"features.{place}", *FIRES[place])
        else:
            nodes.append((f"features.{place}", MaxPool2d(3, 2, ceil_mode=True)))
    nodes += [
        ("classifier.0", Dropout(0.5)),
        p.conv("classifier.1", 512, classes, 1),
        ("classifier.2", ReLU()),
        ("classifier.3", GlobalAvgPool2d()),
        ("logits", Flatten()),
        ("prob", Softmax()),
    ]
    return Net(nodes)


def fire(p: Params, name: str, channels: int, squeezed: int, out: int) -> list[NodeSpec]:
    """Build a fire module: squeeze to few channels, then expand with 1x1 and 3x3 filters side by side."""
    small = f"{name}.squeeze_activation"
    wide1, wide3 = f"{name}.expand1x1", f"{name}.expand3x3"
    return [
        p.conv(f"{name}.squeeze", channels, squeezed, 1),
        (small, ReLU()),
        p.conv(wide1, squeezed, out, 1),
        (f"{wide1}_activation", ReLU()),
        p.conv(wide3, squeezed, out, 3, padding=1, reads=small),
        (f"{wide3}_activation", ReLU()),
        (name, Concat(), (f"{wide1}_activation", f"{wide3}_activation")),
    ]


def from_caffe(name: str) -> str:
    """Turn the original Caffe file's "fire2/squeeze1x1.weight" into "features.3.squeeze.weight"."""
    places = dict(zip(range(2, 10), FIRES, strict=True))
    name = re.sub(r"^fire(\d)/", lambda match: f"features.{places.get(int(match[1]), match[1])}.", name)
    return name.replace("squeeze1x1", "squeeze").replace("conv10.", "classifier.1.").replace("conv1.", "features.0.")


SPEC = ModelSpec(
    name="squeezenet1_1",
    build=squeezenet1_1,
    paper="Iandola et al., SqueezeNet: AlexNet-level accuracy with 50x fewer parameters, 2016",
    licence=TORCHVISION_LICENCE,
    reader=TORCHVISION,
    parameters=1_235_496,
    logits="logits",
    head="classifier.1",
    classes=1000,
    imagenet=True,
    top1=0.58178,
    first_conv="features.0",
    last_conv="features.12",
    url=TORCHVISION_URL + "squeezenet1_1-b8a52dc0.pth",
    digest="sha256:b8a52dc049b60e4b6ab68ad0df457362afab8b6304b2febdc1650a5dab4d7e7b",
    files=("squeezenet_v1.1.caffemodel",),
    caffe=Preprocessing((227, 227), mean=(123, 117, 104), std=(1,)),
    caffe_name=from_caffe,
)
