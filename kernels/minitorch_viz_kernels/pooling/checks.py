"""What goes into a pooling: every window holds a pixel, every switch points at one."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitorch_viz_kernels.contract import Array, Pair
from minitorch_viz_kernels.machine.checks import axes, is_cupy, needs_shape, pair, same_device


def pool(
    function: str, size: Pair, kernel: Pair, stride: Pair, padding: Pair, out: Pair
) -> tuple[Pair, Pair, Pair, Pair]:
    """Check that every window of a pooling holds a pixel: the first its last row, the last its first row."""
    kernel = pair(function, "kernel", kernel, least=1)
    stride = pair(function, "stride", stride, least=1)
    padding = pair(function, "padding", padding, least=0)
    out = pair(function, "out", out, least=1)
    for a in (0, 1):
        if padding[a] >= kernel[a]:
            raise ValueError(
                f"{function}: padding {padding} is not smaller than the window {kernel}, so that "
                "the first windows would hold no pixel at all."
            )
        if (out[a] - 1) * stride[a] - padding[a] >= size[a]:
            raise ValueError(
                f"{function}: {out} windows with stride {stride} and padding {padding} do not fit an image of "
                f"{tuple(size)} pixels: the last ones would hold no pixel. pool_out_size says how many fit."
            )
    return kernel, stride, padding, out


def maxpool2d(x: Array, kernel: Pair, stride: Pair, padding: Pair, out: Pair) -> tuple[Pair, Pair, Pair, Pair]:
    axes("maxpool2d", "N, C, H, W", x=x)
    _indexable("maxpool2d", x.shape[2:])
    return pool("maxpool2d", x.shape[2:], kernel, stride, padding, out)


def maxpool2d_dx(dy: Array, won: Any, size: Pair) -> Pair:
    axes("maxpool2d_dx", "N, C, H', W'", dy=dy)
    if not isinstance(won, np.ndarray) and not is_cupy(won):
        raise TypeError(f"maxpool2d_dx: won is a {type(won).__name__}; the array that maxpool2d returned is needed.")
    same_device("maxpool2d_dx", dy=dy, won=won)
    if won.dtype != np.int32:
        raise TypeError(f"maxpool2d_dx: won holds {won.dtype} numbers; the int32 array of maxpool2d is needed.")
    size = pair("maxpool2d_dx", "size", size, least=1)
    _indexable("maxpool2d_dx", size)
    needs_shape("maxpool2d_dx", "won", won.shape, dy.shape, (1, *dy.shape[1:]))
    if won.size and (int(won.min()) < 0 or int(won.max()) >= size[0] * size[1]):
        raise ValueError(
            f"maxpool2d_dx: won points at pixels from {int(won.min())} to {int(won.max())}, but an image of {size} "
            f"has the pixels 0 to {size[0] * size[1] - 1}. Pass the size of the image that was pooled."
        )
    return size


def _indexable(function: str, size: Pair) -> None:
    if size[0] * size[1] > np.iinfo(np.int32).max:
        raise ValueError(f"{function}: an image of {tuple(size)} has more pixels than an int32 can number.")


def avgpool2d(x: Array, kernel: Pair, stride: Pair, padding: Pair, out: Pair) -> tuple[Pair, Pair, Pair, Pair]:
    axes("avgpool2d", "N, C, H, W", x=x)
    return pool("avgpool2d", x.shape[2:], kernel, stride, padding, out)


def avgpool2d_dx(dy: Array, kernel: Pair, stride: Pair, padding: Pair, size: Pair) -> tuple[Pair, Pair, Pair, Pair]:
    axes("avgpool2d_dx", "N, C, H', W'", dy=dy)
    size = pair("avgpool2d_dx", "size", size, least=1)
    return (*pool("avgpool2d_dx", size, kernel, stride, padding, dy.shape[2:])[:3], size)
