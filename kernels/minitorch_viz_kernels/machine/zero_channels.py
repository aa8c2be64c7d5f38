"""Channels without a signal: where a class score or a single unit sends it, it arrives in one channel only."""

from __future__ import annotations

import numpy as np

from minitorch_viz_kernels.contract import Array

from .checks import is_cupy

WORTH_LEAVING_OUT = 4  # channels: if more than one of this many has a signal, none is left out


def without_zero_channels(dy: Array, w: Array) -> tuple[Array, Array]:
    """Return dy (N, O, ...) and w (O, ...) without the channels where dy is 0, if these are most; else unchanged.

    What is left out would have been multiplied by 0. On a GPU looking for it costs more than it saves.
    """
    if is_cupy(dy) or dy.size == 0 or dy.shape[1] < WORTH_LEAVING_OUT:
        return dy, w
    maps = dy.reshape(*dy.shape[:2], -1)  # (N, O, pixels)
    centre = maps[:, :, maps.shape[2] // 2]  # (N, O): one pixel of each map
    channels_at_centre = np.count_nonzero(centre if len(centre) == 1 else centre.any(axis=0))
    if WORTH_LEAVING_OUT * channels_at_centre > dy.shape[1]:  # it says: most have a signal
        return dy, w
    channels = np.flatnonzero(not_zero(maps, axis=(0, 2)))
    if WORTH_LEAVING_OUT * len(channels) > dy.shape[1]:
        return dy, w
    channels = channels if len(channels) else np.array([0])
    return dy[:, channels], w[channels]


def not_zero(x: Array, axis: int | tuple[int, ...]) -> Array:
    """Return where a number of x along the axes is not 0 (a NaN is not). Like np.any, which takes floats one by one."""
    bits = np.bitwise_or.reduce(x.view(f"u{x.itemsize}"), axis=axis)  # the sign, in front, may be that of -0.0
    mask: Array = bits << 1 != 0
    return mask
