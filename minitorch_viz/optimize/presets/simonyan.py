"""Simonyan et al. 2013: the score, less the sum of squares of the pixels."""

from minitorch_viz.optimize.presets._balance import as_steep
from minitorch_viz.optimize.presets.base import Preset
from minitorch_viz.optimize.regularizers import LpNorm
from minitorch_viz.optimize.stage import Stage
from minitorch_viz.optimize.steps import Clipped, Normalized

PRESET = Preset(
    title="The score less the sum of squares",
    year=2013,
    family="frequency penalization",
    source="Simonyan, Vedaldi, Zisserman 2013, section 2",
    stages=(Stage(200, (4.0, 1.0), penalties=((1e-6, LpNorm(2.0)),), gradient=(Normalized(),), after=(Clipped(),)),),
    objective=as_steep(1e-4),
    differs=(
        "The paper states neither rate, steps nor weight. Here the gradient is normalized, the weight is 1e-6, as in "
        "CS231n, and the score is multiplied so that the balance is GoogLeNet's on every net."
    ),
)
