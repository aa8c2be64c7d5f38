"""Parametrizations: the numbers behind a picture, one file each. The folder is the registry.

pixels     the picture itself
pyramid    a Laplacian pyramid: coarse and fine detail at rates of their own
fourier    Fourier coefficients, colours decorrelated, squashed into 0..255 (Lucid)
phase      phases alone; the magnitudes are those of natural pictures (MaCo)
generator  the code of a net that draws: a learned prior (DGN-AM, PPGN)
cppn       the weights of a small net from places to colours; a picture of any size

colours, squashing, spectrum   what fourier and phase are built of
"""

from __future__ import annotations

import functools
import sys

from minitorch_viz.optimize.listing import classes_of
from minitorch_viz.optimize.parametrizations.base import Parameters, Parametrization
from minitorch_viz.optimize.parametrizations.cppn import Cppn
from minitorch_viz.optimize.parametrizations.fourier import Fourier
from minitorch_viz.optimize.parametrizations.generator import Drawer, GeneratorCode
from minitorch_viz.optimize.parametrizations.phase import Phase
from minitorch_viz.optimize.parametrizations.pixels import Pixels
from minitorch_viz.optimize.parametrizations.pyramid import Pyramid

__all__ = [
    "Cppn",
    "Drawer",
    "Fourier",
    "GeneratorCode",
    "Parameters",
    "Parametrization",
    "Phase",
    "Pixels",
    "Pyramid",
    "parametrizations",
]


@functools.cache
def parametrizations() -> dict[str, type[Parametrization]]:
    """Return every parametrization by the name of its file: {"fourier": Fourier, ...}."""
    return classes_of(sys.modules[__name__], Parametrization)
