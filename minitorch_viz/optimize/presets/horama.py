"""Horama, Fel 2024: Fourier coefficients that fall steeply, and crops of a quarter of the picture."""

from minitorch_viz.optimize.parametrizations import Fourier, Parametrization
from minitorch_viz.optimize.presets.base import Preset, Request
from minitorch_viz.optimize.stage import Moment, Stage
from minitorch_viz.optimize.transforms import Composed, Crop, Noise, Transform
from minitorch_viz.training.optimizers import NAdam

LEAST = 64.0  # pixels of a crop


def fourier(request: Request) -> Parametrization:
    """Return Fourier coefficients that fall as 1 / f to the power of 1.5, with MaCo's colours."""
    return Fourier(request.units, request.size, decay=1.5, colours="maco")


def crops(moment: Moment) -> Transform:
    """Return crops of 0.20 to 0.25 of each side, of at least 64 pixels or half of a smaller picture, and noise.

    The program means these; what it computes, U (high - low) + high, are crops of 0.25 to 0.30.
    """
    larger = max(1.0, min(0.5, LEAST / min(moment.size)) / 0.20)
    return Composed((Crop(moment.size, 0.20 * larger, 0.25 * larger, 0.0), Noise(0.05 * 255)))


PRESET = Preset(
    title="Steep Fourier coefficients, crops of a quarter",
    year=2024,
    family="transformation robustness",
    source="Fel 2024, horama common.py, losses.py",
    stages=(Stage(256, (0.05, 0.05), transform=crops, views=2, optimizer=NAdam(0.05)),),
    parametrization=fourier,
    differs=(
        "256 steps of 2 crops, not 1000; crops keep at least 64 pixels; coefficients are not standardized, so that the "
        "rate is Lucid's, 0.05, and not 1; the program's objective, dot product times cosine squared, is the "
        "caricature of a direction, which is climbed where one is asked for."
    ),
)
