"""digits_linear: a linear classifier of handwritten digits: ten templates, and nothing else."""

from __future__ import annotations

from minitorch_viz.layers import Flatten, Softmax
from minitorch_viz.models.digits import PREPROCESSING
from minitorch_viz.models.params import Params, State
from minitorch_viz.models.spec import ModelSpec
from minitorch_viz.net import Net


def digits_linear(state: State | None = None, classes: int = 10, seed: int | None = 0) -> Net:
    """Build x (N, 1, 8, 8) -> "logits" (N, 10) -> "prob" (N, 10); the 10 templates are the rows of logits.weight.

    `logits.weight.reshape(10, 8, 8)` are the templates.
    """
    p = Params(state, seed)
    return Net([("flatten", Flatten()), p.linear("logits", 8 * 8, classes), ("prob", Softmax())])


SPEC = ModelSpec(
    name="digits_linear",
    build=digits_linear,
    paper="the data: Alpaydin, Kaynak, Optical Recognition of Handwritten Digits, UCI 1998",
    licence="MIT, as this package: trained by `minitorch-viz train digits_linear`",
    reader=PREPROCESSING,
    parameters=650,
    logits="logits",
    head="logits",
    classes=tuple("0123456789"),
)
