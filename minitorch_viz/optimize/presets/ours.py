"""This project: the gradient's scales made equally strong, its colours those of photos, one object in the middle."""

from minitorch_viz.optimize.presets._transforms import jitter
from minitorch_viz.optimize.presets.base import Preset
from minitorch_viz.optimize.stage import Stage
from minitorch_viz.optimize.steps import (
    BlurredGradient,
    Centred,
    Clipped,
    Contrasted,
    Decayed,
    Decorrelated,
    LaplacianNormalized,
)

CONTRAST = 38.0  # the standard deviation of the picture that is shown, in steps of 0..255
GRADIENT = (Decorrelated(0.5), LaplacianNormalized(6), BlurredGradient(0.7, 0.4), Centred(0.3))
AFTER = (Decayed(0.005), Clipped())

PRESET = Preset(
    title="Equal scales, colours of photos, octaves, one object in the middle",
    year=2026,
    family="frequency penalization",
    source="this project 2026: the Laplacian gradient of Mordvintsev 2016 with Lucid's colours (Olah et al. 2017)",
    stages=(
        Stage(24, (5.0, 3.0), side=0.5, transform=jitter(16), gradient=GRADIENT, after=AFTER),
        Stage(20, (3.0, 2.0), side=0.7, transform=jitter(16), gradient=GRADIENT, after=AFTER),
        Stage(20, (2.0, 1.0), transform=jitter(16), gradient=GRADIENT, after=(*AFTER, Contrasted(CONTRAST))),
    ),
    differs=(
        "This way of making pictures is no paper's. It takes few steps, because every scale moves at once; in the last "
        "the picture is brought to a standard deviation of 38."
    ),
)
