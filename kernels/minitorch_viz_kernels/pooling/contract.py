"""Pooling: the largest value of each window, or its mean, and their gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from minitorch_viz_kernels.contract import Array, Pair


def pool_out_size(size: int, kernel: int, stride: int, padding: int, ceil_mode: bool) -> int:
    """Return how many windows of a pooling there are.

    `ceil_mode` rounds up, so that a last window may reach beyond the padded input. A window that would *start*
    beyond the input and its leading padding is dropped. This is PyTorch's ceil_mode, and it is Caffe's only rule.
    """
    span = size + 2 * padding - kernel
    if not ceil_mode:
        return span // stride + 1
    count = -(-span // stride) + 1
    if (count - 1) * stride >= size + padding:
        count -= 1
    return count


class Pooling(Protocol):
    """List what each rung of this folder holds."""

    def maxpool2d(self, x: Array, kernel: Pair, stride: Pair, padding: Pair, out: Pair) -> tuple[Array, Array]:
        """Take the largest value of each window, and say where it stood (the "switch").

        x (N, C, H, W), out (H', W') -> y (N, C, H', W'), won (N, C, H', W') int32

        `won` is the flat index row * W + column of the winner inside its H x W map. Padding never wins. Among equals
        the first in reading order wins; a NaN wins over any number (the first NaN of the window).
        Windows may reach beyond the padded input (ceil mode), but every window holds at least one pixel.
        """
        ...

    def maxpool2d_dx(self, dy: Array, won: Array, size: Pair) -> Array:
        """Hand each dy to the pixel that won; a pixel that won several windows gets their sum.

        dy (N, C, H', W'), won (N or 1, C, H', W') int32, size (H, W) -> dx (N, C, H, W)

            dx = 0
            for n, c, i, j: dx[n, c].flat[won[n, c, i, j]] += dy[n, c, i, j]
        """
        ...

    def avgpool2d(
        self, x: Array, kernel: Pair, stride: Pair, padding: Pair, out: Pair, count_include_pad: bool
    ) -> Array:
        """Take the mean of each window.

        x (N, C, H, W), out (H', W') -> y (N, C, H', W')

        The sum runs over the pixels inside the image. It is divided by their number, or, with `count_include_pad`, by
        the number of places inside the padded image (H + 2 padding), zeros included, as PyTorch and Caffe do; the part
        of a last window beyond the padded image never counts.
        """
        ...

    def avgpool2d_dx(
        self, dy: Array, kernel: Pair, stride: Pair, padding: Pair, size: Pair, count_include_pad: bool
    ) -> Array:
        """Share each dy equally among the pixels of its window, with the divisor of the forward pass.

        dy (N, C, H', W'), size (H, W) -> dx (N, C, H, W)
        """
        ...


if TYPE_CHECKING:  # the type checker compares each function of each rung with the contract
    from . import cuda_, loops, numba_, numpy_

    _RUNGS: tuple[Pooling, ...] = (loops, numpy_, numba_, cuda_)
