"""Gradients of one size, so that a step moves as far whatever the score's steepness."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, near

Measure = Literal["mean", "deviation", "length"]


def normalized(gradient: Array, by: Measure = "mean") -> Array:
    """Return the gradient (N, C, H, W) over its own size, each picture's on its own; of 0 it is 0.

    by: "mean", of the magnitudes, so that a step of 1.5 moves the pixels by 1.5 on average (DeepDream, 2015; Øygard
    2015); "deviation", the standard deviation (Mordvintsev 2015); "length", the root of the sum of squares (CS231n).
    """
    if by not in get_args(Measure):
        raise SettingError(f"A gradient's size is not measured by {by!r}; {near(by, get_args(Measure), 'measure')}.")
    axes, tiny = (1, 2, 3), np.finfo(gradient.dtype).tiny
    peak = np.abs(gradient).max(axis=axes, keepdims=True)
    gradient = gradient / np.maximum(peak, tiny)  # first to -1..1: squares of a faint gradient would be 0 in float32
    if by == "mean":
        size = np.abs(gradient).mean(axis=axes, keepdims=True)
    elif by == "deviation":
        size = gradient.std(axis=axes, keepdims=True)
    else:
        size = np.sqrt(np.sum(gradient**2, axis=axes, keepdims=True))
    even: Array = gradient / np.maximum(size, np.finfo(gradient.dtype).eps)  # a constant gradient has no deviation
    return even
