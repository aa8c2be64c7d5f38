"""A net that looks for what words ask for: find a thing, go to a side of it, describe what is there.

    image    -> the convolutions of `scenes` -> "shapes" (128, 16, 16), and its "pixels" (3, 16, 16), four by four
    pixels   -> "hues" (24): colours are not what the convolutions for kinds tell apart
    words    -> embedding -> LSTM -> "asked" (64): what is asked, once the last word is read
    find     one score a place, of maps of both, scaled by what is asked -> a softmax over the places: "found"
    go       "found" stays, or is moved by 4 learned stencils, 15 x 15 coarse places: to the left of it, above it
    look     one score a place, of the moved maps and the things in the picture -> a softmax: "where"
    describe maps of what there is, times "where": "looked_at", and its sum over the places -> the scores of the answers

Only "looked_at" tells the answer what is in the picture, apart from how sure the finding is and what is around what was
found: so its maps, weighted as Grad-CAM does, show what was looked at.
"""

from __future__ import annotations

import numpy as np

from minitorch_viz.layers import (
    AdaptiveMaxPool2d,
    AvgPool2d,
    Concat,
    Flatten,
    GlobalAvgPool2d,
    MaxPool2d,
    Mul,
    ReLU,
    Reshape,
    Slice,
    Softmax,
    UpsampleNearest,
)
from minitorch_viz.models.params import NodeSpec, Params, State
from minitorch_viz.models.scenes import POOLED, PREPROCESSING, WIDTHS
from minitorch_viz.net import Net

SIDE = 16  # places of the maps along each side
SHAPES, HUES = WIDTHS[-1] + WIDTHS[POOLED[-1] - 1], 24  # channels: of the last convolution and the second; of colours
EMBEDDING, ASKED = 32, 64  # numbers a word, cells of the LSTM
FINDERS, DESCRIBERS = (32, 16), (48, 32)  # channels made of shapes, and of hues
STENCILS, REACH, THINGS, HIDDEN = 4, 15, 8, 128
IMAGE, SEEN = "image", ("shapes", "pixels")


def asking(words_input: str, vocabulary: int, answers: int, state: State | None = None, seed: int | None = 0) -> Net:
    """Build the net: image (N, 3, 64, 64) and words (N, T) whole numbers 0..vocabulary -> "prob" (N, answers).

    words_input: what the input of words is called. Raises WeightsFileError for arrays that do not fit.
    """
    p = Params(state, seed)
    return Net([*eye(p), *mind(p, words_input, vocabulary, answers)], (IMAGE, words_input))


def asking_of_maps(
    words_input: str, vocabulary: int, answers: int, state: State | None = None, seed: int | None = 0
) -> Net:
    """Build the same without the convolutions, which are trained apart: "shapes", "pixels" and words -> "prob"."""
    return Net(mind(Params(state, seed), words_input, vocabulary, answers), (*SEEN, words_input))


def eye(p: Params) -> list[NodeSpec]:
    """Return the nodes from the image to "shapes", the last maps of `scenes` and those of its edges, and "pixels"."""
    nodes: list[NodeSpec] = []
    channels, before, edges = PREPROCESSING.channels, IMAGE, ""
    for i, width in enumerate(WIDTHS, 1):
        nodes += [p.conv(f"conv{i}", channels, width, 3, padding=1, reads=before), (f"relu{i}", ReLU())]
        channels, before = width, f"relu{i}"
        if i in POOLED:
            nodes.append((f"pool{i}", MaxPool2d(2)))
            before = edges = f"pool{i}"
    shapes, pixels = SEEN
    pooled = AvgPool2d(PREPROCESSING.size[0] // SIDE)
    return [*nodes, (shapes, Concat(), (before, edges)), (pixels, pooled, (IMAGE,))]


def mind(p: Params, words_input: str, vocabulary: int, answers: int) -> list[NodeSpec]:
    """Return the nodes from "shapes", "pixels" and the words to "prob"."""
    shapes, pixels = SEEN
    return [
        p.conv("hue", PREPROCESSING.channels, HUES, 1, reads=pixels),
        ("hues", ReLU()),
        p.embedding("embedding", vocabulary + 1, EMBEDDING, reads=words_input),
        p.lstm("lstm", EMBEDDING, ASKED),
        ("last", Slice(1, -1)),  # padding stands in front, so that the last step is the last word's
        ("asked", Flatten()),
        # find: where is the thing that the words name?
        *_of_both("find", FINDERS, p),
        p.linear("sought", ASKED, sum(FINDERS), reads="asked"),
        ("sought_maps", Reshape((sum(FINDERS), 1, 1))),
        ("compared", Mul(), ("find", "sought_maps")),
        ("alike", ReLU()),
        p.conv("find_score", sum(FINDERS), 1, 1),
        *_share("found", "find_score", p),
        # go: to which side of it?
        ("found_coarse", AvgPool2d(2)),
        p.conv("moved", 1, STENCILS, REACH, padding=REACH // 2, bias=False),
        ("moved_fine", UpsampleNearest(2)),
        ("moves", Concat(), ("found", "moved_fine")),
        p.linear("way", ASKED, 1 + STENCILS, reads="asked"),
        ("way_maps", Reshape((1 + STENCILS, 1, 1))),
        ("went", Mul(), ("moves", "way_maps")),
        # look: at which thing there?
        p.conv("thing", SHAPES, THINGS, 1, reads=shapes),
        ("things", ReLU()),
        ("places", Concat(), ("went", "things")),
        p.conv("look_score", 1 + STENCILS + THINGS, 1, 1),
        *_share("where", "look_score", p),
        # describe: what is there?
        *_of_both("describe", DESCRIBERS, p),
        ("described", ReLU()),
        ("looked_at", Mul(), ("described", "where")),
        ("mean", GlobalAvgPool2d()),
        ("there", Flatten()),
        # beside that: how sure was the finding, and what is around the thing found?
        ("surest", AdaptiveMaxPool2d(1), ("alike",)),
        ("sure", Flatten()),
        p.conv("any_thing", THINGS, 1, 1, reads="things"),
        ("any", ReLU()),
        ("around_maps", Mul(), ("moved_fine", "any")),
        ("around_mean", GlobalAvgPool2d()),
        ("around", Flatten()),
        ("known", Concat(), ("there", "asked", "sure", "around")),
        p.linear("think", sum(DESCRIBERS) + ASKED + sum(FINDERS) + STENCILS, HIDDEN),
        ("thought", ReLU()),
        p.linear("logits", HIDDEN, answers),
        ("prob", Softmax()),
    ]


def _of_both(name: str, channels: tuple[int, int], p: Params) -> list[NodeSpec]:
    """Return the nodes of maps that are made of the shapes, and of the hues, side by side."""
    parts = (("shapes", SHAPES, channels[0]), ("hues", HUES, channels[1]))
    convs = [p.conv(f"{name}_{of}", count, out, 1, reads=of) for of, count, out in parts]
    return [*convs, (name, Concat(), tuple(f"{name}_{of}" for of, _, _ in parts))]


def _share(name: str, score: str, p: Params) -> list[NodeSpec]:
    """Return the nodes that share 1 out among the places, by a softmax of their scores, times a learned number."""
    return [
        (f"{name}_row", Flatten(), (score,)),
        (f"{name}_share", Softmax()),
        (f"{name}_map", Reshape((1, SIDE, SIDE))),
        p.scale(name, (1, 1, 1)),
    ]


def begun(net: Net) -> Net:
    """Return an untrained net whose shares are scaled so that the numbers after them are of the size of 1."""
    scales = {"found.weight": SIDE, "where.weight": SIDE * SIDE}
    return net.with_params({name: np.full((1, 1, 1), value, np.float32) for name, value in scales.items()})
