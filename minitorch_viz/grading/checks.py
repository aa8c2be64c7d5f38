"""What every metric asks of a map and of a mask, each refused with one sentence."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, ShapeError


def need_map(heat: Any, label: str = "heat") -> Array:
    """Return a map (h, w) as float64; ShapeError unless it is one of finite numbers."""
    if not isinstance(heat, np.ndarray):
        raise ShapeError(f"{label} must be a map (h, w) as a NumPy array, but got a {type(heat).__name__}.")
    if heat.ndim != 2 or heat.size == 0:
        raise ShapeError(
            f"{label} must be a map (h, w), but got shape {heat.shape}; reduce channels before, by their max."
        )
    if heat.dtype.kind not in "fiub":
        raise ShapeError(f"{label} must hold real numbers, but got {heat.dtype}.")
    checked: Array = heat.astype(np.float64)
    if not np.isfinite(checked).all():
        bad = int(np.count_nonzero(~np.isfinite(checked)))
        raise ShapeError(f"{label} holds {bad} values that are not finite (NaN or infinity), so it cannot be graded.")
    return checked


def need_mask(mask: Any, heat: Array, label: str = "mask") -> Array:
    """Return a mask (h, w) bool of the map's size with at least one pixel; ShapeError otherwise."""
    if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_:
        kind = mask.dtype if isinstance(mask, np.ndarray) else type(mask).__name__
        raise ShapeError(f"{label} must be a bool array, True on the object, but got {kind}; compare with == first.")
    if mask.shape != heat.shape:
        raise ShapeError(f"{label} has shape {mask.shape}, but the map has {heat.shape}; bring both to one size.")
    if not mask.any():
        raise ShapeError(f"{label} is empty: the object has no visible pixel, so no map can find it.")
    return mask


def need_number(label: str, value: Any, least: float, most: float = np.inf) -> float:
    """Return `value` as a float, if it is a finite number from `least` to `most`; else raise SettingError."""
    valid = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not (valid and np.isfinite(value) and least <= value <= most):
        limits = f"of at least {least:g}" if np.isinf(most) else f"from {least:g} to {most:g}"
        raise SettingError(f"The {label} must be a number {limits}, but got {value!r}.")
    return float(value)
