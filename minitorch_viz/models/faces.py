"""faces: a linear classifier of six people, whose weights are templates: a class's row, drawn as a picture, is a face.

`faces_hidden` is the same with one hidden layer: its templates are the hidden units'.
"""

from __future__ import annotations

from minitorch_viz.layers import Flatten, Softmax
from minitorch_viz.models.params import Params, State
from minitorch_viz.models.readers.preprocessing import Preprocessing
from minitorch_viz.models.spec import ModelSpec
from minitorch_viz.net import Net

# mean and std of the training pictures' pixels, on the 0..255 scale
PREPROCESSING = Preprocessing((64, 64), channels=1, mean=(143.1,), std=(38.3,))
PEOPLE = tuple(f"person {number}" for number in range(1, 7))  # the first six of the Olivetti faces
PAPER = "the data: Samaria, Harter, Parameterisation of a stochastic model for human face identification, 1994"
LICENCE = "MIT, as this package: trained by `minitorch-viz train faces`"


def faces(state: State | None = None, classes: int = len(PEOPLE), seed: int | None = 0) -> Net:
    """Build x (N, 1, 64, 64) -> "logits" (N, 6) -> "prob" (N, 6); the 6 templates are the rows of logits.weight.

    `logits.weight.reshape(6, 64, 64)` are the templates.
    """
    p = Params(state, seed)
    return Net([("flatten", Flatten()), p.linear("logits", 64 * 64, classes), ("prob", Softmax())])


SPEC = ModelSpec(
    name="faces",
    build=faces,
    paper=PAPER,
    licence=LICENCE,
    reader=PREPROCESSING,
    parameters=24_582,
    logits="logits",
    head="logits",
    classes=PEOPLE,
)
