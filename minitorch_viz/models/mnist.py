"""mnist: the small net for handwritten digits that comes with the package, trained by it on MNIST."""

from __future__ import annotations

from minitorch_viz.layers import Flatten, GlobalAvgPool2d, MaxPool2d, ReLU, Softmax
from minitorch_viz.models.params import NodeSpec, Params, State
from minitorch_viz.models.readers.preprocessing import Preprocessing
from minitorch_viz.models.spec import ModelSpec
from minitorch_viz.net import Net

# mean and std of the training pictures' pixels, on the 0..255 scale
PREPROCESSING = Preprocessing((28, 28), channels=1, mean=(33.3,), std=(78.6,))
WIDTHS = 16, 32, 32, 64, 64  # channels of each convolution
POOLED = 1, 3  # the convolutions after which the maps are halved: 28 x 28, then 14 x 14, then 7 x 7


def mnist(state: State | None = None, classes: int = 10, seed: int | None = 0, norm: bool = False) -> Net:
    """Build the net: x (N, 1, 28, 28) -> "relu5" (N, 64, 7, 7) -> "logits" (N, 10) -> "prob" (N, 10).

    Five convolutions, the mean of each map, one linear layer. The first filters are 7 x 7: large enough to look at.
    norm: with the batch normalizations that it is trained with; `fold_batch_norms` merges them into the convolutions,
    and the file holds that.
    """
    p = Params(state, seed)
    nodes: list[NodeSpec] = []
    channels = PREPROCESSING.channels
    for i, width in enumerate(WIDTHS, 1):
        side = 7 if i == 1 else 3
        nodes.append(p.conv(f"conv{i}", channels, width, side, padding=side // 2, bias=not norm))
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
    name="mnist",
    build=mnist,
    paper="the data: LeCun, Bottou, Bengio, Haffner, Gradient-based learning applied to document recognition, 1998",
    licence="MIT, as this package: trained by `minitorch-viz train mnist`",
    reader=PREPROCESSING,
    parameters=70_762,
    logits="logits",
    head="logits",
    classes=tuple("0123456789"),
    first_conv="conv1",
    last_conv="relu5",
)
