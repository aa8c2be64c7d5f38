"""Tiny VGG: four convolutions of ten filters; small enough to look at every one of its numbers."""

from __future__ import annotations

from minitorch_viz.layers import Flatten, MaxPool2d, ReLU, Softmax
from minitorch_viz.models.params import NodeSpec, Params, State
from minitorch_viz.models.readers.preprocessing import Preprocessing
from minitorch_viz.models.spec import ModelSpec
from minitorch_viz.net import Net

NAMES = (
    "lifeboat",
    "ladybug",
    "pizza",
    "bell pepper",
    "school bus",
    "koala",
    "espresso",
    "red panda",
    "orange",
    "sport car",
)


def tinyvgg(state: State | None = None, classes: int = 10, seed: int | None = 0) -> Net:
    """Build the net: x (N, 3, 64, 64) -> "output" (N, classes) -> "prob" (N, classes).

    Names are CNN Explainer's: "conv_1_1", "max_pool_2". Wang et al. 2020.
    """
    p = Params(state, seed)
    nodes: list[NodeSpec] = []
    channels = 3
    for stage in (1, 2):
        for i in (1, 2):
            nodes += [p.conv(f"conv_{stage}_{i}", channels, 10, 3), (f"relu_{stage}_{i}", ReLU())]
            channels = 10
        nodes.append((f"max_pool_{stage}", MaxPool2d(2)))
    nodes += [("flatten", Flatten()), p.linear("output", 10 * 13 * 13, classes), ("prob", Softmax())]
    return Net(nodes)


SPEC = ModelSpec(
    name="tinyvgg",
    build=tinyvgg,
    paper="Wang et al., CNN Explainer: learning convolutional neural networks with interactive visualization, 2020",
    licence="MIT (poloclub/cnn-explainer)",
    reader=Preprocessing((64, 64)),
    parameters=19_920,
    logits="output",
    head="output",
    classes=NAMES,
    first_conv="conv_1_1",
    last_conv="relu_2_2",
)
