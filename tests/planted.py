"""A net whose units are known detectors, and the pictures that it reads: scenes with their truth as their colours.

The red of a pixel says its kind, the green its colour, and the blue is noise, which grades the answers. A unit is a
ReLU of sums of exact detectors, so that where it answers is known at every pixel.
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from minitorch_viz import Model, Net
from minitorch_viz._types import Array
from minitorch_viz.data.pictures import ScenePictures
from minitorch_viz.data.scenes import COLOURS, KINDS, Scene
from minitorch_viz.layers import Conv2d, Flatten, GlobalAvgPool2d, Linear, ReLU

STEP = 20, 10  # grey levels between two colours, and between two kinds
NODE = "units"  # the node of the planted units


class Planted(NamedTuple):
    """Describe a unit: max(0, bias + sum of weights where the pixel shows a concept + noise from 0 to 0.5)."""

    weights: Mapping[str, float]
    bias: float
    formula: str  # what it detects


UNITS = (
    Planted({"red": 1}, -1, "red"),
    Planted({"car": 1}, -1, "car"),
    Planted({"red": 1, "blue": 1}, -1, "red OR blue"),
    Planted({"house": 1, "white": 1}, -2, "house AND white"),
    Planted({"star": 1, "yellow": -1}, -1, "star AND NOT yellow"),
    Planted({"red": 1, "blue": 1, "house": -1}, -1, "(red OR blue) AND NOT house"),
    Planted({"kind background": -1}, 0, "NOT background"),
    Planted({"star": 2, "yellow": 1}, -1, "star OR yellow"),  # strong for stars, weaker for yellow: two meanings
    Planted({}, -1, ""),  # silent
    Planted({}, 0, ""),  # answers to noise alone
)
TWO_MEANINGS = 7  # its number: stars at the top, yellow things below


@dataclass(frozen=True, eq=False, repr=False)
class EncodedScenes(ScenePictures):
    """Scenes as the planted net reads them."""

    name: str = "encoded scenes"

    def picture_of(self, scene: Scene) -> Array:
        noise = np.random.default_rng(zlib.crc32(scene.image)).integers(0, 256, scene.kind_map.shape)
        layers = STEP[1] * scene.kind_map.astype(int), STEP[0] * scene.colour_map.astype(int), noise
        return np.stack(layers, axis=2).astype(np.uint8)


def shows(pictures: ScenePictures, number: int, name: str) -> Array:
    """Where a pixel shows a concept, (64, 64) bool."""
    scene = pictures.scene(number)
    return scene.kind_map == 0 if name == "kind background" else scene.where(name)


def answers(pictures: ScenePictures, number: int, unit: Planted) -> Array:
    """What a unit answers at every pixel, computed from the truth: (64, 64)."""
    noise = pictures[number][..., 2] / 255 / 2
    total = sum(weight * shows(pictures, number, name) for name, weight in unit.weights.items())
    return np.maximum(0, unit.bias + total + noise)


@functools.cache
def planted_model() -> Model:
    """The net: ramps around each value that a unit asks for; sums of them; the mean of each, and 3 classes."""
    names = list(dict.fromkeys(name for unit in UNITS for name in unit.weights))
    ramps = np.zeros((3 * len(names) + 1, 3, 1, 1))
    offsets = np.zeros(len(ramps))
    for place, name in enumerate(names):
        channel, value = (1, COLOURS.index(name)) if name in COLOURS else (0, KINDS.index(name.removeprefix("kind ")))
        for part, shift in enumerate((-1, 0, 1)):
            ramps[3 * place + part, channel] = 1 / STEP[1 - channel]
            offsets[3 * place + part] = -(value + shift)
    ramps[-1, 2] = 1 / 255 / 2
    sums = np.zeros((len(UNITS), len(ramps), 1, 1))
    for row, unit in zip(sums, UNITS, strict=True):
        row[-1] = 1
        for name, weight in unit.weights.items():
            place = 3 * names.index(name)
            row[place : place + 3, 0, 0] = np.array([1, -2, 1]) * weight
    biases = np.array([unit.bias for unit in UNITS], float)
    head = np.zeros((3, len(UNITS)))
    head[0, 0], head[1, 1], head[2, 7] = 100, 100, 100
    net = Net(
        [
            ("ramps", Conv2d(ramps, offsets)),
            ("ramps_on", ReLU()),
            ("sums", Conv2d(sums, biases)),
            (NODE, ReLU()),
            ("gap", GlobalAvgPool2d()),
            ("flat", Flatten()),
            ("fc", Linear(head)),
        ]
    )
    return Model.from_net(net, 64, class_names=["red", "car", "star"], std=1, name="planted")
