"""What an accentuated photo is made by: the objective that keeps it itself, the way, and one plain step to compare."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.objectives import Nearness, Objective
from minitorch_viz.optimize.parametrizations import Fourier
from minitorch_viz.optimize.presets.base import Preset, Request
from minitorch_viz.optimize.score import score_and_gradient, score_of
from minitorch_viz.optimize.stage import Moment, Stage
from minitorch_viz.optimize.transforms import Composed, Crop, Noise, Transform
from minitorch_viz.optimize.units import Units
from minitorch_viz.training.optimizers import Adam

if TYPE_CHECKING:
    from minitorch_viz.models import Model

LEVEL = 1.0  # grey levels: the root mean square of the plain step


class PlainStep(NamedTuple):
    """Hold what one step along the gradient itself does: x + rate g."""

    moved: Array  # (1, C, h, w), pixel - mean
    before: float  # the score of the photo
    predicted: float  # how far it rises by the slope: rate |g|^2
    measured: float  # how far it rises
    level: float  # root mean square of the step, in grey levels
    rate: float


def crops(moment: Moment) -> Transform:
    """Return what faccent draws: a part of 85 to 95 % of each side, and noise."""
    return Composed((Crop(moment.size, 0.85, 0.95, 0.0, 0.05), Noise(5.0)))


def fourier(request: Request) -> Fourier:
    """Return Fourier coefficients with MaCo's colours, of grey nets without."""
    return Fourier(request.units, request.size, colours="maco" if request.units.channels == 3 else "none")


ACCENTUATION = Preset(
    title="Feature accentuation",
    year=2024,
    family="transformation robustness",
    source="Hamblin et al. 2024; faccent",
    stages=(Stage(60, (0.05, 0.05), transform=crops, views=2, optimizer=Adam(0.05), redirected=0),),
    parametrization=fourier,
    differs="60 steps of 2 views in place of 100 of 16.",
    name="accentuation",
)


CARICATURE = Preset(
    title="Fourier coefficients, and noise",
    year=2018,
    family="frequency penalization",
    source="Olah et al. 2018; lucid dot_compare",
    stages=(Stage(120, (0.05, 0.02), transform=lambda _: Noise(5.0), optimizer=Adam(0.05), redirected=16),),
    parametrization=fourier,
    differs="The code has places here, so that the picture is not moved.",
    name="caricature",
)


def plain(rate: float) -> Preset:
    """Return one step along the gradient itself."""
    return Preset(
        title="One step along the gradient",
        year=2013,
        family="unregularized",
        source="Simonyan, Vedaldi, Zisserman 2013",
        stages=(Stage(1, (rate, rate)),),
        name="plain",
    )


def plain_step(model: Model, objective: Objective, x: Array) -> PlainStep:
    """Add the gradient to the picture, as long as one grey level a pixel, and measure how far the score rises."""
    values, gradient = score_and_gradient(model, objective, x)
    slope = gradient.astype(np.float64)
    size = float(np.sqrt((slope**2).mean()))
    rate = LEVEL / size if size > 0 and np.isfinite(size) else 0.0
    moved = x + (rate * slope).astype(x.dtype)
    after = score_of(model, objective, moved)
    predicted = rate * float((slope**2).sum())
    return PlainStep(moved, float(values[0]), predicted, float(after[0] - values[0]), LEVEL if rate else 0.0, rate)


def kept_near(model: Model, objective: Objective, x: Array, node: str, keep: float, step: PlainStep) -> Objective:
    """Return the objective less keep r |code - the photo's code|, both of one strength at the start.

    r is the sum of |gradient of the objective| over that of the distance, a plain step away from the photo, since at
    the photo the distance has no slope.
    """
    if not keep:
        return objective
    nearness = Nearness(node, code_of(model, node, x))
    _, rise = score_and_gradient(model, objective, step.moved)
    _, away = score_and_gradient(model, nearness, step.moved)
    full = float(np.abs(away).sum())
    ratio = float(np.abs(rise).sum()) / full if full > 0 else 0.0
    return objective + (keep * ratio) * nearness


def code_of(model: Model, node: str, x: Array) -> Array:
    """Return a node's output for a picture (1, C, h, w), pixel - mean, where the net computes."""
    images = kernels.to_device(Units.of(model.reader()).net(x), model.net.device)
    code: Array = model.net.forward(images, upto=node)[node][0]
    return code


def moved_by(model: Model, node: str, x: Array, photo: Array) -> float:
    """Return how far a node's output has moved from that of the photo, as a share of that one's length."""
    first, now = (kernels.to_cpu(code_of(model, node, picture)).astype(np.float64) for picture in (photo, x))
    length = float(np.linalg.norm(first))
    return float(np.linalg.norm(now - first)) / length if length else 0.0
