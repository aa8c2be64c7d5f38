"""Mahendran and Vedaldi 2016: the score less a sixth power of the colours and their total variation."""

from minitorch_viz.optimize.parametrizations import Parametrization, Pixels
from minitorch_viz.optimize.presets._balance import SPREAD, as_steep
from minitorch_viz.optimize.presets._transforms import jitter
from minitorch_viz.optimize.presets.base import Preset, Request
from minitorch_viz.optimize.regularizers import LpNorm, TotalVariation
from minitorch_viz.optimize.stage import Stage
from minitorch_viz.optimize.steps import Bounded
from minitorch_viz.training.optimizers import RMSProp

B = 80.0  # the length of a typical pixel's colour
V = B / 6.5  # a typical difference of neighbours
RANGE = 160.0  # the greatest length of a colour
RATE = 0.05 * B**2 / 6  # for energies per pixel
PENALTIES = ((1.0, LpNorm(6.0, B, of_pixels=True)), (1.0, TotalVariation(2.0, 0.0, V)))
# Their step is v <- 0.9 v + g / (1 / rate + sqrt(sum of 0.9^k g^2)): RMSProp, whose mean is a tenth of that sum.
TENTH = 0.1**0.5


def noise(request: Request) -> Parametrization:
    """Return pixels that start as noise of the paper's strength."""
    return Pixels(request.units, request.size, SPREAD)


def stage(steps: int, share: float) -> Stage:
    """Return so many steps at a share of the rate; momentum starts anew."""
    optimizer = RMSProp(TENTH, decay=0.9, epsilon=TENTH / (share * RATE), momentum=0.9)
    return Stage(
        steps, (TENTH, TENTH), transform=jitter(8), optimizer=optimizer, penalties=PENALTIES, after=(Bounded(RANGE),)
    )


PRESET = Preset(
    title="A sixth power of the colours, total variation, jitter, momentum",
    year=2016,
    family="frequency penalization",
    source="Mahendran and Vedaldi 2016 (IJCV), section 4; nnpreimage core/get_defaults.m, core/nnpreimage.m",
    stages=(stage(300, 1.0), stage(50, 0.1)),
    parametrization=noise,
    objective=as_steep(1 / 30, 224),
    differs=(
        "The paper divides the score by the unit's greatest one over a data set, which is not at hand: here it is "
        "multiplied so that it is as steep at noise as a class of GoogLeNet is with their weight, and steeper on "
        "smaller pictures, whose neighbouring pixels differ more. Their ReLUs leak by 0.05, ours do not. Jitter is 8 "
        "pixels of 224, a quarter of the last stride, rolled and not cut out; the start is normal noise of their "
        "strength."
    ),
)
