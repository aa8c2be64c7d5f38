"""No regularizer at all: what the others are for."""

from minitorch_viz.optimize.presets.base import Preset
from minitorch_viz.optimize.stage import Stage
from minitorch_viz.optimize.steps import Clipped, Normalized

PRESET = Preset(
    title="Plain ascent",
    year=2009,
    family="unregularized",
    source="Erhan, Bengio, Courville, Vincent 2009, without the fixed norm",
    stages=(Stage(100, (2.0, 2.0), gradient=(Normalized(),), after=(Clipped(),)),),
    differs="Steps, rate and the clipping to 0..255 are this project's; the start is the mean colour.",
)
