"""Mirroring an image at its border, and the adjoint: folding the border's gradient back in."""

from __future__ import annotations

import numpy as np

from minitorch_viz._types import Array, Pair
from minitorch_viz.errors import ShapeError


def reflect_pad(x: Array, padding: Pair) -> Array:
    """Mirror `padding` rows and columns outward, without repeating the edge: 3 2 [1 2 3] 2 1.

    x (N, C, H, W) -> (N, C, H + 2 ph, W + 2 pw). Raises ShapeError unless each padding is below the image's side.
    """
    ph, pw = padding
    if ph >= x.shape[2] or pw >= x.shape[3]:
        raise ShapeError(f"Mirroring {(ph, pw)} pixels needs a larger image than {x.shape[2:]}.")
    return np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), mode="reflect")


def reflect_pad_backward(dy: Array, padding: Pair) -> Array:
    """Add each mirrored pixel's gradient to the pixel it was copied from: the adjoint of `reflect_pad`.

    dy (N, C, H + 2 ph, W + 2 pw) -> dx (N, C, H, W)
    """
    ph, pw = padding
    return _fold(_fold(dy, 2, ph), 3, pw)


def _fold(dy: Array, axis: int, p: int) -> Array:
    """Fold p mirrored places at both ends of one axis back onto the inside."""
    if p == 0:
        return dy
    slices = np.moveaxis(dy, axis, 0)
    size = slices.shape[0] - 2 * p
    folded = slices[p : p + size].copy()
    folded[1 : p + 1] += slices[:p][::-1]  # place p-1 mirrors pixel 1, place 0 mirrors pixel p
    folded[size - 1 - p : size - 1] += slices[p + size :][::-1]
    return np.moveaxis(folded, 0, axis)
