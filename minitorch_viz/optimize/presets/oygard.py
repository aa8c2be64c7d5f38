"""Øygard 2015: the gradient is blurred, less and less, and the picture jittered."""

from minitorch_viz.optimize.presets._transforms import jitter
from minitorch_viz.optimize.presets.base import Preset
from minitorch_viz.optimize.stage import Stage
from minitorch_viz.optimize.steps import BlurredGradient, Clipped, Normalized

PRESET = Preset(
    title="The gradient blurred, and jitter",
    year=2015,
    family="frequency penalization",
    source="Øygard 2015, Visualizing GoogLeNet classes",
    stages=(
        Stage(
            200,
            (11.0, 3.0),
            transform=jitter(16),
            gradient=(BlurredGradient(2.5, 0.5), Normalized()),
            after=(Clipped(),),
        ),
    ),
)
