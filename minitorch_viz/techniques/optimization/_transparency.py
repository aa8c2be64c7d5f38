"""Pictures with the transparency that their ascent gave them: what mattered in no step is clear (Fel et al. 2023)."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, near
from minitorch_viz.optimize.units import coloured

Over: TypeAlias = Literal["nothing", "checks", "grey"]

OPAQUE = 80  # the percentile of a picture's transparency from which on pixels are opaque
LIGHT, DARK = 235, 190  # grey levels of the checks
GREY = 128
SQUARES = 16  # checks along a side


def need_over(over: str) -> None:
    """Raise SettingError unless this is something that pictures can be laid over."""
    if over not in get_args(Over):
        raise SettingError(f"A picture cannot be laid over {over!r}; {near(over, get_args(Over), 'background')}.")


def opacity(transparency: Array) -> Array:
    """Return (N, h, w) uint8, 0 clear and 255 opaque, of how much each pixel mattered, (N, h, w)."""
    full = np.percentile(transparency, OPAQUE, axis=(1, 2), keepdims=True)
    full = np.where(full > 0, full, transparency.max(axis=(1, 2), keepdims=True))
    shares = np.divide(transparency, full, out=np.ones_like(transparency), where=full > 0)
    levels: Array = np.round(255 * np.clip(shares, 0, 1)).astype(np.uint8)
    return levels


def laid_over(pixels: Array, transparency: Array, over: Over) -> Array:
    """Return pictures (N, h, w, C) uint8 in colours, (N, h, w, 3), laid over checks or grey by their transparency."""
    colours = coloured(pixels)
    if over == "nothing":
        return colours
    shares = opacity(transparency)[..., None] / 255
    high, wide = colours.shape[1:3]
    side = max(1, min(high, wide) // SQUARES)
    checks = np.where(np.add.outer(np.arange(high) // side, np.arange(wide) // side) % 2, DARK, LIGHT)
    below = checks[None, :, :, None] if over == "checks" else GREY
    mixed: Array = np.round(shares * colours + (1 - shares) * below).astype(np.uint8)
    return mixed
