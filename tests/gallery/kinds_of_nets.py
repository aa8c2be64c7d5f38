"""Nets of kinds that the zoo has none of: small, with random weights, for the gallery's table."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minitorch_viz import Net
from minitorch_viz.layers import (
    GELU,
    LSTM,
    Add,
    BatchNorm1d,
    Concat,
    Conv1d,
    Conv2d,
    Flatten,
    GlobalAvgPool2d,
    LayerNorm,
    Linear,
    MaxPool1d,
    MaxPool2d,
    MultiheadAttention,
    Permute,
    ReLU,
    Reshape,
    Sigmoid,
    SiLU,
    Slice,
    Softmax,
    UpsampleBilinear,
)
from minitorch_viz.models import Alphabet, Model, Numbers, Preprocessing

CLASSES = ("a", "b", "c")
PIXELS = {"mean": 127.5, "std": 127.5}


def _rng() -> np.random.Generator:
    return np.random.default_rng(0)


def segmentation() -> Model:
    rng = _rng()
    nodes = [
        ("conv1", Conv2d.random(rng, 3, 12, 3, padding=1)),
        ("relu1", ReLU()),
        ("pool", MaxPool2d(2)),
        ("conv2", Conv2d.random(rng, 12, 12, 3, padding=1)),
        ("relu2", ReLU()),
        ("head", Conv2d.random(rng, 12, 3, 1)),
        ("maps", UpsampleBilinear(size=(48, 48))),
    ]
    return Model.from_net(Net(nodes), 48, class_names=CLASSES, scores="maps", name="segmentation", **PIXELS)


def series() -> Model:
    rng = _rng()
    nodes = [
        ("conv1", Conv1d.random(rng, 2, 8, 5, padding=2)),
        ("relu1", ReLU()),
        ("pool", MaxPool1d(2)),
        ("conv2", Conv1d.random(rng, 8, 8, 5, padding=2)),
        ("relu2", ReLU()),
        ("flatten", Flatten()),
        ("scores", Linear.random(rng, 8 * 32, 3)),
    ]
    return Model.from_net(Net(nodes), readers=Numbers((2, 64)), class_names=CLASSES, name="series")


def rows() -> Model:
    rng = _rng()
    statistics = (np.ones(16), np.zeros(16), rng.normal(size=16) / 4, rng.uniform(0.5, 2, 16))
    nodes = [
        ("hidden", Linear.random(rng, 13, 16)),
        ("norm", BatchNorm1d(*(array.astype(np.float32) for array in statistics))),
        ("relu", ReLU()),
        ("scores", Linear.random(rng, 16, 3)),
        ("prob", Softmax()),
    ]
    return Model.from_net(Net(nodes), readers=Numbers((13,)), class_names=CLASSES, name="rows")


def letters() -> Model:
    rng = _rng()
    alphabet = "abcdefghijklmnopqrstuvwxyz .\n"
    nodes = [("lstm", LSTM.random(rng, len(alphabet), 12)), ("scores", Linear.random(rng, 12, len(alphabet)))]
    return Model.from_net(Net(nodes), readers=Alphabet(alphabet), name="letters")


def sigmoid() -> Model:
    rng = _rng()
    nodes = [
        ("flatten", Flatten()),
        ("hidden", Linear.random(rng, 3 * 24 * 24, 20)),
        ("sigmoid", Sigmoid()),
        ("scores", Linear.random(rng, 20, 3)),
    ]
    return Model.from_net(Net(nodes), 24, class_names=CLASSES, name="sigmoid", **PIXELS)


def smooth() -> Model:
    rng = _rng()
    nodes = [
        ("conv1", Conv2d.random(rng, 3, 8, 3, padding=1)),
        ("silu", SiLU()),
        ("conv2", Conv2d.random(rng, 8, 8, 3, padding=1)),
        ("gelu", GELU()),
        ("add", Add(), ("gelu", "silu")),
        ("gap", GlobalAvgPool2d()),
        ("flatten", Flatten()),
        ("scores", Linear.random(rng, 8, 3)),
    ]
    return Model.from_net(Net(nodes), 32, class_names=CLASSES, name="smooth", **PIXELS)


def attention() -> Model:
    rng = _rng()
    ones, zeros = np.ones(12, np.float32), np.zeros(12, np.float32)
    nodes = [
        ("patches", Conv2d.random(rng, 3, 12, 8, stride=8)),
        ("rows", Reshape((12, 16))),
        ("tokens", Permute((0, 2, 1))),
        ("norm", LayerNorm((12,), ones, zeros)),
        ("attention", MultiheadAttention.random(rng, 12, 3)),
        ("add", Add(), ("tokens", "attention")),
        ("first", Slice(1, 0, 1)),
        ("flatten", Flatten()),
        ("scores", Linear.random(rng, 12, 3)),
    ]
    return Model.from_net(Net(nodes), 32, class_names=CLASSES, name="attention", **PIXELS)


def two_inputs() -> Model:
    rng = _rng()
    nodes = [
        ("conv", Conv2d.random(rng, 3, 8, 3, padding=1), ("picture",)),
        ("relu", ReLU()),
        ("gap", GlobalAvgPool2d()),
        ("flatten", Flatten()),
        ("both", Concat(1), ("flatten", "numbers")),
        ("scores", Linear.random(rng, 12, 3)),
    ]
    readers = {"picture": Preprocessing((32, 32), mean=(127.5,) * 3, std=(127.5,) * 3), "numbers": Numbers((4,))}
    net = Net(nodes, ("picture", "numbers"))
    model = Model.from_net(net, readers=readers, class_names=CLASSES, name="two_inputs")
    return model.with_inputs(numbers=[1, 0, -1, 0.5])  # one input is looked at, each other is given


KINDS: dict[str, Callable[[], Model]] = {
    "segmentation": segmentation,
    "series": series,
    "rows": rows,
    "letters": letters,
    "sigmoid": sigmoid,
    "smooth": smooth,
    "attention": attention,
    "two_inputs": two_inputs,
}
SAYS = {
    "segmentation": "a score for each class at each pixel",
    "series": "one-dimensional convolutions over two series of 64 numbers",
    "rows": "a hidden layer and batch normalization over rows of 13 numbers",
    "letters": "an LSTM that reads letter by letter and answers at each",
    "sigmoid": "no ReLU and no maps: one hidden layer of sigmoids",
    "smooth": "SiLU and GELU in place of ReLU, a residual connection, average pooling",
    "attention": "patches as tokens, layer normalization, multi-head attention",
    "two_inputs": "a picture, and four numbers that are given beside it",
}
