"""ConvNetJS's CIFAR-10 net: three small convolutions that learn in a browser window."""

from __future__ import annotations

from minitorch_viz.layers import Flatten, MaxPool2d, ReLU, Softmax
from minitorch_viz.models.params import NodeSpec, Params, State
from minitorch_viz.models.readers.preprocessing import Preprocessing
from minitorch_viz.models.spec import ModelSpec
from minitorch_viz.net import Net

NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
FILTERS = (16, 20, 20)


def convnetjs_cifar10(state: State | None = None, classes: int = 10, seed: int | None = 0) -> Net:
    """Build the net: x (N, 3, 32, 32), pixel / 255 - 0.5 -> "fc" (N, classes) -> "prob" (N, classes). Karpathy 2014."""
    p = Params(state, seed)
    nodes: list[NodeSpec] = []
    channels = 3
    for i, out in enumerate(FILTERS, start=1):
        nodes += [
            p.conv(f"conv{i}", channels, out, 5, padding=2),
            (f"relu{i}", ReLU()),
            (f"pool{i}", MaxPool2d(2)),
        ]
        channels = out
    nodes += [("flatten", Flatten()), p.linear("fc", channels * 4 * 4, classes), ("prob", Softmax())]
    return Net(nodes)


SPEC = ModelSpec(
    name="convnetjs_cifar10",
    build=convnetjs_cifar10,
    paper="Karpathy, ConvNetJS: deep learning in your browser, 2014",
    licence="MIT (ConvNetJS)",
    reader=Preprocessing((32, 32), mean=(127.5,), std=(255,)),
    parameters=22_466,
    logits="fc",
    head="fc",
    classes=NAMES,
    first_conv="conv1",
    last_conv="relu3",
    files=("convnetjs_cifar10.json", "cifar10_snapshot.json", "convnetjs_cifar10_snapshot.json"),
)
