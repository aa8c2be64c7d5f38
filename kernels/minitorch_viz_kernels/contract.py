"""The contract: every kernel once, with its signature, its shapes and its loops.

Each kernel module (`reference`, `numpy_`, `numba_`, `cupy_`) is a set of functions with exactly these signatures.
`Kernels` states them; `reference.py` is the same in runnable plain loops and is the oracle of the tests.

Axis letters: N images, C channels in, O channels out, H and W the input's height and width, H' and W' the output's,
kh and kw the kernel's, g groups; of sequences T steps, D features, H memory cells, K gradients that share a tape. Pairs
are (vertical, horizontal). Arrays are float32 or float64, and all float arrays of one call share one dtype, which the
result keeps.

Kernels only know arrays and integers. Sizes are checked once, by `checks.py`, before any module is called: a
kernel may rely on them.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias

import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
Pair: TypeAlias = tuple[int, int]


def out_size(size: int, kernel: int, stride: int, padding: int, dilation: int = 1) -> int:
    """How many windows of a convolution fit: floor((size + 2 padding - reach) / stride) + 1."""
    reach = dilation * (kernel - 1) + 1
    return (size + 2 * padding - reach) // stride + 1


def pool_out_size(size: int, kernel: int, stride: int, padding: int, ceil_mode: bool) -> int:
    """How many windows of a pooling there are.

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


class Kernels(Protocol):
    """What a kernel module must hold. Modules match this structurally; a type checker verifies it."""

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
        """Cross-correlate images with filters; zeros are what lies outside an image.

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
        """The gradient of conv2d with respect to x: each dy is handed back along the weights it came through.

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
        """The gradient of conv2d with respect to w, summed over the images.

        dy (N, O, H', W'), x (N, C, H, W), kernel (kh, kw) -> dw (O, C/g, kh, kw)

            dw[o, c, u, v] = sum over n, i, j of dy[n, o, i, j] * x[n, q*C/g + c, i*stride - padding + u*dilation, ...]
        """
        ...

    def maxpool2d(self, x: Array, kernel: Pair, stride: Pair, padding: Pair, out: Pair) -> tuple[Array, Array]:
        """The largest value of each window, and where it stood (the "switch").

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
        """The mean of each window.

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

    def lrn(self, x: Array, size: int, alpha: float, beta: float, k: float) -> tuple[Array, Array]:
        """Local response normalization across channels: y = x / scale ** beta.

        x (N, C, H, W) -> y (N, C, H, W), scale (N, C, H, W)

            scale[n, c] = k + alpha * sum of x[n, d] ** 2 for d from c - size//2 to c + (size-1)//2, inside 0..C-1
        """
        ...

    def lrn_dx(self, dy: Array, x: Array, scale: Array, size: int, alpha: float, beta: float) -> Array:
        """The gradient of lrn.

        dy (N, C, H, W), x and scale (N or 1, C, H, W) -> dx (N, C, H, W)

            dx[n, c] = dy[n, c] * scale[n, c] ** -beta
                     - 2 alpha beta x[n, c] * sum of dy[n, d] * x[n, d] * scale[n, d] ** (-beta - 1)
                       over the channels d whose window holds c: d from c - (size-1)//2 to c + size//2
        """
        ...

    def relu(self, x: Array) -> Array:
        """Keep what is positive: x of any shape -> y = max(x, 0) of the same shape. A NaN stays."""
        ...

    def relu_dx(self, dy: Array, y: Array | None, positive: bool = False) -> Array:
        """Let a gradient through where the gates are open, 0 elsewhere.

        dy (K, ...), y (K or 1, ...) as relu returned it, or None -> dx (K, ...)

            dx = dy where y > 0 (None: everywhere), and, if `positive`, where dy > 0

        With `y` this is the derivative of relu; with both gates guided backpropagation; with `positive` alone the
        deconvnet. A NaN of dy passes the positive gate.
        """
        ...

    def add(self, a: Array, b: Array) -> Array:
        """The sum of two arrays of one shape."""
        ...

    def concat(self, xs: tuple[Array, ...], axis: int) -> Array:
        """Arrays side by side along an axis; all other axes agree.

        xs (..., S1, ...), (..., S2, ...), ... -> y (..., S1 + S2 + ..., ...)
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
        """The gradients of batch_norm, through mean and variance too.

        dy and x (N, C, H, W), mean, var and w (C,) -> dx (N, C, H, W), dw (C,), db (C,)

            normal = (x - mean) / sqrt(var + eps)
            db[c] = sum of dy[n, c],  dw[c] = sum of dy[n, c] * normal[n, c]        over images and pixels
            dx[n, c] = w[c] / sqrt(var[c] + eps) * (dy[n, c] - db[c] / values - normal[n, c] * dw[c] / values)
        """
        ...

    def matmul(self, a: Array, b: Array) -> Array:
        """The matrix product: a (M, K), b (K, P) -> c (M, P).

        c[m, p] = sum over k of a[m, k] * b[k, p]
        """
        ...

    def lstm(self, x: Array, w: Array, u: Array, b: Array, h0: Array, c0: Array) -> tuple[Array, ...]:
        """Memory cells through time. What layer and paper call W, U and b has a quarter for each of i, f, g, o.

        x (T, N, D), w (4H, D), u (4H, H), b (4H,), h0 and c0 (N, H) -> h, c, i, f, g, o, each (T, N, H)

            for t, with h[-1] = h0 and c[-1] = c0:
                zi, zf, zg, zo = the quarters of w x[t] + u h[t-1] + b
                i[t], f[t], g[t], o[t] = sigmoid(zi), sigmoid(zf), tanh(zg), sigmoid(zo)
                c[t] = f[t] * c[t-1] + i[t] * g[t]
                h[t] = o[t] * tanh(c[t])
        """
        ...

    def lstm_dz(
        self, dy: Array, c: Array, i: Array, f: Array, g: Array, o: Array, u: Array, c0: Array
    ) -> tuple[Array, Array, Array]:
        """The gradient of lstm before the gates' curves: dw, dx and all others are products with it.

        dy (T, K, H) for h; c, i, f, g, o (T, N, H); u (4H, H); c0 (N, H); N = 1 or K
        -> dz (T, K, 4H), dh0 (K, H), dc0 (K, H)

            dh = dc = 0
            for t from the last to the first:
                dh, dc = dy[t] + dh, dc + (dy[t] + dh) * o[t] * (1 - tanh(c[t])**2)
                dz[t] = the quarters dc * g[t] * i[t] * (1 - i[t]),  dc * c[t-1] * f[t] * (1 - f[t]),
                                     dc * i[t] * (1 - g[t]**2),      dh * tanh(c[t]) * o[t] * (1 - o[t])
                dh, dc = u.T dz[t], dc * f[t]
        """
        ...
