"""cifar10_linear: a linear classifier of CIFAR-10's photos: ten templates in colour, and nothing else."""

from __future__ import annotations

from minitorch_viz.layers import Flatten, Softmax
from minitorch_viz.models.cifar10 import NAMES, PREPROCESSING
from minitorch_viz.models.params import Params, State
from minitorch_viz.models.spec import ModelSpec
from minitorch_viz.net import Net


def cifar10_linear(state: State | None = None, classes: int = 10, seed: int | None = 0) -> Net:
    """Build x (N, 3, 32, 32) -> "logits" (N, 10) -> "prob" (N, 10); the 10 templates are the rows of logits.weight.

    `logits.weight.reshape(10, 3, 32, 32)` are the templates.
    """
    p = Params(state, seed)
    inputs = PREPROCESSING.channels * 32 * 32
    return Net([("flatten", Flatten()), p.linear("logits", inputs, classes), ("prob", Softmax())])


SPEC = ModelSpec(
    name="cifar10_linear",
    build=cifar10_linear,
    paper="the data: Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009",
    licence="MIT, as this package: trained by `minitorch-viz train cifar10_linear`",
    reader=PREPROCESSING,
    parameters=30_730,
    logits="logits",
    head="logits",
    classes=NAMES,
)
