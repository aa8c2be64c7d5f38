"""Nets for pictures of one's own, of any size and any number of classes: a small plain one, and the lectures' simplest.

Each function takes the pictures' size (H, W), channels and classes, and a seed for its random start; `squash` is the
layer behind the scores: Softmax for one class of several, Sigmoid for yes or no for each.
"""

from __future__ import annotations

import numpy as np

from minitorch_viz._types import Pair
from minitorch_viz.errors import SettingError, near, need_whole
from minitorch_viz.layers import Flatten, GlobalAvgPool2d, Layer, MaxPool2d, ReLU, Sigmoid, Softmax, Tanh
from minitorch_viz.models.params import Params
from minitorch_viz.net import Net

WIDTHS = 16, 32, 64, 64, 96  # channels of each convolution
SMALLEST_MAPS = 8  # pixels of the shorter side, below which maps are not halved: a heat map of them still shows a place
SOFTMAX = Softmax()
UNITS = 16  # of the hidden layer
ACTIVATIONS: dict[str, type[Layer]] = {"relu": ReLU, "sigmoid": Sigmoid, "tanh": Tanh}


def plain(size: Pair, channels: int, classes: int, seed: int = 0, *, squash: Layer = SOFTMAX) -> Net:
    """Build the net: x (N, channels, *size) -> "relu5" (N, 96, h, w) -> "logits" (N, classes) -> "prob".

    Five convolutions with batch normalization, the mean of each map and one linear layer: what CAM was made for. The
    maps are halved after the first convolutions, as often as `SMALLEST_MAPS` allows, at most four times.
    """
    p = Params(None, seed)
    nodes = []
    side = min(size)
    for i, width in enumerate(WIDTHS, 1):
        nodes += [
            p.conv(f"conv{i}", channels, width, 3, padding=1, bias=False),
            p.norm(f"norm{i}", width),
            (f"relu{i}", ReLU()),
        ]
        if i < len(WIDTHS) and side >= 2 * SMALLEST_MAPS:
            nodes.append((f"pool{i}", MaxPool2d(2)))
            side //= 2
        channels = width
    head = [("gap", GlobalAvgPool2d()), ("flatten", Flatten()), p.linear("logits", channels, classes)]
    return Net([*nodes, *head, ("prob", squash)])


def linear(size: Pair, channels: int, classes: int, seed: int = 0, *, squash: Layer = SOFTMAX) -> Net:
    """Build x -> "logits" (N, classes) -> "prob", z = W x + b: the rows of logits.weight are templates.

    W begins at 0: softmax regression has one optimum, and what is not learnt would be noise in the pictures of W.
    """
    p = Params(None, seed)
    head = p.linear("logits", channels * size[0] * size[1], classes)
    net = Net([("flatten", Flatten()), head, ("prob", squash)])
    return net.with_params({"logits.weight": 0 * net.params["logits.weight"]})


def hidden(
    size: Pair,
    channels: int,
    classes: int,
    seed: int = 0,
    *,
    squash: Layer = SOFTMAX,
    units: int = UNITS,
    activation: str = "relu",
) -> Net:
    """Build x -> "hidden" (N, units) -> its activation -> "logits" (N, classes) -> "prob".

    The rows of hidden.weight are templates; they begin near 0, and each different. Raises SettingError for units below
    1 and an activation other than relu, sigmoid and tanh.
    """
    need_whole("units", units, 1)
    if activation not in ACTIVATIONS:
        raise SettingError(f"There is no activation {activation!r}; {near(activation, ACTIVATIONS, 'activation')}.")
    p = Params(None, seed)
    first = p.linear("hidden", channels * size[0] * size[1], units)
    second = p.linear("logits", units, classes)
    net = Net([("flatten", Flatten()), first, (activation, ACTIVATIONS[activation]()), second, ("prob", squash)])
    return net.with_params({"hidden.weight": net.params["hidden.weight"] * np.float32(0.01)})
