"""A style in one go: maps are brought to the painting's statistics by a formula, and decoded to a picture.

`adain` gives every map the painting's mean and deviation (Huang and Belongie 2017); `whitening` also the products of
every two maps (Li et al. 2017), which is what the Gram matrix holds.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.optimize.style.statistics import Statistics, doubled, statistics

Fast: TypeAlias = Literal["whitening", "adain"]
SILENT = 1e-5  # a direction with less variance than this share of the largest holds nothing that could be stretched


def adain(maps: Array, style: Statistics, guide: Array | None = None) -> Array:
    """Return maps (C, P) with the mean and the deviation of the style, each map alone.

    guide: (P,), the places whose statistics are brought over; all are moved.
    """
    own, goal = doubled(statistics(maps, guide)), doubled(style)
    spread, wanted = (np.sqrt(np.maximum(np.diag(part.covariance), 0)) for part in (own, goal))
    silent = spread < SILENT * max(spread.max(), 1e-300)
    factor = np.where(silent, 0, wanted / np.where(silent, 1, spread))
    return _moved(maps, np.diag(factor), own, goal)


def whitening(maps: Array, style: Statistics, guide: Array | None = None) -> Array:
    """Return maps (C, P) with the mean and the covariance of the style: whitened, then coloured."""
    own, goal = doubled(statistics(maps, guide)), doubled(style)
    return _moved(maps, _root(goal.covariance, 0.5) @ _root(own.covariance, -0.5), own, goal)


FORMULAS = {"adain": adain, "whitening": whitening}


def _moved(maps: Array, matrix: Array, own: Statistics, goal: Statistics) -> Array:
    """Return matrix (maps - mean) + the style's mean, where the maps lie and in their dtype."""
    shift = goal.mean - matrix @ own.mean
    device = kernels.device_of(maps)
    weights, level = (kernels.to_device(part.astype(maps.dtype), device) for part in (matrix, shift))
    moved: Array = weights @ maps + level[:, None]
    return moved


def _root(matrix: Array, exponent: float) -> Array:
    """Return a power of a covariance; directions that hold nothing stay nothing."""
    values, vectors = np.linalg.eigh(matrix)
    kept = values > SILENT * max(values.max(), 1e-300)
    powers = np.where(kept, np.where(kept, values, 1.0) ** exponent, 0)
    root: Array = (vectors * powers) @ vectors.T
    return root
