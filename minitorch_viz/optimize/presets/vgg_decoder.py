"""DGN-AM's loop with VGG-19's decoder as the generator: a prior of what photos look like close by."""

from minitorch_viz.optimize.code_steps import BlurredCode, ClippedCode, NormalizedCode, ScaledCode
from minitorch_viz.optimize.generators import colour_drawer_for, no_colour_drawer
from minitorch_viz.optimize.parametrizations import GeneratorCode, Parametrization
from minitorch_viz.optimize.presets._transforms import jitter
from minitorch_viz.optimize.presets.base import Preset, Request
from minitorch_viz.optimize.stage import Stage

SHARE = 128 / 224  # of the picture's size, at which it is drawn: things come out large, and a step costs a third


def maps(request: Request) -> Parametrization:
    """Return the maps of VGG-19's relu3_1, from faint noise: their mean over photos is about 1."""
    height, width = (round(SHARE * side) for side in request.size)
    drawer = colour_drawer_for(request.model, (height, width))
    return GeneratorCode(request.units, request.size, drawer=drawer, spread=0.1)


PRESET = Preset(
    title="The maps from which VGG-19's decoder draws",
    year=2017,
    family="learned prior",
    source="the decoder: Li, Fang, Yang, Wang, Lu, Yang 2017, Universal style transfer; the loop: Nguyen et al. 2016",
    stages=(
        Stage(
            100,
            (0.3, 0.1),
            transform=jitter(16),
            uphill=(BlurredCode(1.5, 0.4), NormalizedCode()),
            parameters=(ClippedCode(0.0, 50.0), ScaledCode(0.96)),
        ),
    ),
    parametrization=maps,
    differs=(
        "No paper makes class models so: rate, blur and decay are this project's. The decoder was trained with photos, "
        "and knows edges, textures and colours, not things; it draws at 4/7 of the size, and that is enlarged."
    ),
    applies=no_colour_drawer,
)
