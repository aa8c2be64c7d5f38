"""Only the channels in which a signal arrives: one, where a class score or a single unit sends it."""

from __future__ import annotations

import numpy as np

from minitorch_viz._types import Array

FEW = 4  # at most one in so many channels


def few_channels(dy: Array, weight: Array) -> tuple[Array, Array]:
    """dy (N, O, ...) and weight (O, ...) without the channels where dy is 0, if these are most; else both as they are.

    What is left out would have been multiplied by 0. On a GPU looking for it costs more than it saves.
    """
    if not isinstance(dy, np.ndarray) or dy.size == 0 or dy.shape[1] < FEW:
        return dy, weight
    maps = dy.reshape(*dy.shape[:2], -1)  # (N, O, pixels)
    if FEW * np.count_nonzero(maps[:, :, maps.shape[2] // 2].any(axis=0)) > dy.shape[1]:  # one pixel says: not few
        return dy, weight
    channels = np.flatnonzero(not_zero(maps, axis=(0, 2)))
    if FEW * len(channels) > dy.shape[1]:
        return dy, weight
    channels = channels if len(channels) else np.array([0])
    return dy[:, channels], weight[channels]


def not_zero(x: Array, axis: int | tuple[int, ...]) -> Array:
    """Where some number of x along the axes is not 0; a NaN is not. Like np.any, which takes floats one by one."""
    bits = np.bitwise_or.reduce(x.view(f"u{x.itemsize}"), axis=axis)  # the sign, in front, may be that of -0.0
    found: Array = bits << 1 != 0
    return found
