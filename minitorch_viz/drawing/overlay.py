"""A map over its photo as one plain picture: no axes, no words, every pixel of the photo in its place."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing.images import smoothing
from minitorch_viz.drawing.resize import resize
from minitorch_viz.drawing.scales import robust_max
from minitorch_viz.errors import SettingError, ShapeError, near

OPAQUE = 0.75  # of the colour, where the map is at full scale: the photo stays to be seen
STRIP = 2**15  # pixels that are mixed at a time: what the processor's caches hold
NONNEGATIVE, SIGNED = "inferno", "RdBu_r"  # Matplotlib's colour maps: dark to bright; blue, white, red


def overlay(heat: Array, photo: Array, opacity: float = OPAQUE, colormap: str | None = None) -> Array:
    """Return (H, W, 3) uint8: the photo, and over it the map in colours that are the less transparent the larger it is.

    heat: (h, w), nonnegative or signed, of the same area as the photo; it is `smoothed` and enlarged bilinearly to it.
    photo: (H, W, 3) uint8.
    opacity: 0..1, of the colour at full scale, the 99.5th percentile of the magnitudes; where the map is 0 it is clear.
    colormap: a colour map of Matplotlib's; of a nonnegative map its lower end is 0, of a signed one its middle.

    Raises SettingError for an opacity outside 0..1, an unknown colour map, or a map that holds NaN; ShapeError for
    arrays of other shapes or kinds.
    """
    _check_arrays(heat, photo)
    return laid_over(seen_from(heat), photo, opacity, colormap)


class Seen(NamedTuple):
    """Hold a map as it lies over a photo."""

    smooth: Array  # (h, w)
    signed: bool  # whether it had any negative value before it was smoothed
    scale: float  # the magnitude at full scale


def seen_from(heat: Array) -> Seen:
    """Return a map as it lies over a photo."""
    smooth = smoothed(heat)
    return Seen(smooth, bool(heat.min(initial=0) < 0), robust_max(smooth))


def laid_over(seen: Seen, photo: Array, opacity: float = OPAQUE, colormap: str | None = None) -> Array:
    """Return the same for a map that is smoothed already."""
    check_look(opacity, colormap)
    smooth, signed, scale = seen
    colours = _colours(colormap or (SIGNED if signed else NONNEGATIVE))
    shares = resize(smooth, photo.shape[:2]) / scale  # (H, W): 1 at full scale
    mixed = np.empty(photo.shape, np.uint8)
    step = max(1, STRIP // photo.shape[1])
    for top in range(0, len(photo), step):
        rows = slice(top, top + step)
        share, below = shares[rows], photo[rows]
        levels = np.clip((share + 1) / 2 if signed else share, 0, 1)
        over = colours[np.minimum((levels * len(colours)).astype(int), len(colours) - 1)]  # (rows, W, 3)
        opaque = float(opacity) * np.clip(np.abs(share), 0, 1)[..., None]  # (rows, W, 1)
        mixed[rows] = np.round(below + opaque * (over - below))
    return mixed


def check_look(opacity: float = OPAQUE, colormap: str | None = None) -> None:
    """Raise SettingError if an overlay cannot look so."""
    if isinstance(opacity, bool) or not isinstance(opacity, (int, float, np.number)) or not 0 <= opacity <= 1:
        raise SettingError(f"opacity is a number from 0 (the map is clear) to 1, but got {opacity!r}.")
    if colormap is not None:
        named_colormap(colormap)


def _check_arrays(heat: Any, photo: Any) -> None:
    """Raise ShapeError or SettingError unless they are a map of numbers and a photo's pixels."""
    for name, value in (("map", heat), ("photo", photo)):
        if not isinstance(value, np.ndarray):
            raise ShapeError(f"A {name} is an array, but got {value!r:.60}; load_image(path) reads a photo.")
    if heat.ndim != 2 or photo.ndim != 3 or photo.shape[2] != 3 or 0 in (*heat.shape, *photo.shape):
        raise ShapeError(f"A map (h, w) lies over a photo (H, W, 3), but got {heat.shape} and {photo.shape}.")
    if photo.dtype != np.uint8 or heat.dtype.kind not in "fiub":
        raise ShapeError(f"A map of real numbers lies over a photo of uint8, but got {heat.dtype} and {photo.dtype}.")
    if not np.isfinite(heat).all():
        raise SettingError("The map holds NaN or infinity, so there is no scale to draw it on.")


def smoothed(heat: Array) -> Array:
    """Return a map (h, w) as it lies over a photo: single pixels would not be seen on it (see `smoothing`)."""
    from scipy import ndimage

    blurred: Array = ndimage.gaussian_filter(heat.astype(np.float32, copy=False), smoothing(heat.shape), mode="nearest")
    return blurred


def named_colormap(name: str) -> Any:
    """Return a colour map of Matplotlib's by its name; SettingError with near names if there is none."""
    from matplotlib import colormaps

    if not isinstance(name, str) or name not in colormaps:
        raise SettingError(f"There is no colour map {name!r}; {near(name, colormaps, 'colour map')}.")
    return colormaps[name]


@functools.cache
def _colours(name: str) -> Array:
    """Return the colours of a colour map, (N, 3), 0..255, from its lower to its upper end."""
    colours_of = named_colormap(name)
    colours: Array = colours_of(np.arange(colours_of.N))[:, :3] * 255
    colours.flags.writeable = False
    return colours
