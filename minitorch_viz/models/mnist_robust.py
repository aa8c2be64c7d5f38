"""mnist_robust: a net for handwritten digits that small changes hardly fool, trained on digits under attack."""

from __future__ import annotations

from minitorch_viz.layers import AvgPool2d, Flatten, ReLU, Softmax
from minitorch_viz.models.params import Params, State
from minitorch_viz.models.readers.preprocessing import Preprocessing
from minitorch_viz.models.spec import ModelSpec
from minitorch_viz.net import Net

PREPROCESSING = Preprocessing((28, 28), channels=1, mean=(0.0,), std=(255.0,))  # x is 0..1, as in the paper
WIDTHS = 16, 32  # channels of each convolution
UNITS = 100


def mnist_robust(state: State | None = None, classes: int = 10, seed: int | None = 0) -> Net:
    """Build the net: x (N, 1, 28, 28) -> "relu2" (N, 32, 14, 14) -> "relu3" (N, 100) -> "logits" (N, 10) -> "prob".

    Two convolutions of 5 x 5, after each the mean over 2 x 2, and one hidden layer: as large as the net of Wong, Rice
    and Kolter 2020 for MNIST, whose convolutions of 4 x 4 take steps of 2 pixels. Those leave a chequered pattern in
    whatever is climbed, and maximum pooling dots, where this net's class models are strokes.
    """
    p = Params(state, seed)
    return Net(
        [
            p.conv("conv1", PREPROCESSING.channels, WIDTHS[0], 5, padding=2),
            ("relu1", ReLU()),
            ("pool1", AvgPool2d(2)),
            p.conv("conv2", WIDTHS[0], WIDTHS[1], 5, padding=2),
            ("relu2", ReLU()),
            ("pool2", AvgPool2d(2)),
            ("flatten", Flatten()),
            p.linear("fc", WIDTHS[1] * 7 * 7, UNITS),
            ("relu3", ReLU()),
            p.linear("logits", UNITS, classes),
            ("prob", Softmax()),
        ]
    )


SPEC = ModelSpec(
    name="mnist_robust",
    build=mnist_robust,
    paper="Wong, Rice, Kolter, Fast is better than free: revisiting adversarial training, 2020; Madry et al. 2018",
    licence="MIT, as this package: trained by `minitorch-viz train mnist_robust`",
    reader=PREPROCESSING,
    parameters=171_158,
    logits="logits",
    head="logits",
    classes=tuple("0123456789"),
    first_conv="conv1",
    last_conv="relu2",
)
