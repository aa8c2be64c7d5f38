"""Yosinski et al. 2015: the four rows of their table, and one step of their program.

Each step: clip to 0..255, look, go uphill, decay, blur every some steps, masks.
"""

from typing import NamedTuple

from minitorch_viz.optimize.parametrizations import Parametrization, Pixels
from minitorch_viz.optimize.presets.base import Preset, Request
from minitorch_viz.optimize.stage import GradientStep, Stage
from minitorch_viz.optimize.steps import Blurred, Clipped, Decayed, Masked, Normalized, Progress

SIDE = 227  # of CaffeNet's pictures, for which the radii are stated
# The mean magnitude of the gradients for which the rate 100 of a row is taken to be stated: what leaves the pictures of
# the bundled nets neither blank nor black and white.
STEEPNESS = {1: 0.01, 2: 0.05, 3: 0.005}


class Row(NamedTuple):
    """Hold one row of the table."""

    decay: float
    radius: float  # of the blur, in pixels
    every: int  # how many steps from blur to blur
    norms: float  # percentage of the pixels nearest to the mean colour
    contributions: float  # percentage of the pixels that hardly count
    steps: int
    rate: float  # constant; or the most, where progress is asked for
    progress: float | None = None  # how far the score is to rise in a step


ROWS = {
    1: Row(0.0, 0.5, 4, 50, 0, 500, 100, 2.0),
    2: Row(0.3, 0.0, 0, 20, 0, 750, 100),
    3: Row(1e-4, 1.0, 4, 0, 0, 1000, 100),
    4: Row(0.0, 0.5, 4, 0, 90, 1000, 1e8, 2.0),
}


def noise(request: Request) -> Parametrization:
    """Return pixels that start at the mean colour with noise of 10."""
    return Pixels(request.units, request.size, 10.0)


def yosinski(number: int) -> Preset:
    """Return the preset of a row of the table, 1 to 4."""
    row = ROWS[number]
    blurs = (Blurred(row.radius, row.radius, row.every, SIDE),) if row.every else ()
    masks = (Masked(norms=row.norms, contributions=row.contributions),) if row.norms or row.contributions else ()
    rate: tuple[float, float]
    gradient: GradientStep
    if row.progress is None:
        rate, gradient, scaled = (row.rate, row.rate), Normalized(size=STEEPNESS[number]), "rate of 100 is"
    else:
        gradient = Progress(row.progress, row.rate, STEEPNESS.get(number))
        rate, scaled = (1.0, 1.0), "most rate, 100, is"
    stage = Stage(
        row.steps, rate, before=(Clipped(),), gradient=(gradient,), after=(Decayed(row.decay), *blurs, *masks)
    )
    differs = "The blur shrinks with pictures below 227 pixels."
    if number in STEEPNESS:
        differs += (
            f" The {scaled} stated for CaffeNet, whose gradients are not at hand: here it is a step that moves "
            f"pixels by {100 * STEEPNESS[number]:g} on average."
        )
    return Preset(
        title=f"Decay, blur and masks, row {number} of 4",
        year=2015,
        family="frequency penalization",
        source="Yosinski et al. 2015, table 1; deep-visualization-toolbox doc/running-optimize-image.md",
        stages=(stage,),
        parametrization=noise,
        differs=differs,
    )
