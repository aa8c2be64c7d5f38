"""What style transfer makes small: how far a node's output, or its statistics, are from a target.

Every distance is a share of the target's own size, so that a weight means the same at every layer of every net.
A term gives value and seed in one go, because both need the same products of maps.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, NamedTuple

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.optimize.style.statistics import Statistics, doubled, mean_products, mixed, statistics

EPSILON = 1e-4  # of the mean variance, added to variances: without it their root has an infinite slope at 0


class Measured(NamedTuple):
    """Hold a term's value and its derivative by the node's output."""

    value: float
    seed: Array  # (1, C, ...), as the output


@dataclass(frozen=True, eq=False)
class Term:
    """Be the base of terms: what of a node's output (1, C, ...) is compared, and how much it counts."""

    node: str
    weight: float
    noun: ClassVar[str] = "style of"

    def measured(self, output: Array) -> Measured:
        """Return the weighed value, and its derivative by the output."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class ContentTerm(Term):
    """Take sum (F - P)^2 / sum P^2 for the output F and the photo's, P.

    Paper: Gatys, Ecker, Bethge 2016, who divide by 2 instead.
    """

    noun: ClassVar[str] = "content of"

    wanted: Array  # (1, C, ...)

    def measured(self, output: Array) -> Measured:
        difference = output - self.wanted
        value = self._scale * _number((difference**2).sum())
        difference *= 2 * self._scale
        return Measured(value, difference)

    @cached_property
    def _scale(self) -> float:
        return self.weight / _size((self.wanted**2).sum())


@dataclass(frozen=True, eq=False)
class GramTerm(Term):
    """Take sum (G - A)^2 / sum A^2 for the mean products G of the maps and the style's, A.

    Paper: Gatys, Ecker, Bethge 2016, whose E = sum (G - A)^2 / (4 C^2) is this times sum A^2 / (4 C^2).
    """

    wanted: Statistics
    guide: Array | None = None  # (P,): how much each place counts

    def measured(self, output: Array) -> Measured:
        maps = output[0]
        difference = mean_products(maps, self.guide) - self.wanted.products
        scale = self.weight / _size((self.wanted.products**2).sum())
        # d sum (F F' / P - A)^2 / dF = 4 (F F' / P - A) F / P for a symmetric A
        seed = _back((4 * scale) * difference, maps, self.guide)
        return Measured(scale * _number((difference**2).sum()), seed.reshape(output.shape))


@dataclass(frozen=True, eq=False)
class WassersteinTerm(Term):
    """Take the squared 2-Wasserstein distance of two normal distributions: of the maps' values and of the style's.

    It is |m - m0|^2 + trace(S0 + S - 2 (S0^.5 S S0^.5)^.5) for means m and covariances S, here over |m0|^2 + trace S0.

    Paper: Olkin and Pukelsheim 1982; as a loss of style transfer: Crowson, style_transfer.py, 2021.
    """

    wanted: Statistics
    guide: Array | None = None  # (P,): how much each place counts

    def measured(self, output: Array) -> Measured:
        maps = output[0]
        now = doubled(statistics(maps, self.guide))
        goal = doubled(self.wanted)
        size = float(goal.mean @ goal.mean + np.trace(goal.covariance)) or 1.0
        small = EPSILON * max(float(np.trace(goal.covariance)) / len(goal.mean), 1e-12) * np.eye(len(goal.mean))
        root = _root(goal.covariance + small)
        values, vectors = np.linalg.eigh(root @ (now.covariance + small) @ root)
        roots = np.sqrt(np.maximum(values, 1e-12 * max(values.max(), 1e-300)))
        offset = now.mean - goal.mean
        distance = offset @ offset + np.trace(goal.covariance + now.covariance + 2 * small) - 2 * roots.sum()
        # d trace(S - 2 (R S R)^.5) / dS = I - R (R S R)^-.5 R
        by_products = np.eye(len(root)) - root @ (vectors / roots) @ vectors.T @ root
        by_mean = 2 * offset - 2 * by_products @ now.mean  # the covariance has the mean in it
        scale = self.weight / size
        device = kernels.device_of(maps)
        slopes, level = (
            kernels.to_device((scale * part).astype(maps.dtype), device) for part in (2 * by_products, by_mean)
        )
        levels = level.reshape(-1, *(1,) * (maps.ndim - 1))
        seed = _back(slopes, maps, self.guide) + levels * _share_of_places(maps, self.guide)
        return Measured(scale * float(distance), seed.reshape(output.shape))


def _back(slopes: Array, maps: Array, guide: Array | None) -> Array:
    """Return the derivative by the maps (C, ...), where that by their mean products is half of `slopes` (C, C)."""
    shares = _share_of_places(maps, guide)
    return mixed(slopes * shares, maps) if guide is None else mixed(slopes, maps * shares)


def _share_of_places(maps: Array, guide: Array | None) -> Array | float:
    """Return what each place of maps (C, ...) has of a mean, (...), or one number for all."""
    if guide is None:
        return 1 / int(maps[0].size)
    shares: Array = (guide / guide.sum()).reshape(maps.shape[1:])
    return shares


def _root(matrix: Array) -> Array:
    """Return the symmetric root of a symmetric matrix without negative eigenvalues."""
    values, vectors = np.linalg.eigh(matrix)
    root: Array = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    return root


def _number(value: Array) -> float:
    """Return a sum as a float, from wherever it lies."""
    return float(kernels.to_cpu(value))


def _size(value: Array) -> float:
    """Return what a distance is a share of; 1 where the target is 0 everywhere."""
    return _number(value) or 1.0
