"""Erhan et al. 2009: ascent under a fixed norm."""

from minitorch_viz.optimize.parametrizations import Parametrization, Pixels
from minitorch_viz.optimize.presets.base import Preset, Request
from minitorch_viz.optimize.stage import Stage
from minitorch_viz.optimize.steps import Normalized, OnSphere

SPREAD = 58.0  # the standard deviation of ImageNet's pixels: the sphere of natural pictures


def noise(request: Request) -> Parametrization:
    """Return pixels that start as noise of the sphere's norm."""
    return Pixels(request.units, request.size, SPREAD)


PRESET = Preset(
    title="Ascent on a sphere: a fixed norm",
    year=2009,
    family="unregularized",
    source="Erhan, Bengio, Courville, Vincent 2009, Visualizing Higher-Layer Features of a Deep Network, section 3",
    stages=(Stage(200, (6.0, 6.0), gradient=(Normalized(),), after=(OnSphere(SPREAD),)),),
    parametrization=noise,
    differs=(
        "The paper's norm is the mean one of its training pictures; here it is that of pixels with a standard "
        "deviation of 58, ImageNet's. Rate and steps are this project's. Pixels may leave 0..255, where "
        "display cuts them off."
    ),
)
