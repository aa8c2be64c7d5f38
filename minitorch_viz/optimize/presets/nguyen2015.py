"""Nguyen et al. 2015: plain ascent, and the picture blurred."""

from minitorch_viz.optimize.parametrizations import Parametrization, Pixels
from minitorch_viz.optimize.presets.base import Preset, Request
from minitorch_viz.optimize.stage import Stage
from minitorch_viz.optimize.steps import Blurred, Clipped, Decayed, Normalized


def noise(request: Request) -> Parametrization:
    """Return pixels that start at the mean colour with faint noise."""
    return Pixels(request.units, request.size, 1.0)


PRESET = Preset(
    title="The picture blurred",
    year=2015,
    family="frequency penalization",
    source="Nguyen, Yosinski, Clune 2015, Deep neural networks are easily fooled, section 3.4",
    stages=(Stage(200, (4.0, 2.0), gradient=(Normalized(),), after=(Decayed(0.01), Blurred(0.8, 0.4), Clipped())),),
    parametrization=noise,
    differs=(
        "The paper states neither rate, blur nor decay (it goes on until the class has 99.99 %); they are this "
        "project's."
    ),
)
