"""digits_autoencoder: a digit squeezed through 24 units and drawn again: what the units look for are strokes."""

from __future__ import annotations

from minitorch_viz.layers import Flatten, Reshape, Sigmoid
from minitorch_viz.models.params import Params, State
from minitorch_viz.models.readers.preprocessing import Preprocessing
from minitorch_viz.models.spec import ModelSpec
from minitorch_viz.net import Net

# Pixels from 0 to 1, so that the empty border is 0 and teaches nothing.
PREPROCESSING = Preprocessing((8, 8), channels=1, mean=(0,), std=(255,))
UNITS = 24


def digits_autoencoder(state: State | None = None, classes: int = 0, seed: int | None = 0) -> Net:  # noqa: ARG001 (no classes)
    """Build x (N, 1, 8, 8) -> "units" (N, 24) -> "output" (N, 1, 8, 8), which is to be x again.

    `code.weight.reshape(24, 8, 8)` is what the units look for; the columns of picture.weight are what they draw.
    """
    p = Params(state, seed)
    return Net(
        [
            ("flatten", Flatten()),
            p.linear("code", 8 * 8, UNITS),
            ("units", Sigmoid()),
            p.linear("picture", UNITS, 8 * 8),
            ("output", Reshape((1, 8, 8))),
        ]
    )


SPEC = ModelSpec(
    name="digits_autoencoder",
    build=digits_autoencoder,
    paper="Vincent et al., Extracting and Composing Robust Features with Denoising Autoencoders, 2008",
    licence="MIT, as this package: trained by `minitorch-viz train digits_autoencoder`",
    reader=PREPROCESSING,
    parameters=3_160,
)
