"""Places beyond the border of an array, and the adjoint: what came to them goes back to where they were copied from."""

from __future__ import annotations

from typing import Any

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Pair
from minitorch_viz.errors import ShapeError

Border = tuple[int, int, int, int]  # rows above and below a map, columns left and right of it


def bordered(x: Array, border: Border, mode: str) -> Array:
    """Add a border as Pad does: x (N, C, H, W) -> (N, C, top + H + bottom, left + W + right). Raises ShapeError."""
    top, bottom, left, right = border
    if mode == "constant" or min(border) < 0:
        return padded(padded(x, 2, (top, bottom), mode), 3, (left, right), mode)
    high, wide = x.shape[2:]
    rows, columns = _places_of(x, 2, (top, bottom), mode), _places_of(x, 3, (left, right), mode)
    y: Array = np.empty_like(x, shape=(*x.shape[:2], len(rows), len(columns)))
    y[:, :, top : top + high, left : left + wide] = x  # once over the memory; the border is little
    for place in _outside(left, wide, len(columns)):
        y[:, :, top : top + high, place] = x[..., columns[place]]
    for place in _outside(top, high, len(rows)):
        y[:, :, place] = y[:, :, top + rows[place]]
    return y


def bordered_backward(dy: Array, border: Border, size: Pair, mode: str) -> Array:
    """Undo `bordered` as its adjoint: dy (N, C, top + H + bottom, left + W + right) -> dx (N, C, H, W) of this size."""
    top, bottom, left, right = border
    high, wide = size
    if mode == "constant" or min(border) < 0:
        return padded_backward(padded_backward(dy, 2, (top, bottom), high, mode), 3, (left, right), wide, mode)
    rows, columns = _sources(high, (top, bottom), mode).tolist(), _sources(wide, (left, right), mode).tolist()
    dx: Array = dy[:, :, top : top + high, left : left + wide].copy()
    for place in _outside(left, wide, len(columns)):
        dx[..., columns[place]] += dy[:, :, top : top + high, place]
    for place in _outside(top, high, len(rows)):
        dx[:, :, rows[place]] += padded_backward(dy[:, :, place], 2, (left, right), wide, mode)
    return dx


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
    places = kernels.array_module(x).asarray(_places_of(x, axis, ends, mode))
    y: Array = np.take(x, places, axis=axis)
    return y


def padded_backward(dy: Array, axis: int, ends: Pair, side: int, mode: str) -> Array:
    """Undo `padded` as its adjoint: dy with the padded axis -> dx, whose axis has `side` places."""
    if ends == (0, 0):
        return dy
    before, after = ends
    if mode == "constant":
        dy = np.moveaxis(dy, axis, 0)
        dx = np.zeros_like(dy, shape=(side, *dy.shape[1:]))
        first, stop = max(-before, 0), side - max(-after, 0)
        dx[first:stop] = dy[max(before, 0) : max(before, 0) + stop - first]
        moved: Array = np.moveaxis(dx, 0, axis)
        return moved
    ahead: tuple[Any, ...] = (slice(None),) * axis
    folded: Array = dy[(*ahead, slice(before, before + side))].copy()
    sources = _sources(side, ends, mode).tolist()
    for place in _outside(before, side, len(sources)):
        folded[(*ahead, sources[place])] += dy[(*ahead, place)]
    return folded


def _places_of(x: Array, axis: int, ends: Pair, mode: str) -> list[int]:
    """Return which place of an axis each of the padded ones is a copy of. Raises ShapeError where there are too few."""
    side = x.shape[axis]
    if max(ends) > side - (mode == "reflect") or side == 0:
        action = {"reflect": "Mirroring", "circular": "Going around"}.get(mode, "Repeating the edge")
        if mode != "replicate" or side == 0:
            raise ShapeError(f"{action} {max(ends)} places needs more than the {side} of axis {axis} of {x.shape}.")
    places: list[int] = _sources(side, ends, mode).tolist()
    return places


def _outside(before: int, side: int, count: int) -> tuple[int, ...]:
    """Return the padded places before and after the array's own."""
    return (*range(before), *range(before + side, count))


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
