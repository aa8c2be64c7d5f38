"""Mordvintsev et al. 2018: the weights of a small net from places to colours are the picture."""

from minitorch_viz.optimize.parametrizations import Cppn, Parametrization
from minitorch_viz.optimize.presets.base import Preset, Request
from minitorch_viz.optimize.stage import Stage
from minitorch_viz.training.optimizers import Adam


def cppn(request: Request) -> Parametrization:
    """Return a net of 8 layers of 24 units."""
    return Cppn(request.units, request.size)


PRESET = Preset(
    title="A small net from places to colours (CPPN)",
    year=2018,
    family="frequency penalization",
    source="Mordvintsev, Pezzotti, Schubert, Olah 2018, Differentiable Image Parameterizations; lucid param/cppn.py",
    stages=(Stage(512, (0.005, 0.005), optimizer=Adam(0.005)),),
    parametrization=cppn,
)
