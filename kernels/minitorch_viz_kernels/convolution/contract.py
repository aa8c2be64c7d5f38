"""Convolution, its gradient for the images, and its gradient for the filters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from minitorch_viz_kernels.contract import Array, Pair


def out_size(size: int, kernel: int, stride: int, padding: int, dilation: int = 1) -> int:
    """Return how many windows of a convolution fit: floor((size + 2 padding - reach) / stride) + 1."""
    reach = dilation * (kernel - 1) + 1
    return (size + 2 * padding - reach) // stride + 1


class Convolution(Protocol):
    """List what each rung of this folder holds."""

    def conv2d(
        self,
        x: Array,
        w: Array,
        b: Array | None,
        stride: Pair,
        padding: Pair,
        dilation: Pair,
        groups: int,
        relu: bool = False,
    ) -> Array:
        """Cross-correlate images with filters; outside an image are zeros.

        x (N, C, H, W), w (O, C/g, kh, kw), b (O,) or None -> y (N, O, H', W')

            for n, o, i, j:                              # group of o: q = o // (O/g)
                y[n, o, i, j] = b[o] + sum over c, u, v of
                    w[o, c, u, v] * x[n, q*C/g + c, i*stride - padding + u*dilation, j*stride - padding + v*dilation]

        relu: what is negative becomes 0 (a NaN stays), before it is written.
        """
        ...

    def conv2d_dx(
        self, dy: Array, w: Array, size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int
    ) -> Array:
        """Carry each dy back to x along the weights it came through: the gradient of conv2d for x.

        dy (N, O, H', W'), w (O, C/g, kh, kw), size (H, W) -> dx (N, C, H, W)

            dx = 0
            for n, o, i, j, c, u, v where the pixel lies inside the image:
                dx[n, q*C/g + c, i*stride - padding + u*dilation, ...] += w[o, c, u, v] * dy[n, o, i, j]

        Pixels that no window touched get exactly 0.
        """
        ...

    def conv2d_dw(
        self, dy: Array, x: Array, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int
    ) -> Array:
        """Sum the gradient of conv2d with respect to w over the images.

        dy (N, O, H', W'), x (N, C, H, W), kernel (kh, kw) -> dw (O, C/g, kh, kw)

            dw[o, c, u, v] = sum over n, i, j of dy[n, o, i, j] * x[n, q*C/g + c, i*stride - padding + u*dilation, ...]
        """
        ...


if TYPE_CHECKING:  # the type checker compares each function of each rung with the contract
    from . import columns, cuda_, loops, numba_

    _RUNGS: tuple[Convolution, ...] = (loops, columns, numba_, cuda_)
