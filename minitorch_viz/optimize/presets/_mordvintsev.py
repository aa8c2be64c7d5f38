"""Mordvintsev 2015 and 2016: few steps in each of three octaves, from a grey that is nearly even."""

from minitorch_viz.optimize.parametrizations import Parametrization, Pixels
from minitorch_viz.optimize.presets._transforms import jitter
from minitorch_viz.optimize.presets.base import Request
from minitorch_viz.optimize.stage import GradientStep, Stage
from minitorch_viz.optimize.steps import Clipped, Contrasted

OCTAVES, SCALE, STEPS, RATE = 3, 1.4, 10, 1.0
CONTRAST = 0.1 * 255  # the notebook shows pictures with a standard deviation of 0.1 of the range

DIFFERS = (
    "The notebook starts from noise about 100, rolls by up to a tile of 512 and shows the picture with more contrast; "
    "here the start is the same, the jitter 32 pixels of 224, as in DeepDream, so that the object stays in its place, "
    "and the contrast is brought up in the last step. Nets of grey pictures start from their mean."
)


def grey(request: Request) -> Parametrization:
    """Return pixels that start as 100.5 with faint noise, even in 0..1 in the notebook; of one channel, as the mean."""
    return Pixels(request.units, request.size, 12**-0.5, 100.5 if request.units.channels == 3 else None)


def octaves(change: GradientStep) -> tuple[Stage, ...]:
    """Return the stages, each 1.4 times the size of the one before, with what is done to the gradient."""
    return tuple(
        Stage(
            STEPS,
            (RATE, RATE),
            side=SCALE ** (octave + 1 - OCTAVES),
            transform=jitter(32),
            gradient=(change,),
            after=(Clipped(), Contrasted(CONTRAST)) if octave == OCTAVES - 1 else (Clipped(),),
        )
        for octave in range(OCTAVES)
    )
