"""Enlarging a unit's map so that each value stands at the middle of what the unit sees (Bau et al. 2017)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from minitorch_viz._types import Array, Pair
from minitorch_viz.errors import SettingError
from minitorch_viz.techniques.explain.receptive import geometry
from minitorch_viz.techniques.subject import reads_numbers

if TYPE_CHECKING:
    from minitorch_viz.models import Model


class Taps(NamedTuple):
    """Say from which two places of a map each place of the enlarged one is mixed, along one side."""

    low: Array  # (S,) int64
    high: Array  # (S,) int64
    share: Array  # (S,) float32: of `high`; the rest is `low`'s


class Anchors(NamedTuple):
    """Say how maps are enlarged."""

    rows: Taps
    columns: Taps
    exact: bool  # whether the units' fields are known; else the map covers the picture evenly

    def enlarged(self, maps: Array) -> Array:
        """Return maps (..., h, w) at the pixels (..., S, S'), bilinearly, beyond the outermost values as these are."""
        rows, columns = self.rows, self.columns
        share = rows.share[:, None]
        mixed = maps[..., rows.low, :] * (1 - share) + maps[..., rows.high, :] * share
        enlarged: Array = mixed[..., columns.low] * (1 - columns.share) + mixed[..., columns.high] * columns.share
        return enlarged


def varying(model: Model) -> str | None:
    """Return why maps cannot be compared pixel by pixel: the net keeps each photo's own size; None if all are alike."""
    if reads_numbers(model) or model.preprocessing.resize != "keep":
        return None
    return (
        "it takes photos as large as they are, and here all maps must be of one size; give --resize crop or stretch, "
        "in Python model.with_reader(dataclasses.replace(model.preprocessing, resize='crop'))"
    )


def need_one_size(model: Model, technique: str) -> None:
    """Raise SettingError with that clause."""
    why = varying(model)
    if why:
        raise SettingError(f"{technique} does not apply to {model.name}: {why}.")


def anchors(model: Model, node: str, shape: Sequence[int], seen: Pair, size: Pair) -> Anchors:
    """Return how a node's maps of `shape` (h, w) are enlarged to `size` over a picture that the net sees as `seen`.

    Both sizes are (height, width).
    """
    field = geometry(model, node)
    taps = []
    for axis in (0, 1):
        count = int(shape[axis])
        if field is None:
            middles = (np.arange(count) + 0.5) * (seen[axis] / count) - 0.5
        else:
            middles = np.array([field.centre((place, place))[axis] for place in range(count)], float)
        pixels = (np.arange(size[axis]) + 0.5) * (seen[axis] / size[axis]) - 0.5
        taps.append(_taps(middles, pixels))
    return Anchors(taps[0], taps[1], field is not None)


def _taps(middles: Array, pixels: Array) -> Taps:
    """Return between which of the map's values, at these middles, each pixel lies."""
    places = np.interp(pixels, middles, np.arange(len(middles)))
    low = np.minimum(places.astype(np.int64), max(len(middles) - 2, 0))
    high = np.minimum(low + 1, len(middles) - 1)
    return Taps(low, high, (places - low).astype(np.float32))
