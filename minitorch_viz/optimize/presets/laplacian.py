"""Mordvintsev 2016: every scale of the gradient made as strong as the others."""

from minitorch_viz.optimize.presets._mordvintsev import DIFFERS, grey, octaves
from minitorch_viz.optimize.presets.base import Preset
from minitorch_viz.optimize.steps import LaplacianNormalized

PRESET = Preset(
    title="The gradient's scales made equally strong",
    year=2016,
    family="frequency penalization",
    source="Mordvintsev 2016, the notebook DeepDream with TensorFlow: Laplacian pyramid, 4 levels",
    stages=octaves(LaplacianNormalized(4)),
    parametrization=grey,
    differs=DIFFERS,
)
