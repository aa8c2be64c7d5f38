"""faces_hidden: a classifier of six people with one hidden layer, whose units are templates of faces, too."""

from __future__ import annotations

from minitorch_viz.layers import Flatten, ReLU, Softmax
from minitorch_viz.models.faces import LICENCE, PAPER, PEOPLE, PREPROCESSING
from minitorch_viz.models.params import Params, State
from minitorch_viz.models.spec import ModelSpec
from minitorch_viz.net import Net

UNITS = 16


def faces_hidden(state: State | None = None, classes: int = len(PEOPLE), seed: int | None = 0) -> Net:
    """Build the net: x (N, 1, 64, 64) -> "relu" (N, 16) -> "logits" (N, 6) -> "prob" (N, 6).

    `hidden.weight.reshape(16, 64, 64)` are the templates; `logits.weight` says which person each speaks for.
    """
    p = Params(state, seed)
    return Net(
        [
            ("flatten", Flatten()),
            p.linear("hidden", 64 * 64, UNITS),
            ("relu", ReLU()),
            p.linear("logits", UNITS, classes),
            ("prob", Softmax()),
        ]
    )


SPEC = ModelSpec(
    name="faces_hidden",
    build=faces_hidden,
    paper=PAPER,
    licence=LICENCE,
    reader=PREPROCESSING,
    parameters=65_654,
    logits="logits",
    head="logits",
    classes=PEOPLE,
)
