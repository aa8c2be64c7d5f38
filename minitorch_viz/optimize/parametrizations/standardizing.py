"""Mean 0 and standard deviation 1 for each picture, and the gradient back through both."""

from __future__ import annotations

import numpy as np

from minitorch_viz._types import Array

EPSILON = 1e-5  # added to the deviation, so that a flat picture stays flat


def standardized(values: Array) -> Array:
    """Return (v - mean) / (deviation + 1e-5), each over all of a picture: every axis but the first."""
    centred, deviation = _parts(values)
    return centred / (deviation + EPSILON)


def standardized_gradient(values: Array, dy: Array) -> Array:
    """Return the gradient by v, given that by the standardized values.

    y = c / (s + e) with c = v - mean and s = sqrt(mean c^2): what y hands to c directly, less what the deviation takes
    back, c <dy, c> / (n s (s + e)^2), less the mean of both.
    """
    centred, deviation = _parts(values)
    axes = tuple(range(1, values.ndim))
    along = np.mean(dy * centred, axis=axes, keepdims=True)
    ratio = centred / np.maximum(deviation, np.finfo(values.dtype).tiny)  # c / s, 0 of a flat picture
    dc = dy / (deviation + EPSILON) - ratio * (along / (deviation + EPSILON) ** 2)
    dv: Array = dc - dc.mean(axis=axes, keepdims=True)
    return dv


def _parts(values: Array) -> tuple[Array, Array]:
    """Return v - mean, and the standard deviation (N, 1, ...)."""
    axes = tuple(range(1, values.ndim))
    centred = values - values.mean(axis=axes, keepdims=True)
    return centred, np.sqrt(np.mean(centred**2, axis=axes, keepdims=True))
