"""mnist_autoencoder: a handwritten digit as 64 numbers, and drawn again; given numbers of one's own, it draws digits.

Its second half is the generator of the presets `dgn` and `ppgn`.
"""

from __future__ import annotations

from minitorch_viz.models.code_autoencoder import code_autoencoder
from minitorch_viz.models.params import State
from minitorch_viz.models.readers.preprocessing import Preprocessing
from minitorch_viz.models.spec import ModelSpec
from minitorch_viz.net import Net

PREPROCESSING = Preprocessing((28, 28), channels=1, mean=(0,), std=(255,))
SIDE, WIDE, UNITS = 28, 256, 64


def mnist_autoencoder(
    state: State | None = None,
    classes: int = 0,  # noqa: ARG001 (no classes)
    seed: int | None = 0,
    noisy: bool = False,
) -> Net:
    """Build x (N, 1, 28, 28), 0 to 1 -> "code" (N, 64), at least 0 -> "output" (N, 1, 28, 28), which is to be x again.

    In the bundled file each unit of the code has the standard deviation 1 over the training pictures. noisy: as it is
    trained, see `code_autoencoder`.
    """
    return code_autoencoder(SIDE, WIDE, UNITS, state, seed, noisy)


SPEC = ModelSpec(
    name="mnist_autoencoder",
    build=mnist_autoencoder,
    paper="Kingma, Welling, Auto-encoding variational Bayes, 2014, with noise of one size; the data: LeCun et al. 1998",
    licence="MIT, as this package: trained by `minitorch-viz train mnist_autoencoder`",
    reader=PREPROCESSING,
    parameters=435_536,
)
