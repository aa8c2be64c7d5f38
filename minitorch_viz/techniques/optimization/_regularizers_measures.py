"""What is measured of pictures made by optimization: how far seeds differ, and what a plant betrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.models.scenes_liar import (
    HONEST,
    LIAR,
    MEANINGS,
    SHOWS,
    SIDE,
    STRIDE,
    TEMPLATE,
    TWO,
    Plant,
    template,
)
from minitorch_viz.objectives import Unit
from minitorch_viz.optimize.units import Units
from minitorch_viz.techniques.explain.receptive import Field
from minitorch_viz.techniques.optimization._regularizers_natural import windowed

if TYPE_CHECKING:
    from minitorch_viz.models import Model


def spread_of_seeds(pixels: Array) -> float:
    """Return the root of the variance over seeds of (S, h, w, C), averaged over pixels, in grey levels; NaN of one."""
    if len(pixels) < 2:
        return float("nan")
    return float(np.sqrt(pixels.astype(np.float64).var(axis=0, ddof=1).mean()))


def betrayed(model: Model, plant: Plant | None, unit: Unit, x: Array, tops: Array) -> Array:
    """Return (N, 2): what is known of a planted unit's pictures x (N, C, h, w), pixel - mean; NaN where nothing is.

    Of a liar, and of a unit with two meanings: how far the picture excites each of the two units that are meant, the
    one that it pretends to be first, as a share of what natural pictures excite it to at most. Of a template: the
    correlation of the picture with it.
    """
    result = np.full((len(x), 2), np.nan)
    if plant is None or plant.kind == "silent":
        return result
    row, column = unit.index[1:]
    units = Units.of(model.reader())
    if plant.channel == TEMPLATE:
        top, left = STRIDE * row - (SIDE // 2 - 2), STRIDE * column - (SIDE // 2 - 2)
        seen = windowed(x, Field(top, left, top + SIDE, left + SIDE)).reshape(len(x), -1).astype(np.float64)
        seen -= seen.mean(axis=1, keepdims=True)
        norms = np.linalg.norm(seen, axis=1)
        truth = template().ravel() - template().mean()
        result[:, 0] = np.divide(seen @ truth / np.linalg.norm(truth), norms, out=np.zeros(len(x)), where=norms > 0)
        return result
    images = kernels.to_device(units.net(x), model.net.device)
    answers = np.maximum(kernels.to_cpu(model.net.predict(images, upto=HONEST, batch=16)), 0)
    pair = (LIAR, SHOWS) if plant.channel == LIAR else MEANINGS if plant.channel == TWO else ()
    for place, channel in enumerate(pair):
        result[:, place] = answers[:, channel, row, column] / tops[channel]
    return result
