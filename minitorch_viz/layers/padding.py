"""Places beyond the border of an array, and the adjoint: what came to them goes back to where they were copied from."""

from __future__ import annotations

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Pair
from minitorch_viz.errors import ShapeError

Border = tuple[int, int, int, int]  # rows above and below a map, columns left and right of it


def bordered(x: Array, border: Border, mode: str) -> Array:
    """Add a border as Pad does: x (N, C, H, W) -> (N, C, top + H + bottom, left + W + right). Raises ShapeError."""
    top, bottom, left, right = border
    return padded(padded(x, 2, (top, bottom), mode), 3, (left, right), mode)


def bordered_backward(dy: Array, border: Border, size: Pair, mode: str) -> Array:
    """Undo `bordered` as its adjoint: dy (N, C, top + H + bottom, left + W + right) -> dx (N, C, H, W) of this size."""
    top, bottom, left, right = border
    return padded_backward(padded_backward(dy, 2, (top, bottom), size[0], mode), 3, (left, right), size[1], mode)


def reflect_pad(x: Array, padding: Pair) -> Array:
    """Mirror `padding` rows and columns outward, without repeating the edge: 3 2 [1 2 3] 2 1.

    x (N, C, H, W) -> (N, C, H + 2 ph, W + 2 pw). Raises ShapeError unless each padding is below the image's side.
    """
    ph, pw = padding
    if ph >= x.shape[2] or pw >= x.shape[3]:
        raise ShapeError(f"Mirroring {(ph, pw)} pixels needs a larger image than {x.shape[2:]}.")
    return bordered(x, (ph, ph, pw, pw), "reflect")


def reflect_pad_backward(dy: Array, padding: Pair) -> Array:
    """Add each mirrored pixel's gradient to the pixel it was copied from: the adjoint of `reflect_pad`.

    dy (N, C, H + 2 ph, W + 2 pw) -> dx (N, C, H, W)
    """
    ph, pw = padding
    return bordered_backward(dy, (ph, ph, pw, pw), (dy.shape[2] - 2 * ph, dy.shape[3] - 2 * pw), "reflect")


def padded(x: Array, axis: int, ends: Pair, mode: str, value: float = 0.0) -> Array:
    """Return x with places added before and after one axis, as Pad's modes say. Raises ShapeError."""
    if ends == (0, 0):
        return x
    before, after = ends
    side = x.shape[axis]
    if mode == "constant":
        cut = [slice(None)] * x.ndim
        cut[axis] = slice(max(-before, 0), side - max(-after, 0))
        added = [(0, 0)] * x.ndim
        added[axis] = max(before, 0), max(after, 0)
        if side + min(before, 0) + min(after, 0) < 0:
            raise ShapeError(f"Padding of {ends} takes away more than the {side} places of axis {axis}.")
        return np.pad(x[tuple(cut)], added, constant_values=value)
    if max(ends) > side - (mode == "reflect") or side == 0:
        action = {"reflect": "Mirroring", "circular": "Going around"}.get(mode, "Repeating the edge")
        if mode != "replicate" or side == 0:
            raise ShapeError(f"{action} {max(ends)} places needs more than the {side} of axis {axis} of {x.shape}.")
    places = kernels.array_module(x).asarray(_sources(side, ends, mode))
    y: Array = np.take(x, places, axis=axis)
    return y


def padded_backward(dy: Array, axis: int, ends: Pair, side: int, mode: str) -> Array:
    """Undo `padded` as its adjoint: dy with the padded axis -> dx, whose axis has `side` places."""
    if ends == (0, 0):
        return dy
    before, after = ends
    dy = np.moveaxis(dy, axis, 0)
    if mode == "constant":
        dx = np.zeros_like(dy, shape=(side, *dy.shape[1:]))
        first, stop = max(-before, 0), side - max(-after, 0)
        dx[first:stop] = dy[max(before, 0) : max(before, 0) + stop - first]
    else:
        dx = dy[before : before + side].copy()
        sources = _sources(side, ends, mode).tolist()
        for place in (*range(before), *range(before + side, len(sources))):
            dx[sources[place]] += dy[place]
    moved: Array = np.moveaxis(dx, 0, axis)
    return moved


def _sources(side: int, ends: Pair, mode: str) -> Array:
    """Return which place each of the padded ones is a copy of."""
    places = np.arange(-ends[0], side + ends[1])
    if mode == "replicate":
        return np.clip(places, 0, side - 1)
    if mode == "circular":
        return places % side
    last = side - 1
    mirrored: Array = last - np.abs(last - np.abs(places))
    return mirrored
