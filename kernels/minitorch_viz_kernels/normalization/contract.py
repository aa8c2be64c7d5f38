"""Normalization across neighbouring channels (LRN), within each channel of a batch, or each vector, and gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from minitorch_viz_kernels.contract import Array


class Normalization(Protocol):
    """List what each rung of this folder holds."""

    def lrn(self, x: Array, size: int, alpha: float, beta: float, k: float) -> tuple[Array, Array]:
        """Normalize by the local response across channels: y = x / scale ** beta.

        x (N, C, H, W) -> y (N, C, H, W), scale (N, C, H, W)

            scale[n, c] = k + alpha * sum of x[n, d] ** 2 for d from c - size//2 to c + (size-1)//2, inside 0..C-1
        """
        ...

    def lrn_dx(self, dy: Array, x: Array, scale: Array, size: int, alpha: float, beta: float) -> Array:
        """Carry a gradient back through lrn.

        dy (N, C, H, W), x and scale (N or 1, C, H, W) -> dx (N, C, H, W)

            dx[n, c] = dy[n, c] * scale[n, c] ** -beta
                     - 2 alpha beta x[n, c] * sum of dy[n, d] * x[n, d] * scale[n, d] ** (-beta - 1)
                       over the channels d whose window holds c: d from c - (size-1)//2 to c + size//2
        """
        ...

    def batch_norm(self, x: Array, w: Array, b: Array, eps: float) -> tuple[Array, Array, Array]:
        """Give every channel of a batch mean 0 and variance 1, then a scale and a shift.

        x (N, C, H, W), w and b (C,) -> y (N, C, H, W), mean (C,), var (C,); var is divided by the number of values

            y[n, c] = w[c] * (x[n, c] - mean[c]) / sqrt(var[c] + eps) + b[c]
        """
        ...

    def batch_norm_dx(
        self, dy: Array, x: Array, mean: Array, var: Array, w: Array, eps: float
    ) -> tuple[Array, Array, Array]:
        """Carry a gradient back through batch_norm, through mean and variance too.

        dy and x (N, C, H, W), mean, var and w (C,) -> dx (N, C, H, W), dw (C,), db (C,)

            normal = (x - mean) / sqrt(var + eps)
            db[c] = sum of dy[n, c],  dw[c] = sum of dy[n, c] * normal[n, c]        over images and pixels
            dx[n, c] = w[c] / sqrt(var[c] + eps) * (dy[n, c] - db[c] / values - normal[n, c] * dw[c] / values)
        """
        ...

    def layer_norm(self, x: Array, w: Array, b: Array, eps: float) -> tuple[Array, Array, Array]:
        """Give every vector mean 0 and variance 1, then a scale and a shift.

        x (N, D), w and b (D,) -> y (N, D), mean (N,), scale (N,)

            scale[n] = 1 / sqrt(mean of (x[n] - mean[n]) ** 2 + eps)
            y[n, i] = w[i] * (x[n, i] - mean[n]) * scale[n] + b[i]
        """
        ...

    def layer_norm_dx(self, dy: Array, x: Array, mean: Array, scale: Array, w: Array) -> Array:
        """Carry a gradient back through layer_norm, through mean and scale too.

        dy (K, T, D), x (K or 1, T, D), mean and scale (K or 1, T), w (D,) -> dx (K, T, D)

            normal = (x - mean) * scale,  g = dy * w
            dx = scale * (g - mean of g - normal * (mean of g * normal))        means over the vector
        """
        ...


if TYPE_CHECKING:  # the type checker compares each function of each rung with the contract
    from . import cuda_, loops, numba_, numpy_

    _RUNGS: tuple[Normalization, ...] = (loops, numpy_, numba_, cuda_)
