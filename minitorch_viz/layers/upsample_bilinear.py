"""Bilinear upsampling: between the pixels stand their weighted means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Generator, Pair
from minitorch_viz.layers.base import Example, Layer, expect_axes
from minitorch_viz.layers.fields import PairField, as_pair
from minitorch_viz.layers.kind import Kind
from minitorch_viz.layers.products import of_sides
from minitorch_viz.layers.window import PIXELS, Sight, Window


@dataclass(frozen=True, eq=False, repr=False)
class UpsampleBilinear(Layer):
    """Enlarge a map, each new pixel a weighted mean of the four old ones around it.

    x (N, C, H, W) -> y (N, C, H', W') with H' = H * factor, or (H', W') = size where that is given: segmentation nets
    return to the size of their picture. factor, size: an int or (vertical, horizontal). A size may be smaller, too.

    align_corners: where new row i lies among the old ones: at (i + 1/2) * H / H' - 1/2, so that the pixels' outer edges
    coincide (False, as most nets are trained); or at i * (H - 1) / (H' - 1), so that the corners' centres do (True).

    Both axes are matrix products, y = A x Bᵀ: row i of A holds the two weights of new row i, so dx = Aᵀ dy B.
    """

    factor: PairField = PairField(2, least=1)
    size: Pair | int | None = None
    align_corners: bool = False

    kind: ClassVar[Kind] = Kind.SUMS

    class Saved(NamedTuple):
        size: Pair  # (H, W) of the input

    def __post_init__(self) -> None:
        if self.size is not None:
            object.__setattr__(self, "size", as_pair(self.size, "UpsampleBilinear's size", 1))

    def forward(self, x: Array) -> tuple[Array, Saved]:
        expect_axes(self, x, "N, C, H, W")
        rows, columns = self._weights(x, (x.shape[2], x.shape[3]))
        return of_sides(rows, x, columns), self.Saved((x.shape[2], x.shape[3]))

    def backward(self, dy: Array, saved: Saved) -> Array:
        rows, columns = self._weights(dy, saved.size)
        return of_sides(rows.T, dy, columns.T)

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        def case(shape: tuple[int, ...], *settings: int | Pair | bool | None) -> Example:
            return cls(*settings), (rng.standard_normal(shape),)  # type: ignore[arg-type]  # in the fields' order

        return [
            case((2, 3, 2, 3), 2),
            case((1, 1, 1, 1), 2),
            case((1, 2, 3, 4), (2, 3), None, True),
            case((2, 1, 3, 2), 2, (5, 7)),  # a size that is no multiple
            case((1, 2, 5, 6), 2, (3, 4), True),  # and a smaller one
            case((1, 1, 4, 3), 2, (1, 6), True),
        ]

    def sees(self, axes: Pair = PIXELS) -> Sight | None:
        """Return the two places around (i + 1/2) / factor - 1/2; None where they depend on the input's size."""
        if axes != PIXELS or self.size is not None or self.align_corners:
            return None
        high, wide = self.factor
        double = 2 * high, 2 * wide
        return Sight(Window(double, (2, 2), (high - 1, wide - 1), double))

    def _weights(self, like: Array, size: Pair) -> tuple[Array, Array]:
        """Return A (H', H) and B (W', W) for an input of size (H, W), in an array's precision and on its device."""
        given = self.size if isinstance(self.size, tuple) else (size[0] * self.factor[0], size[1] * self.factor[1])
        xp = kernels.array_module(like)
        rows, columns = (interpolation(side, out, self.align_corners) for side, out in zip(size, given, strict=True))
        return xp.asarray(rows.astype(like.dtype)), xp.asarray(columns.astype(like.dtype))


def interpolation(side: int, out: int, align_corners: bool) -> Array:
    """Return the matrix (out, side) whose row i holds the weights of the two places around new place i."""
    places = np.arange(out)
    if align_corners:
        at = places * ((side - 1) / (out - 1) if out > 1 else 0)
    else:
        at = np.maximum((places + 0.5) * (side / out) - 0.5, 0)
    before = np.minimum(at.astype(int), side - 1)
    after = np.minimum(before + 1, side - 1)
    weights = np.zeros((out, side))
    np.add.at(weights, (places, before), 1 - (at - before))
    np.add.at(weights, (places, after), at - before)
    return weights
