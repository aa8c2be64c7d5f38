"""Linear maps of pictures, each with its adjoint: <A x, y> = <x, A' y>.

A gradient goes back through a linear map by its adjoint; no map here needs to remember its input.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minitorch_viz._types import Array, Pair
from minitorch_viz.layers.products import of_sides


class LinearMap:
    """Be the base of linear maps from (N, C, H, W) to (N, C, h, w); noise alone adds a constant, too."""

    def forward(self, x: Array) -> Array:
        """Return A x, in x's dtype."""
        raise NotImplementedError

    def adjoint(self, dy: Array) -> Array:
        """Return A' dy: a gradient by the output becomes one by the input."""
        raise NotImplementedError

    @property
    def size(self) -> Pair:
        """Return (h, w) of the output."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Separable(LinearMap):
    """Mix rows, then columns: R x C'. Scaling, cropping, padding, and halving are of this form.

    rows: R, (h, H), columns: C, (w, W).
    """

    rows: Array
    columns: Array

    @property
    def size(self) -> Pair:
        return len(self.rows), len(self.columns)

    def forward(self, x: Array) -> Array:
        return of_sides(self.rows.astype(x.dtype), x, self.columns.astype(x.dtype))

    def adjoint(self, dy: Array) -> Array:
        return of_sides(self.rows.T.astype(dy.dtype), dy, self.columns.T.astype(dy.dtype))


@dataclass(frozen=True, eq=False)
class SameSize(LinearMap):
    """Be the base of maps whose output is as large as the input, `extent` = (H, W)."""

    extent: Pair

    @property
    def size(self) -> Pair:
        return self.extent


@dataclass(frozen=True, eq=False)
class Chain(LinearMap):
    """Apply maps one after another; the adjoint applies theirs in reverse. At least one map."""

    maps: Sequence[LinearMap]

    @property
    def size(self) -> Pair:
        return self.maps[-1].size

    def forward(self, x: Array) -> Array:
        for part in self.maps:
            x = part.forward(x)
        return x

    def adjoint(self, dy: Array) -> Array:
        for part in reversed(self.maps):
            dy = part.adjoint(dy)
        return dy


def sampled(side: int, places: Array) -> Array:
    """Return (len(places), side): a row reads a line of `side` pixels at a place, linearly between its neighbours.

    places: in pixels, 0 is the middle of the first pixel. The outer half of a border pixel reads that pixel; beyond it,
    outside -0.5..side - 0.5, there is 0, the mean colour.
    """
    places = np.asarray(places, float)[:, None]
    inside = np.abs(places - (side - 1) / 2) <= side / 2 + 1e-9  # a border hit exactly is not lost to rounding
    weights: Array = np.maximum(1 - np.abs(np.clip(places, 0, side - 1) - np.arange(side)), 0) * inside
    return weights


def window(side: int, start: float, end: float, out: int) -> Array:
    """Return (out, side): the part of a line from start to end (its edges, in pixels), as `out` pixels.

    0 to side, the whole line at its own size, gives the identity.
    """
    return sampled(side, start + (np.arange(out) + 0.5) * ((end - start) / out) - 0.5)
