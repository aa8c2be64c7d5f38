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
    live = maps.any(axis=2).any(axis=0) if maps.shape[2] == 1 else ((maps.max(2) != 0) | (maps.min(2) != 0)).any(axis=0)
    if FEW * np.count_nonzero(live) > dy.shape[1]:
        return dy, weight
    channels = np.flatnonzero(live) if live.any() else np.array([0])
    return dy[:, channels], weight[channels]
