"""Mordvintsev et al. 2015: jitter, and octaves."""

from minitorch_viz.optimize.presets._mordvintsev import DIFFERS, grey, octaves
from minitorch_viz.optimize.presets.base import Preset
from minitorch_viz.optimize.steps import Normalized

PRESET = Preset(
    title="Jitter and octaves",
    year=2015,
    family="transformation robustness",
    source="Mordvintsev, Olah, Tyka 2015, Inceptionism; the multi-scale step of the notebook DeepDream with TensorFlow",
    stages=octaves(Normalized("deviation")),
    parametrization=grey,
    differs=DIFFERS,
)
