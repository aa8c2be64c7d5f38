"""DGN-AM, Nguyen et al. 2016: not the pixels are moved, but the code of a generator that learned to draw."""

from minitorch_viz.optimize.code_steps import ClippedCode, NormalizedCode, ScaledCode
from minitorch_viz.optimize.generators import drawer_for, no_drawer
from minitorch_viz.optimize.parametrizations import GeneratorCode, Parametrization
from minitorch_viz.optimize.presets.base import Preset, Request
from minitorch_viz.optimize.stage import Stage


def code(request: Request) -> Parametrization:
    """Return the code of the generator that suits the net, from normal noise."""
    return GeneratorCode(request.units, request.size, drawer=drawer_for(request.model))


PRESET = Preset(
    title="The code of a generator",
    year=2016,
    family="learned prior",
    source="Nguyen, Dosovitskiy, Yosinski, Brox, Clune 2016; synthesizing, act_max.py",
    stages=(
        Stage(200, (8.0, 1e-10), uphill=(NormalizedCode(),), parameters=(ClippedCode(0.0, 3.0), ScaledCode(0.99))),
    ),
    parametrization=code,
    differs=(
        "The paper's generator draws photos from 4096 units of CaffeNet's fc6; this one draws digits, from 64 units of "
        "an autoencoder of MNIST. Their standard deviation is 1, so that 3 is the paper's bound of 3 of them."
    ),
    applies=no_drawer,
)
