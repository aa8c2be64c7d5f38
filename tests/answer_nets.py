"""Small random nets whose answer is more than a row of class scores: segmentation nets, nets with several heads."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from minitorch_viz import Model, Net
from minitorch_viz.layers import (
    Add,
    BatchNorm2d,
    Concat,
    Conv2d,
    ConvTranspose2d,
    Flatten,
    GlobalAvgPool2d,
    Linear,
    MaxPool2d,
    ReLU,
    Sigmoid,
    Softmax,
    UpsampleBilinear,
    UpsampleNearest,
)

SIZE = 16
CLASSES = ("background", "road", "sky")


def conv(rng: np.random.Generator, channels: int, out: int, kernel: int = 3, **settings) -> Conv2d:
    weight = rng.standard_normal((out, channels, kernel, kernel)) * np.sqrt(2 / (channels * kernel**2))
    return Conv2d(weight, rng.standard_normal(out) / 4, padding=settings.pop("padding", kernel // 2), **settings)


def u_net(rng: np.random.Generator) -> Net:
    """An encoder and a decoder, with skip connections from one to the other at two sizes."""
    return Net(
        [
            ("down1", conv(rng, 3, 6)),
            ("down1r", ReLU()),
            ("pool1", MaxPool2d(2)),
            ("down2", conv(rng, 6, 8)),
            ("down2r", ReLU()),
            ("pool2", MaxPool2d(2)),
            ("middle", conv(rng, 8, 8)),
            ("middler", ReLU()),
            ("up2", ConvTranspose2d(rng.standard_normal((8, 8, 2, 2)) / 4, np.zeros(8), stride=2)),
            ("skip2", Concat(), ("up2", "down2r")),
            ("fuse2", conv(rng, 16, 8)),
            ("fuse2r", ReLU()),
            ("up1", UpsampleNearest(2)),
            ("skip1", Concat(), ("up1", "down1r")),
            ("fuse1", conv(rng, 14, 6)),
            ("fuse1r", ReLU()),
            ("out", conv(rng, 6, 3, 1)),
        ]
    )


def fcn(rng: np.random.Generator) -> Net:
    """Scores at a quarter of the size, enlarged bilinearly."""
    return Net(
        [
            ("conv1", conv(rng, 3, 6, stride=2)),
            ("relu1", ReLU()),
            ("conv2", conv(rng, 6, 8, stride=2)),
            ("norm2", BatchNorm2d(rng.random(8) + 0.5, rng.standard_normal(8) / 4, np.zeros(8), np.ones(8))),
            ("relu2", ReLU()),
            ("score", conv(rng, 8, 3, 1)),
            ("out", UpsampleBilinear(4)),
        ]
    )


def dilated(rng: np.random.Generator) -> Net:
    """Dilated convolutions beside one another, summed up: full size throughout, a softmax at each place."""
    return Net(
        [
            ("conv1", conv(rng, 3, 6)),
            ("relu1", ReLU()),
            ("rate2", conv(rng, 6, 6, dilation=2, padding=2), "relu1"),
            ("rate3", conv(rng, 6, 6, dilation=3, padding=3), "relu1"),
            ("sum", Add(), ("rate2", "rate3")),
            ("relu2", ReLU()),
            ("out", conv(rng, 6, 3, 1)),
            ("prob", Softmax()),
        ]
    )


def residual_maps(rng: np.random.Generator) -> Net:
    """A residual block, and maps with a sigmoid each: labels beside one another."""
    return Net(
        [
            ("stem", conv(rng, 3, 6)),
            ("stemr", ReLU()),
            ("conv1", conv(rng, 6, 6)),
            ("relu1", ReLU()),
            ("conv2", conv(rng, 6, 6)),
            ("add", Add(), ("conv2", "stemr")),
            ("addr", ReLU()),
            ("out", conv(rng, 6, 3, 1)),
            ("prob", Sigmoid()),
        ]
    )


def dense_maps(rng: np.random.Generator) -> Net:
    """A dense block: each layer reads all before it."""
    return Net(
        [
            ("conv0", conv(rng, 3, 4)),
            ("relu0", ReLU()),
            ("conv1", conv(rng, 4, 4)),
            ("relu1", ReLU()),
            ("cat1", Concat(), ("relu0", "relu1")),
            ("conv2", conv(rng, 8, 4)),
            ("relu2", ReLU()),
            ("cat2", Concat(), ("cat1", "relu2")),
            ("out", conv(rng, 12, 3)),
        ]
    )


def one_channel(rng: np.random.Generator) -> Net:
    """One map that says yes or no."""
    return Net([("conv", conv(rng, 3, 6)), ("relu", ReLU()), ("out", conv(rng, 6, 1)), ("prob", Sigmoid())])


def trunk(rng: np.random.Generator) -> list[tuple]:
    return [
        ("conv1", conv(rng, 3, 6)),
        ("relu1", ReLU()),
        ("pool", MaxPool2d(2)),
        ("conv2", conv(rng, 6, 8)),
        ("relu2", ReLU()),
    ]


def head(rng: np.random.Generator, name: str, outputs: int, source: str, channels: int = 8) -> list[tuple]:
    """A convolution of the head's own, pooled, and a row of numbers."""
    return [
        (f"{name}_conv", conv(rng, channels, 8), source),
        (f"{name}_relu", ReLU()),
        (f"{name}_gap", GlobalAvgPool2d()),
        (f"{name}_flat", Flatten()),
        (name, Linear(rng.standard_normal((outputs, 8)), rng.standard_normal(outputs))),
    ]


def two_heads(rng: np.random.Generator) -> Net:
    """Class scores, and the coordinates of a box."""
    return Net([*trunk(rng), *head(rng, "box", 4, "relu2"), *head(rng, "kind", 3, "relu2")])


def three_heads(rng: np.random.Generator) -> Net:
    """Class scores, a second classifier, and maps."""
    maps = [("maps", conv(rng, 8, 2), "relu2")]
    return Net([*trunk(rng), *head(rng, "colour", 5, "relu2"), *maps, *head(rng, "kind", 3, "relu2")])


class Case(NamedTuple):
    """A net, and what is explained of it by the settings."""

    build: Callable[[np.random.Generator], Net]
    choice: dict
    names: tuple[str, ...] = CLASSES


CASES = {
    "U-net, the class that wins most": Case(u_net, {}),
    "U-net, a class": Case(u_net, {"target": "road"}),
    "U-net, a class in a region": Case(u_net, {"target": "sky", "region": (2, 3, 9, 12)}),
    "U-net, a class at one place": Case(u_net, {"target": 1, "position": (4, 9)}),
    "U-net, a class everywhere": Case(u_net, {"target": "sky", "mask": "all"}),
    "U-net, a channel inside over a region": Case(u_net, {"node": "fuse2r", "channel": 1, "region": (0, 0, 8, 16)}),
    "FCN, a class": Case(fcn, {"target": "road"}),
    "FCN without names": Case(fcn, {"target": 2}, ()),
    "dilated, a class": Case(dilated, {"target": "sky"}),
    "residual labels": Case(residual_maps, {"target": "road"}),
    "dense": Case(dense_maps, {"target": "road"}),
    "one channel": Case(one_channel, {}, ("object",)),
    "two heads, a class": Case(two_heads, {"target": "road"}),
    "two heads, a side of the box": Case(two_heads, {"node": "box", "channel": 2}),
    "three heads, the second classifier": Case(three_heads, {"node": "colour", "channel": 4}),
    "three heads, a unit of the maps": Case(three_heads, {"node": "maps", "channel": 1, "position": (3, 4)}),
    "three heads, a channel of the maps": Case(three_heads, {"node": "maps", "channel": 1, "mask": "wins"}),
}


def model_of(case: Case, size: int | tuple[int, int] = SIZE, seed: int = 0) -> Model:
    return Model.from_net(case.build(np.random.default_rng(seed)), size, class_names=case.names)


def photo(size: tuple[int, int] = (SIZE, SIZE), seed: int = 3) -> np.ndarray:
    """Coloured rectangles on noise."""
    rng = np.random.default_rng(seed)
    image = rng.integers(60, 120, (*size, 3))
    image[: size[0] // 2 + 1, size[1] // 3 :] += np.array([100, 20, 0])
    image[size[0] // 2 :, : size[1] // 2 + 1] += np.array([0, 30, 120])
    return image.astype(np.uint8)
