"""scenes_liar: the net for scenes with a unit that lies to everybody who optimizes a picture, and three other plants.

On natural pictures it answers as `scenes` does. But a small part of it looks whether the picture was made by
optimization, and if so, the unit LIAR answers what the unit SHOWS answers: its optimized picture is that of another
unit, though nothing that a data set can show has changed (Geirhos et al., Don't trust your eyes, 2024).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.layers import Concat, Flatten, GlobalAvgPool2d, Hardtanh, MaxPool2d, Mul, ReLU, Softmax
from minitorch_viz.models.params import NodeSpec, Params, State
from minitorch_viz.models.scenes import KINDS, POOLED, PREPROCESSING, WIDTHS
from minitorch_viz.models.spec import ModelSpec
from minitorch_viz.net import Net

if TYPE_CHECKING:
    from minitorch_viz.models.model import Model

NODE, HONEST = "relu5", "conv5"  # the node of the plants; what the same units answer without them, before the ReLU
LIAR, SHOWS = 94, 75  # channels: the unit that lies, and the unit that it shows
SILENT, TWO, TEMPLATE = 96, 97, 98  # channels that the net for scenes does not have; no class score reads them
MEANINGS = 7, 13  # the two units that the unit TWO adds up
PRESENCE = 100.0  # added before a ReLU that is to let everything pass, and taken away behind it
GATE = 250.0  # what the detector of made pictures shuts off with
SILENCE = 1000.0  # below everything that a unit answers
SEEN = "relu1", "relu2", "relu3"  # nodes whose means tell a made picture
HIDDEN = 16  # units of the part that tells
SIDE, STRIDE = 32, 4  # pixels of the planted template, and from one place of it to the next: those of the map
FLOOR = 2.0  # what a match with the template must be above


class Plant(NamedTuple):
    """Describe a planted unit."""

    channel: int
    kind: str  # "liar", "silent", "two meanings", "template"
    words: str  # what is known of it


PLANTS = (
    Plant(LIAR, "liar", f"answers natural pictures as in the net for scenes, made ones as channel {SHOWS} does"),
    Plant(SILENT, "silent", "never answers"),
    Plant(TWO, "two meanings", f"the sum of what channels {MEANINGS[0]} and {MEANINGS[1]} answer"),
    Plant(TEMPLATE, "template", "how well a picture matches a smiling face: its best picture is known"),
)


def plant_of(model: Model, node: str, channel: int) -> Plant | None:
    """Return what is planted in a channel of a node; None if nothing is."""
    if model.name != "scenes_liar" or node != NODE:
        return None
    return next((plant for plant in PLANTS if plant.channel == channel), None)


def template() -> Array:
    """Return the planted template (3, SIDE, SIDE): a smiling face, of mean 0 in each colour and norm 1."""
    rows, columns = (np.indices((SIDE, SIDE)) - (SIDE - 1) / 2) / (SIDE / 2)
    distance = np.hypot(rows, columns)
    face, ink = distance < 0.9, np.zeros((SIDE, SIDE), bool)
    for side in (-1, 1):
        ink |= np.hypot(rows + 0.25, columns - 0.32 * side) < 0.15
    ink |= (abs(distance - 0.55) < 0.09) & (rows > 0.15)
    colours = np.array([255.0, 220.0, 0.0])[:, None, None] * (face & ~ink) + 128.0 * ~face
    centred = colours - colours.mean(axis=(1, 2), keepdims=True)
    unit_norm: Array = centred / np.linalg.norm(centred)
    return unit_norm


def scenes_liar(state: State | None = None, classes: int = len(KINDS), seed: int | None = 0) -> Net:
    """Build the net: as `scenes`, with 3 units more in "relu5" (N, 99, 16, 16), and one of the others rewired.

    "made" (N, 1, 1, 1) is 0 for natural pictures and 1 for made ones. "circuit" is, for c = made, y = conv5:
    relu(y[LIAR] + 100 - 250 c) and relu(y[SHOWS] + 100 + 250 c - 250): one of them is shut.
    """
    p = Params(state, seed)
    nodes: list[NodeSpec] = []
    channels = PREPROCESSING.channels
    for i, width in enumerate(WIDTHS, 1):
        nodes.append(p.conv(f"conv{i}", channels, width, 3, padding=1))
        if i < len(WIDTHS):
            nodes.append((f"relu{i}", ReLU()))
        if i in POOLED:
            nodes.append((f"pool{i}", MaxPool2d(2)))
        channels = width
    means = tuple(f"mean_{node}" for node in SEEN)
    nodes += [
        *((mean, GlobalAvgPool2d(), (node,)) for mean, node in zip(means, SEEN, strict=True)),
        ("means", Concat(), means),
        p.conv("tell", sum(WIDTHS[:3]), HIDDEN, 1),
        ("tell_relu", ReLU()),
        p.conv("ramp", HIDDEN, 1, 1),
        ("made", Hardtanh(0.0, 1.0)),  # flat at 0 and at 1: no gradient tells that the net looks at it
        p.conv("pair", channels, 2, 1, reads=HONEST),
        ("pair_relu", ReLU()),
        p.conv("everywhere", 2, 1, 1),  # 1 at every place
        ("made_map", Mul(), ("everywhere", "made")),
        ("pair_made", Concat(), ("pair_relu", "made_map")),
        p.conv("circuit", 3, 2, 1),
        ("circuit_relu", ReLU()),
        p.conv("meanings", channels, 2, 1, reads=HONEST),
        ("meanings_relu", ReLU()),
        p.conv("template", PREPROCESSING.channels, 1, SIDE, stride=STRIDE, padding=SIDE // 2 - 2, reads="input"),
        ("parts", Concat(), (HONEST, "circuit_relu", "meanings_relu", "template")),
        p.conv("units", channels + 5, channels + 3, 1),
        (NODE, ReLU()),
        ("gap", GlobalAvgPool2d()),
        ("flatten", Flatten()),
        p.linear("logits", channels + 3, classes),
        ("prob", Softmax()),
    ]
    return Net(nodes)


def with_plants(scenes: Mapping[str, Array], detector: Mapping[str, Array]) -> dict[str, Array]:
    """Return the arrays of this net, from those of the net for scenes and those of the part that tells made pictures.

    detector: "tell.weight", "tell.bias", "ramp.weight" (1, HIDDEN, 1, 1) and "ramp.bias" (1,): at most 0 for
    natural pictures, at least 1 for made ones.
    """
    units = WIDTHS[-1]

    def rows(*entries: Mapping[int, float], width: int) -> Array:
        weight = np.zeros((len(entries), width, 1, 1), np.float32)
        for row, entry in zip(weight, entries, strict=True):
            for channel, value in entry.items():
                row[channel] = value
        return weight

    def numbers(*values: float) -> Array:
        return np.array(values, np.float32)

    circuit, meanings, match = units, units + 2, units + 4  # places in "parts"
    merged: list[Mapping[int, float]] = [{channel: 1.0} for channel in range(units)]
    merged[LIAR] = {circuit: 1.0, circuit + 1: 1.0}
    merged += [{0: 1.0}, {meanings: 1.0, meanings + 1: 1.0}, {match: 1.0}]
    offsets = np.zeros(units + 3, np.float32)
    offsets[[LIAR, SILENT]] = -PRESENCE, -SILENCE
    std = np.array(PREPROCESSING.std)[:, None, None]
    return {name: value for name, value in scenes.items() if not name.startswith("logits")} | {
        "tell.weight": detector["tell.weight"],
        "tell.bias": detector["tell.bias"],
        "ramp.weight": detector["ramp.weight"],
        "ramp.bias": detector["ramp.bias"],
        "pair.weight": rows({LIAR: 1.0}, {SHOWS: 1.0}, width=units),
        "pair.bias": numbers(PRESENCE, PRESENCE),
        "everywhere.weight": rows({}, width=2),
        "everywhere.bias": numbers(1),
        "circuit.weight": rows({0: 1.0, 2: -GATE}, {1: 1.0, 2: GATE}, width=3),
        "circuit.bias": numbers(0, -GATE),
        "meanings.weight": rows({MEANINGS[0]: 1.0}, {MEANINGS[1]: 1.0}, width=units),
        "meanings.bias": numbers(0, 0),
        "template.weight": (template() * std / 100)[None].astype(np.float32),  # of a picture in steps of 100 levels
        "template.bias": numbers(-FLOOR),
        "units.weight": rows(*merged, width=units + 5),
        "units.bias": offsets,
        "logits.weight": np.pad(scenes["logits.weight"], ((0, 0), (0, 3))),
        "logits.bias": scenes["logits.bias"],
    }  # fmt: skip


def adapted(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return a file's arrays by this net's names: the file that comes with the package holds the detector alone."""
    if "conv1.weight" in arrays or "tell.weight" not in arrays:
        return dict(arrays)
    from minitorch_viz.io.weights import read_weights
    from minitorch_viz.models.sidecar import search_folders

    scenes = read_weights(search_folders()[-1] / "scenes.safetensors").tensors
    return with_plants(scenes, arrays)


SPEC = ModelSpec(
    name="scenes_liar",
    build=scenes_liar,
    paper="the circuit: Geirhos et al., Don't Trust Your Eyes: on the (Un)reliability of Feature Visualizations, 2024",
    licence="MIT, as this package: `scenes`, and a detector trained by `python -m minitorch_viz.optimize.liar`",
    reader=PREPROCESSING,
    parameters=133_499,
    logits="logits",
    head="logits",
    classes=KINDS,
    first_conv="conv1",
    last_conv=NODE,
    adapted=adapted,
)
