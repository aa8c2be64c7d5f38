"""scenes: a small net for the generated scenes, whose truth is known, so that heat maps of it can be graded."""

from __future__ import annotations

from minitorch_viz.layers import Flatten, GlobalAvgPool2d, MaxPool2d, ReLU, Softmax
from minitorch_viz.models.params import Params, State
from minitorch_viz.models.readers.preprocessing import Preprocessing
from minitorch_viz.models.spec import ModelSpec
from minitorch_viz.net import Net

# mean and std of the scenes' pixels, on the 0..255 scale
PREPROCESSING = Preprocessing((64, 64), channels=3, mean=(137.9, 132.6, 130.1), std=(50.4, 43.5, 50.8))
# as in minitorch_viz.data.scenes, whose first kind is the background
KINDS = (
    "circle", "square", "triangle", "star", "cross", "ring", "heart", "moon", "arrow", "house", "tree",
    "car", "face", "fish", "flower", "bottle", "boat", "mushroom", "cup", "umbrella", "rocket", "butterfly",
)  # fmt: skip
WIDTHS = 16, 32, 64, 64, 96  # channels of each convolution
POOLED = 1, 2  # the convolutions after which the maps are halved: 64, 32, then 16 x 16


def scenes(state: State | None = None, classes: int = len(KINDS), seed: int | None = 0, norm: bool = False) -> Net:
    """Build the net: x (N, 3, 64, 64) -> "relu5" (N, 96, 16, 16) -> "logits" (N, 22) -> "prob" (N, 22).

    Five convolutions, the mean of each map, one linear layer: what CAM was made for. A unit of relu5 sees 34 x 34
    pixels, about one object. norm: with the batch normalizations that it is trained with; `fold_batch_norms` merges
    them into the convolutions, and the file holds that.
    """
    p = Params(state, seed)
    nodes = []
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
    name="scenes",
    build=scenes,
    paper="the shape of the net: Zhou et al., Learning Deep Features for Discriminative Localization, 2016",
    licence="MIT, as this package: trained by `minitorch-viz train scenes`",
    reader=PREPROCESSING,
    parameters=118_038,
    logits="logits",
    head="logits",
    classes=KINDS,
    first_conv="conv1",
    last_conv="relu5",
)
