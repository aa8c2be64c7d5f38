"""A small plain net for pictures of one's own, of any size and any number of classes."""

from __future__ import annotations

from minitorch_viz._types import Pair
from minitorch_viz.layers import Flatten, GlobalAvgPool2d, MaxPool2d, ReLU, Softmax
from minitorch_viz.models.params import Params
from minitorch_viz.net import Net

WIDTHS = 16, 32, 64, 64, 96  # channels of each convolution
SMALLEST_MAPS = 8  # pixels of the shorter side, below which maps are not halved: a heat map of them still shows a place


def plain(size: Pair, channels: int, classes: int, seed: int = 0) -> Net:
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
    return Net([*nodes, *head, ("prob", Softmax())])
