"""Øygard 2015, deepdraw: four stages, of which two enlarge the picture, seen through a window."""

from collections.abc import Callable
from typing import NamedTuple

from minitorch_viz.optimize.parametrizations import Parametrization, Pixels
from minitorch_viz.optimize.presets._transforms import window
from minitorch_viz.optimize.presets.base import Request
from minitorch_viz.optimize.stage import PictureStep, Stage
from minitorch_viz.optimize.steps import Clipped, Normalized


class Octave(NamedTuple):
    """Hold one row of the notebook's list: how many steps, the enlargement before it, and two ramps."""

    steps: int
    scale: float
    sigma: tuple[float, float]  # of the blur, in pixels
    rate: tuple[float, float]  # how far the pixels move in a step, on average


OCTAVES = (
    Octave(190, 1.0, (2.5, 0.78), (11.0, 11.0)),
    Octave(150, 1.2, (0.936, 0.78), (6.0, 6.0)),
    Octave(150, 1.2, (0.936, 0.44), (6.0, 3.0)),
    Octave(10, 1.0, (0.44, 0.304), (3.0, 3.0)),
)

DIFFERS = (
    "The notebook climbs the heads of earlier layers in its last two stages, which the net has in training only; here "
    "all climb what is asked. It ends 1.44 times as large as the net's pictures (322 pixels); at another --size all "
    "stages are in proportion. Nets of grey pictures start from noise about their mean."
)


def light(request: Request) -> Parametrization:
    """Return pixels that start as noise of 8 about 200; of one channel, about the mean: most are white on black."""
    return Pixels(request.units, request.size, 8.0, 200.0 if request.units.channels == 3 else None)


def stages(smooth: Callable[[Octave], tuple[PictureStep, ...]]) -> tuple[Stage, ...]:
    """Return the notebook's stages, with what smooths the picture after each step of one."""
    sides, side = [], 1.0
    for octave in OCTAVES:
        side *= octave.scale
        sides.append(side)
    return tuple(
        Stage(
            octave.steps,
            octave.rate,
            side=part / side,
            transform=window,
            gradient=(Normalized(),),
            after=(Clipped(), *smooth(octave)),
        )
        for octave, part in zip(OCTAVES, sides, strict=True)
    )
