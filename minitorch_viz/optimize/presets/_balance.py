"""Scores brought to one steepness, so that a penalty's weight means the same on every net."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minitorch_viz.objectives import Each, Objective
from minitorch_viz.optimize.presets.base import Request
from minitorch_viz.optimize.score import own_size, score_and_gradient
from minitorch_viz.rules.redirected import redirected_relus

SPREAD = 28.0  # of the noise at which steepness is measured: Mahendran and Vedaldi's start, even in +-48


def as_steep(slope: float, side: int | None = None) -> Callable[[Request], Objective]:
    """Return what weighs an objective: at noise, its gradient gets a mean magnitude of `slope` a step of 0..255.

    side: of the pictures that the slope is stated for; of smaller ones the ratio is a further factor, as neighbouring
    pixels differ more there. Of several objectives (`Each`) every one gets a weight of its own. An
    objective that is flat at noise keeps its own.
    """

    def weigh(request: Request) -> Objective:
        factor = 1.0 if side is None else max(1.0, side / min(request.size))
        return _weighted(request, factor * slope)

    return weigh


def _weighted(request: Request, slope: float) -> Objective:
    objective = request.objective
    parts = objective.objectives if isinstance(objective, Each) else (objective,)
    size, dtype = own_size(request.model), request.model.dtype
    shape = (len(parts), request.units.channels, *size)
    noise = (SPREAD * np.random.default_rng(request.seed).standard_normal(shape)).astype(dtype)
    _, gradient = score_and_gradient(request.model, objective, noise)
    if not gradient.any(axis=(1, 2, 3)).all():
        _, gradient = score_and_gradient(request.model, objective, noise, redirected_relus())
    # A pixel of a larger picture has a smaller share in what the net looks at.
    share = size[0] * size[1] / (request.size[0] * request.size[1])
    steepness = share * np.abs(gradient).mean(axis=(1, 2, 3))
    weights = [slope / value if value > 0 else 1.0 for value in steepness.tolist()]
    weighted = tuple(weight * part for weight, part in zip(weights, parts, strict=True))
    return Each(weighted) if isinstance(objective, Each) else weighted[0]
