"""What every metric asks of a map and of a mask, each refused with one sentence."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, ShapeError


def need_map(heat: Any, what: str = "heat") -> Array:
    """A map (h, w) as float64; ShapeError unless it is one of finite numbers."""
    if not isinstance(heat, np.ndarray):
        raise ShapeError(f"{what} must be a map (h, w) as a NumPy array, but got a {type(heat).__name__}.")
    if heat.ndim != 2 or heat.size == 0:
        raise ShapeError(
            f"{what} must be a map (h, w), but got shape {heat.shape}; reduce channels before, by their max."
        )
    if heat.dtype.kind not in "fiub":
        raise ShapeError(f"{what} must hold real numbers, but got {heat.dtype}.")
    checked: Array = heat.astype(np.float64)
    if not np.isfinite(checked).all():
        bad = int(np.count_nonzero(~np.isfinite(checked)))
        raise ShapeError(f"{what} holds {bad} values that are not finite (NaN or infinity), so it cannot be graded.")
    return checked


def need_mask(mask: Any, heat: Array, what: str = "mask") -> Array:
    """A mask (h, w) bool of the map's size with at least one pixel; ShapeError otherwise."""
    if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_:
        kind = mask.dtype if isinstance(mask, np.ndarray) else type(mask).__name__
        raise ShapeError(f"{what} must be a bool array, True on the object, but got {kind}; compare with == first.")
    if mask.shape != heat.shape:
        raise ShapeError(f"{what} has shape {mask.shape}, but the map has {heat.shape}; bring both to one size.")
    if not mask.any():
        raise ShapeError(f"{what} is empty: the object has no visible pixel, so no map can find it.")
    return mask


def need_number(what: str, value: Any, least: float, most: float = np.inf) -> float:
    """`value` as a float, if it is a finite number from `least` to `most`; else SettingError with a sentence."""
    fits = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not (fits and np.isfinite(value) and least <= value <= most):
        limits = f"of at least {least:g}" if np.isinf(most) else f"from {least:g} to {most:g}"
        raise SettingError(f"The {what} must be a number {limits}, but got {value!r}.")
    return float(value)
