"""Small random nets of maps, with every way in which windows can lie: for tests that compare part with whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from minitorch_viz import Net
from minitorch_viz.layers import (
    Add,
    AvgPool2d,
    BatchNorm2d,
    Concat,
    Conv2d,
    ConvTranspose2d,
    Dropout,
    Flatten,
    GlobalAvgPool2d,
    Layer,
    LeakyReLU,
    Linear,
    LocalResponseNorm,
    MaxPool2d,
    Nothing,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
    UpsampleNearest,
)

Rng = np.random.Generator


@dataclass(frozen=True, eq=False)
class Mirror(Layer):
    """A layer that says nothing of its window: it turns the map around."""

    Saved = Nothing

    def forward(self, x):
        return x[:, :, ::-1, ::-1].copy(), Nothing()

    def backward(self, dy, saved):  # noqa: ARG002 (the signature of every layer)
        return dy[:, :, ::-1, ::-1].copy()


def conv(rng: Rng, channels: int, out: int, kernel: int | tuple[int, int], **settings) -> Conv2d:
    kh, kw = (kernel, kernel) if isinstance(kernel, int) else kernel
    weight = rng.standard_normal((out, channels // settings.get("groups", 1), kh, kw)) / np.sqrt(channels * kh * kw)
    return Conv2d(weight, rng.standard_normal(out) / 4, **settings)


def plain(rng: Rng) -> Net:
    """Strides, paddings, dilation, groups, rectangles."""
    return Net(
        [
            ("conv1", conv(rng, 2, 4, 5, stride=2, padding=2)),
            ("relu1", ReLU()),
            ("pool1", MaxPool2d(3, 2, ceil_mode=True)),
            ("conv2", conv(rng, 4, 4, 3, padding=2, dilation=2, groups=2)),
            ("leaky", LeakyReLU()),
            ("conv3", conv(rng, 4, 3, (3, 2), padding=(1, 0))),
            ("tanh", Tanh()),
            ("gap", GlobalAvgPool2d()),
            ("flat", Flatten()),
            ("fc", Linear(rng.standard_normal((5, 3)))),
            ("prob", Softmax()),
        ]
    )


def fires(rng: Rng) -> Net:
    """Concatenations of branches with other windows, as in SqueezeNet and GoogLeNet."""
    return Net(
        [
            ("conv1", conv(rng, 2, 4, 3, stride=2)),
            ("norm1", LocalResponseNorm(3, 0.5)),
            ("relu1", ReLU()),
            ("pool1", MaxPool2d(3, 2, ceil_mode=True)),
            ("squeeze", conv(rng, 4, 2, 1)),
            ("one", conv(rng, 2, 3, 1)),
            ("three", conv(rng, 2, 3, 3, padding=1), ("squeeze",)),
            ("pooled", MaxPool2d(3, 1, 1), ("squeeze",)),
            ("join", Concat(), ("one", "three", "pooled")),
            ("relu2", ReLU()),
            ("drop", Dropout(0.5)),
            ("pool2", AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False)),
            ("last", conv(rng, 8, 4, 1)),
            ("gap", GlobalAvgPool2d()),
            ("flat", Flatten()),
        ]
    )


def residual(rng: Rng) -> Net:
    """Additions across layers, with batch normalization and a strided shortcut."""
    norm = lambda c: BatchNorm2d(*rng.uniform(0.5, 1.5, (2, c)), *rng.uniform(0.5, 1.5, (2, c)))
    return Net(
        [
            ("conv1", conv(rng, 2, 4, 3, padding=1)),
            ("bn1", norm(4)),
            ("relu1", ReLU()),
            ("conv2", conv(rng, 4, 4, 3, padding=1)),
            ("sum1", Add(), ("relu1", "conv2")),
            ("left", conv(rng, 4, 4, 3, stride=2, padding=1)),
            ("short", conv(rng, 4, 4, 1, stride=2), ("sum1",)),
            ("sum2", Add(), ("left", "short")),
            ("sigmoid", Sigmoid()),
            ("pool", AvgPool2d(2)),
            ("flat", Flatten()),
            ("fc", Linear(rng.standard_normal((3, 4 * 5 * 4)))),
        ]
    )


def decoder(rng: Rng) -> Net:
    """Down and up again; a transposed convolution and a mirror, which declare no window."""
    return Net(
        [
            ("conv1", conv(rng, 2, 3, 3, stride=2, padding=1)),
            ("relu1", ReLU()),
            ("up", UpsampleNearest((2, 3))),
            ("conv2", conv(rng, 3, 3, 3, padding=1)),
            ("softmax", Softmax()),
            ("mirror", Mirror()),
            ("conv3", conv(rng, 3, 2, 3)),
            ("paint", ConvTranspose2d(rng.standard_normal((2, 2, 3, 3)), stride=2)),
            ("conv4", conv(rng, 2, 2, 3)),
        ]
    )


class MapNet(NamedTuple):
    build: Callable[[Rng], Net]
    size: tuple[int, int]  # (H, W) of its input, which has two channels


MAP_NETS = {
    "plain": MapNet(plain, (26, 29)),
    "fires": MapNet(fires, (30, 27)),
    "residual": MapNet(residual, (20, 17)),
    "decoder": MapNet(decoder, (15, 14)),
}
