"""digits: the small net that comes with the package, trained by it on scikit-learn's handwritten digits."""

from __future__ import annotations

from minitorch_viz.layers import Flatten, MaxPool2d, ReLU, Softmax
from minitorch_viz.models.params import Params, State
from minitorch_viz.models.readers.preprocessing import Preprocessing
from minitorch_viz.models.spec import ModelSpec
from minitorch_viz.net import Net

# mean and std of the training split's pixels, on the 0..255 scale
PREPROCESSING = Preprocessing((8, 8), channels=1, mean=(77.9,), std=(95.9,))


def digits(state: State | None = None, classes: int = 10, seed: int | None = 0) -> Net:
    """Build three convolutions, a pooling and a linear layer: x (N, 1, 8, 8) -> "logits" (N, 10) -> "prob" (N, 10)."""
    p = Params(state, seed)
    return Net(
        [
            p.conv("conv1", 1, 16, 3, padding=1),
            ("relu1", ReLU()),
            p.conv("conv2", 16, 32, 3, padding=1),
            ("relu2", ReLU()),
            ("pool2", MaxPool2d(2)),
            p.conv("conv3", 32, 32, 3, padding=1),
            ("relu3", ReLU()),
            ("flatten", Flatten()),
            p.linear("logits", 32 * 4 * 4, classes),
            ("prob", Softmax()),
        ]
    )


SPEC = ModelSpec(
    name="digits",
    build=digits,
    paper="the data: Alpaydin, Kaynak, Optical Recognition of Handwritten Digits, UCI 1998",
    licence="MIT, as this package: trained by `minitorch-viz train digits`",
    reader=PREPROCESSING,
    parameters=19_178,
    logits="logits",
    head="logits",
    classes=tuple("0123456789"),
    first_conv="conv1",
    last_conv="relu3",
)
