"""MaCo, Fel et al. 2023: phases alone, magnitudes of natural pictures, and crops that close in."""

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.optimize.natural import bundled_spectrum, read_pictures
from minitorch_viz.optimize.parametrizations import Parametrization, Phase
from minitorch_viz.optimize.parametrizations.colours import colour_matrix
from minitorch_viz.optimize.parametrizations.spectrum import spectrum_of
from minitorch_viz.optimize.presets.base import Preset, Request
from minitorch_viz.optimize.stage import Moment, Stage
from minitorch_viz.optimize.transforms import Composed, Crop, Noise, Transform
from minitorch_viz.training.optimizers import NAdam

SCATTER = 3.0  # radians
LEAST = 64.0  # pixels of a crop


def spectrum(request: Request) -> Array:
    """Return the magnitudes of the request's own pictures, in one pass; without any the bundled ones."""
    units, size = request.units, request.size
    if request.pictures is None:
        return bundled_spectrum(units.channels, size)
    return spectrum_of(read_pictures(request.pictures, units, size), colour_matrix("maco", units.channels), units, size)


def phase(request: Request) -> Parametrization:
    """Return phases whose magnitudes are natural."""
    return Phase(request.units, request.size, spectrum(request).astype(np.float32), scatter=SCATTER)


def crops(moment: Moment) -> Transform:
    """Return crops of half of each side in the first step to a twentieth in the last, and noise.

    A crop keeps at least 64 pixels, or half of a smaller picture: a twentieth of 224 pixels would be 11, enlarged.
    """
    share = moment.between(0.5, min(0.5, max(0.05, LEAST / min(moment.size))))
    return Composed((Crop(moment.size, share, share), Noise(0.08 * 255, 0.04 * 255)))


PRESET = Preset(
    title="Phases alone, magnitudes of natural pictures, crops",
    year=2023,
    family="frequency penalization",
    source="Fel et al. 2023, MaCo; xplique feature_visualizations/maco.py",
    stages=(Stage(256, (1.0, 1.0), transform=crops, views=4, optimizer=NAdam(1.0)),),
    parametrization=phase,
    differs=(
        "4 crops a step, not 32, which keep at least 64 pixels; phases are scattered over +-3 radians, not 1, so that "
        "no corner stays pale; the bundled spectrum, used without --pictures, is a mean over all directions. Pictures "
        "of 32 pixels have too few phases: their scores hardly rise."
    ),
)
