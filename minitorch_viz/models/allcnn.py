"""allcnn: nothing but convolutions, so that backward signals pass no pooling and no switches; trained on CIFAR-10."""

from __future__ import annotations

from minitorch_viz.layers import Flatten, GlobalAvgPool2d, ReLU, Softmax
from minitorch_viz.models.cifar10 import NAMES, PREPROCESSING
from minitorch_viz.models.params import NodeSpec, Params, State
from minitorch_viz.models.spec import ModelSpec
from minitorch_viz.net import Net

# Each convolution of All-CNN-C: channels (half the paper's 96 and 192), filter size, stride. A stride of 2 stands where
# other nets pool.
CONVOLUTIONS = (48, 3, 1), (48, 3, 1), (48, 3, 2), (96, 3, 1), (96, 3, 1), (96, 3, 2), (96, 3, 1), (96, 1, 1)


def allcnn(state: State | None = None, classes: int = 10, seed: int | None = 0, norm: bool = False) -> Net:
    """Build the net: x (N, 3, 32, 32) -> "relu8" (N, 96, 8, 8) -> "conv9" (N, 10, 8, 8) -> "logits" -> "prob" (N, 10).

    All-CNN-C of Springenberg et al. 2015 at half its width: the last convolution makes one map a class, whose mean is
    the score.
    norm: with the batch normalizations that it is trained with, in place of the paper's dropout; `fold_batch_norms`
    merges them into the convolutions, and the file holds that.
    """
    p = Params(state, seed)
    nodes: list[NodeSpec] = []
    channels = PREPROCESSING.channels
    for i, (width, side, stride) in enumerate(CONVOLUTIONS, 1):
        nodes.append(p.conv(f"conv{i}", channels, width, side, stride=stride, padding=side // 2, bias=not norm))
        if norm:
            nodes.append(p.norm(f"norm{i}", width))
        nodes.append((f"relu{i}", ReLU()))
        channels = width
    head = p.conv(f"conv{len(CONVOLUTIONS) + 1}", channels, classes, 1)
    return Net([*nodes, head, ("gap", GlobalAvgPool2d()), ("logits", Flatten()), ("prob", Softmax())])


SPEC = ModelSpec(
    name="allcnn",
    build=allcnn,
    paper="Springenberg et al., Striving for Simplicity: The All Convolutional Net, 2015",
    licence="MIT, as this package: trained by `minitorch-viz train allcnn`",
    reader=PREPROCESSING,
    parameters=343_882,
    logits="logits",
    head="conv9",
    classes=NAMES,
    first_conv="conv1",
    last_conv="relu8",
)
