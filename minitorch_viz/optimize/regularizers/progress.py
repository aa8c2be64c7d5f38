"""A rate that asks for progress."""

from __future__ import annotations

import numpy as np

from minitorch_viz._types import Array


def progress_rate(gradient: Array, progress: float, most: float | Array) -> Array:
    """Return (N, 1, 1, 1): the rate at which the objective rises by `progress`, to first order, but at most `most`.

    rate = progress / |gradient|^2; where the gradient is 0, `most`, a number or one for each picture.
    Paper: Yosinski et al. 2015.
    """
    squares = np.sum(gradient**2, axis=(1, 2, 3), keepdims=True)
    smallest = np.asarray(progress / np.asarray(most), gradient.dtype)
    rate: Array = np.asarray(progress, gradient.dtype) / np.maximum(squares, smallest)
    return rate
