"""What the occluder shows: a colour, the photo blurred or its pixels shuffled, or what lies around, mirrored in."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError
from minitorch_viz.techniques.explain.given import level_of

if TYPE_CHECKING:
    from minitorch_viz.models import Model

FILLS = {"grey": 128.0, "black": 0.0, "white": 255.0}
PICTURED = {  # what is no colour, in a caption's words
    "blur": "blurred",
    "noise": "noise-filled",
    "texture": "texture-filled",
}
NEARER = 3  # how much more a border of the square counts for the pixels near it: the power of the distance

# (top, left) of a square, which may hang over the photo's border -> what it shows, (C, size, size) or (C, 1, 1).
Filling: TypeAlias = Callable[[int, int], Array]


def fill_words(fill: str) -> str:
    """Return what a caption calls a square: "mean-coloured", "grey", "grey-level-40", "blurred"."""
    return {"mean": "mean-coloured", **PICTURED}.get(fill, fill if fill in FILLS else f"grey-level-{fill}")


def fill_sentence(fill: str, size: int) -> str:
    """Return a sentence on what a square shows that is no colour; "" for a colour."""
    return {
        "blur": f"In the square the photo is smoothed (Gaussian, {blur_of(size):.3g} pixels).",
        "noise": "In the square stand pixels of the whole photo in random order, the same wherever it stands.",
        "texture": "In the square stands what lies around it, mirrored at its borders, the nearer one counting more.",
    }.get(fill, "")


def blur_of(size: int) -> float:
    """Return by how many pixels the photo is smoothed, so that nothing as small as the square is left of it."""
    return size / 4


def filling(model: Model, fill: str, x: Array, size: int, seed: int = 0) -> Filling:
    """Return what squares of `size` show on x (1, C, h, w), in the net's units; SettingError for an unknown fill."""
    if fill in PICTURED:
        photo = kernels.to_cpu(x)[0]
        square = {"blur": _blurred, "noise": _shuffled, "texture": _mirrored}[fill](photo, size, seed)
        device = kernels.device_of(x)
        return lambda top, left: kernels.to_device(square(top, left), device)
    colour = fill_value(model, fill, x)
    return lambda top, left: colour  # noqa: ARG005 (the same wherever it stands)


def fill_value(model: Model, fill: str, x: Array) -> Array:
    """Return the occluder's colour in the net's units, (C, 1, 1)."""
    if fill == "mean":
        colour: Array = x[0].mean(axis=(1, 2), keepdims=True)
        return colour
    try:
        level = FILLS[fill] if fill in FILLS else float(fill)
    except (TypeError, ValueError):
        level = -1.0
    if not 0 <= level <= 255:
        names = ", ".join([*FILLS, *PICTURED])
        raise SettingError(f"fill must be mean, {names} or a grey level from 0 to 255, but got {fill!r}.")
    return kernels.to_device(level_of(model)(level, x.dtype), kernels.device_of(x))


def _blurred(photo: Array, size: int, seed: int) -> Filling:  # noqa: ARG001 (nothing is random)
    from scipy.ndimage import gaussian_filter

    sigma = blur_of(size)
    return _cut_from(gaussian_filter(photo, (0, sigma, sigma), mode="nearest"), size)


def _shuffled(photo: Array, size: int, seed: int) -> Filling:
    """Take pixels of the photo, whole ones with all their channels: of its own colours, without its shapes."""
    pixels = photo.reshape(len(photo), -1)
    chosen = np.random.default_rng(seed).integers(pixels.shape[1], size=size * size)
    noise = pixels[:, chosen].reshape(-1, size, size)
    return lambda top, left: noise  # noqa: ARG005 (the same wherever it stands)


def _cut_from(picture: Array, size: int) -> Filling:
    """Return the squares of another picture (C, h, w); what hangs over its border repeats its outermost pixels."""
    high, wide = picture.shape[1:]

    def square(top: int, left: int) -> Array:
        rows, columns = (np.arange(at, at + size).clip(0, side - 1) for at, side in ((top, high), (left, wide)))
        return picture[:, rows[:, None], columns]

    return square


def _mirrored(photo: Array, size: int, seed: int) -> Filling:  # noqa: ARG001 (nothing is random)
    """Return squares that show their surroundings: at each pixel the mean of four mirror images, weighted.

    Each border of the square is a mirror; its image counts by 1 / distance**NEARER, and not at all where it would lie
    outside the photo. A square that is all of the photo has the photo's mean colour.
    """
    high, wide = photo.shape[1:]
    inside = np.arange(size)
    mean = photo.mean(axis=(1, 2), keepdims=True)

    def square(top: int, left: int) -> Array:
        rows, columns = top + inside, left + inside
        grid = np.broadcast_to(rows[:, None], (size, size)), np.broadcast_to(columns, (size, size))
        images = (  # the row and the column of the mirror image, and how far the mirror is
            (top - 1 - inside[:, None], grid[1], inside[:, None] + 1),
            (top + 2 * size - 1 - inside[:, None], grid[1], size - inside[:, None]),
            (grid[0], left - 1 - inside, inside + 1),
            (grid[0], left + 2 * size - 1 - inside, size - inside),
        )
        total, weights = np.zeros((len(photo), size, size)), np.zeros((size, size))
        for row, column, distance in images:
            seen = (row >= 0) & (row < high) & (column >= 0) & (column < wide)
            weight = seen / np.asarray(distance, float) ** NEARER
            total += weight * photo[:, np.clip(row, 0, high - 1), np.clip(column, 0, wide - 1)]
            weights = weights + weight
        filled: Array = np.where(weights > 0, total / np.maximum(weights, 1e-300), mean).astype(photo.dtype)
        return filled

    return square
