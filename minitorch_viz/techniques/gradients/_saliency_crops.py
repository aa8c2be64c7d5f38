"""The ten crops over which Simonyan et al. average a map: the four corners and the centre, and each mirrored."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Pair
from minitorch_viz.drawing import resize
from minitorch_viz.objectives import Objective
from minitorch_viz.rules.relu import ReluMode
from minitorch_viz.techniques.explain.signals import at_pixels

if TYPE_CHECKING:
    from minitorch_viz.models import Model

CROP_SHARE = 224 / 256  # of the photo's height and width that a crop shows, as in the evaluations on ImageNet


class Averaged(NamedTuple):
    """Hold means over the crops that hold a pixel."""

    gradient: Array  # (C, h, w)
    magnitude: Array  # (h, w): the mean of each crop's max_c |g_c|
    values: Array  # (10,): the objective on each crop


def averaged_over_crops(model: Model, image: Any, objective: Objective, mode: ReluMode, size: Pair) -> Averaged:
    """Return the maps of ten crops of the photo, each laid back where it was cut from, at `size` (h, w).

    The photo is taken larger than the net's input, by 8/7, so that a crop is as large as the net asks (a net that
    takes photos of any size gets crops of the photo as it is).
    """
    full = _enlarged(model, image)
    (high, wide), (h, w) = full.shape[2:], _crop_size(model, full.shape[2:])
    corners = [(0, 0), (0, wide - w), (high - h, 0), (high - h, wide - w), ((high - h) // 2, (wide - w) // 2)]
    cuts = [full[:, :, top : top + h, left : left + w] for top, left in corners]
    crops = np.concatenate(cuts + [cut[..., ::-1] for cut in cuts])
    signals = at_pixels(model.net, crops, objective, mode)
    maps = kernels.to_cpu(signals.pixels)
    maps = np.concatenate([maps[:5], maps[5:, ..., ::-1]])

    gradient, magnitude = np.zeros(full.shape[1:], maps.dtype), np.zeros((high, wide), maps.dtype)
    held = np.zeros((high, wide), maps.dtype)
    for signal, (top, left) in zip(maps, corners * 2, strict=True):
        where = (..., slice(top, top + h), slice(left, left + w))
        gradient[where] += signal
        magnitude[where] += np.abs(signal).max(axis=0)
        held[where] += 1
    held[held == 0] = 1  # a crop of less than half the photo would leave gaps
    gradient, magnitude = gradient / held, magnitude / held
    if (high, wide) != tuple(size):
        gradient = np.stack([resize(channel, size, smooth=True, mode="mirror") for channel in gradient])
        magnitude = resize(magnitude, size, smooth=True, mode="mirror")
    return Averaged(gradient, magnitude, signals.values)


def _enlarged(model: Model, image: Any) -> Array:
    """Return the photo (1, C, H, W) as the net gets it, but larger than its input."""
    larger = tuple(round(side / CROP_SHARE) for side in model.preprocessing.size)
    preprocessing = dataclasses.replace(model.preprocessing, size=larger)  # type: ignore[arg-type]  # a pair
    return model.with_reader(preprocessing).preprocess(image)


def _crop_size(model: Model, full: Pair) -> Pair:
    if model.preprocessing.resize == "keep":
        return round(full[0] * CROP_SHARE), round(full[1] * CROP_SHARE)
    return model.preprocessing.size
