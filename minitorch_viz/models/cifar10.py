"""cifar10: the small net for photos that comes with the package, trained by it on CIFAR-10."""

from __future__ import annotations

from minitorch_viz.layers import Flatten, GlobalAvgPool2d, MaxPool2d, ReLU, Softmax
from minitorch_viz.models.params import NodeSpec, Params, State
from minitorch_viz.models.readers.preprocessing import Preprocessing
from minitorch_viz.models.spec import ModelSpec
from minitorch_viz.net import Net

# mean and std of the training pictures' red, green and blue, on the 0..255 scale
PREPROCESSING = Preprocessing((32, 32), mean=(125.3, 122.9, 113.9), std=(62.6, 61.9, 66.5))
WIDTHS = 32, 32, 64, 64, 128, 128, 128  # channels of each convolution
POOLED = 2, 4  # the convolutions after which the maps are halved: 32 x 32, then 16 x 16, then 8 x 8
NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def cifar10(state: State | None = None, classes: int = 10, seed: int | None = 0, norm: bool = False) -> Net:
    """Build the net: x (N, 3, 32, 32) -> "relu7" (N, 128, 8, 8) -> "logits" (N, 10) -> "prob" (N, 10).

    Seven convolutions, the mean of each map, one linear layer, so that class activation maps apply (Zhou et al. 2016).
    norm: with the batch normalizations that it is trained with; `fold_batch_norms` merges them into the convolutions,
    and the file holds that.
    """
    p = Params(state, seed)
    nodes: list[NodeSpec] = []
    channels = PREPROCESSING.channels
    for i, width in enumerate(WIDTHS, 1):
        nodes.append(p.conv(f"conv{i}", channels, width, 3, padding=1, bias=not norm))
        if norm:
            nodes.append(p.norm(f"norm{i}", width))
        nodes.append((f"relu{i}", ReLU()))
        if i in POOLED:
            nodes.append((f"pool{i}", MaxPool2d(2)))
        channels = width
    nodes += [
        ("gap", GlobalAvgPool2d()),
        ("flatten", Flatten()),
        p.linear("logits", channels, classes),
        ("prob", Softmax()),
    ]
    return Net(nodes)


SPEC = ModelSpec(
    name="cifar10",
    build=cifar10,
    paper="the data: Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009",
    licence="MIT, as this package: trained by `minitorch-viz train cifar10`",
    reader=PREPROCESSING,
    parameters=435_882,
    logits="logits",
    head="logits",
    classes=NAMES,
    first_conv="conv1",
    last_conv="relu7",
)
