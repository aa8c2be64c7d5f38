"""A mixture of Gaussians over patches as the prior, which Mordvintsev et al. 2015 name: likely patches only."""

from minitorch_viz.data.pictures import as_pictures
from minitorch_viz.optimize.natural import read_pictures
from minitorch_viz.optimize.natural.mixture import fitted, patches_from
from minitorch_viz.optimize.presets._balance import as_steep
from minitorch_viz.optimize.presets._transforms import jitter
from minitorch_viz.optimize.presets.base import Penalties, Preset, Request
from minitorch_viz.optimize.stage import Stage
from minitorch_viz.optimize.steps import Clipped, Normalized

BUNDLED = "scenes:100"
SIDE = 6  # pixels of a patch
MOST = 200  # pictures
PATCHES = 8000
NOISE = 8.0  # in steps of 0..255
WEIGHT = 4.0


def likely(request: Request) -> Penalties:
    """Return the mixture of the request's pictures, or of generated scenes."""
    source = BUNDLED if request.pictures is None else request.pictures
    count = min(len(as_pictures(source)), MOST)
    pictures = read_pictures(source, request.units, request.size, range(count))
    side = min(SIDE, *request.size)
    patches = patches_from(pictures, side, -(-PATCHES // count), request.seed)
    return ((WEIGHT, fitted(patches, side, seed=request.seed, noise=NOISE)),)


PRESET = Preset(
    title="Likely patches, by a mixture of Gaussians",
    year=2015,
    family="learned prior",
    source="named by Mordvintsev, Olah, Tyka 2015; the mixture over patches: Zoran and Weiss 2011 (EPLL)",
    stages=(Stage(200, (8.0, 1.0), transform=jitter(16), gradient=(Normalized(),), after=(Clipped(),)),),
    objective=as_steep(1 / 30),
    penalties=likely,
    differs=(
        "No settings were published: here 10 Gaussians over patches of 6 x 6 pixels with their colour, of generated "
        "scenes unless --pictures names others."
    ),
)
