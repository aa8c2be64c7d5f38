"""Lucid, Olah et al. 2017: Fourier coefficients, colours decorrelated, a net of transforms, Adam."""

from minitorch_viz.optimize.parametrizations import Fourier, Parametrization
from minitorch_viz.optimize.presets._transforms import lucid
from minitorch_viz.optimize.presets.base import Preset, Request
from minitorch_viz.optimize.stage import Stage
from minitorch_viz.training.optimizers import Adam


def fourier(request: Request) -> Parametrization:
    """Return Fourier coefficients with Lucid's colours."""
    return Fourier(request.units, request.size)


PRESET = Preset(
    title="Fourier coefficients, decorrelated colours, transforms",
    year=2017,
    family="transformation robustness",
    source="Olah, Mordvintsev, Schubert 2017; lucid optvis/render.py, transform.py, param/",
    stages=(Stage(512, (0.05, 0.05), transform=lucid, optimizer=Adam(0.05), redirected=16),),
    parametrization=fourier,
)
