"""Øygard 2015: the picture blurred after each step, less and less, while it grows."""

from minitorch_viz.optimize.presets._deepdraw import DIFFERS, light, stages
from minitorch_viz.optimize.presets.base import Preset
from minitorch_viz.optimize.steps import Blurred

PRESET = Preset(
    title="The picture blurred while it grows",
    year=2015,
    family="frequency penalization",
    source="Øygard 2015, Visualizing GoogLeNet classes; auduno/deepdraw deepdraw.ipynb",
    stages=stages(lambda octave: (Blurred(*octave.sigma),)),
    parametrization=light,
    differs=DIFFERS + " The blur is of the whole picture, not of the window alone, and its ramps reach their ends.",
)
