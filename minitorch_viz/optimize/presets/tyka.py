"""Tyka 2016: smoothed but for its edges, and denoised at the end of each stage."""

from minitorch_viz.optimize.presets._deepdraw import DIFFERS, light, stages
from minitorch_viz.optimize.presets.base import Preset
from minitorch_viz.optimize.steps import Denoised, Smoothed

PRESET = Preset(
    title="A bilateral filter while the picture grows",
    year=2016,
    family="frequency penalization",
    source="Tyka 2016, Class visualization with bilateral filters; stages and window as others rebuilt it",
    stages=stages(lambda octave: (Smoothed(*octave.sigma), Denoised(2.0))),
    parametrization=light,
    differs=(
        "The blog gives no numbers: those of the stages are deepdraw's, the weight of the denoising, 2 for pixels in "
        "0..1, and the window of 5 pixels are another's. "
    )
    + DIFFERS,
)
