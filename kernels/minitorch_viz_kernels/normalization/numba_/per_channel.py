"""Batch normalization in Numba: each channel is read from memory once, forward and backward.

A channel of a batch is N rows of pixels. Mean and variance need two walks over them, and the answer a third; NumPy
makes each walk over *all* channels before the next, so that everything has left the cache in between. Here one thread
makes all walks over one channel while it stays in the cache:

    channel 0    mean -> variance -> answer                 (thread 1)
    channel 1    mean -> variance -> answer                 (thread 2)
    ...

A sum is added up in as many columns as the processor has room for, row by row in float64: the order does not depend on
the number of threads.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minitorch_viz_kernels.contract import Array
from minitorch_viz_kernels.machine.compiling import compiled, flat_maps, inner, packed, summing
from minitorch_viz_kernels.machine.memory import empty
from minitorch_viz_kernels.machine.parallel import parallel, part_count, part_range
from minitorch_viz_kernels.machine.threads import board_for

COST_PER_NUMBER = 12  # multiplications of a convolution that take as long as the three walks over a number


@summing
def _sum(x: Array) -> Any:
    total = x.dtype.type(0)
    for i in range(len(x)):
        total += x[i]
    return total


@summing
def _sum_of_squares(x: Array, mean: float) -> Any:
    total = x.dtype.type(0)
    for i in range(len(x)):
        total += (x[i] - mean) * (x[i] - mean)
    return total


@summing
def _sum_of_products(dy: Array, x: Array, mean: float) -> Any:
    total = x.dtype.type(0)
    for i in range(len(x)):
        total += dy[i] * (x[i] - mean)
    return total


@inner
def _forward_part(
    number: int, _worker: int, parts: int, x: Array, w: Array, b: Array, eps: float, y: Array, mean: Array, var: Array
) -> None:  # fmt: skip
    """Compute some channels."""
    images, channels, pixels = x.shape
    first, stop = part_range(channels, number, parts)
    kind, values = x.dtype.type, max(1, images * pixels)
    for c in range(first, stop):
        total = 0.0
        for n in range(images):
            total += _sum(x[n, c])
        centre = kind(total / values)
        total = 0.0
        for n in range(images):
            total += _sum_of_squares(x[n, c], centre)
        mean[c], var[c] = centre, kind(total / values)
        scale, shift = kind(w[c] / math.sqrt(var[c] + eps)), b[c]
        for n in range(images):
            source, answers = x[n, c], y[n, c]
            for i in range(pixels):
                answers[i] = (source[i] - centre) * scale + shift


@compiled
def _forward(board: Array, x: Array, w: Array, b: Array, eps: float, y: Array, mean: Array, var: Array) -> None:
    """Compute y (N, C, pixels), mean and var (C,) of x (N, C, pixels)."""
    parts = part_count(board, x.shape[1], COST_PER_NUMBER * x.size)
    parallel(_forward_part, parts, board, (parts, x, w, b, eps, y, mean, var))


@inner
def _backward_part(
    number: int, _worker: int, parts: int, dy: Array, x: Array, mean: Array, var: Array, w: Array, eps: float,
    dx: Array, dw: Array, db: Array,
) -> None:  # fmt: skip
    """Compute some channels."""
    images, channels, pixels = x.shape
    first, stop = part_range(channels, number, parts)
    kind, values = x.dtype.type, max(1, images * pixels)
    for c in range(first, stop):
        products, total, centre, deviation = 0.0, 0.0, mean[c], math.sqrt(var[c] + eps)
        for n in range(images):
            total += _sum(dy[n, c])
            products += _sum_of_products(dy[n, c], x[n, c], centre)
        dw[c], db[c] = kind(products / deviation), kind(total)
        scale, shift = kind(w[c] / deviation), kind(total / values)
        stretch = kind(products / (deviation * deviation * values))
        for n in range(images):
            gradient, source, answers = dy[n, c], x[n, c], dx[n, c]
            for i in range(pixels):
                answers[i] = scale * (gradient[i] - shift - (source[i] - centre) * stretch)


@compiled
def _backward(
    board: Array, dy: Array, x: Array, mean: Array, var: Array, w: Array, eps: float, dx: Array, dw: Array, db: Array
) -> None:  # fmt: skip
    """Compute dx (N, C, pixels), dw and db (C,) from dy and x (N, C, pixels)."""
    parts = part_count(board, x.shape[1], COST_PER_NUMBER * x.size)
    parallel(_backward_part, parts, board, (parts, dy, x, mean, var, w, eps, dx, dw, db))


def batch_norm(x: Array, w: Array, b: Array, eps: float) -> tuple[Array, Array, Array]:
    y, mean, var = empty(x.shape, x.dtype), np.empty(x.shape[1], x.dtype), np.empty(x.shape[1], x.dtype)
    _forward(
        board_for(COST_PER_NUMBER * x.size), flat_maps(packed(x)), packed(w), packed(b), eps, flat_maps(y), mean, var
    )
    return y, mean, var


def batch_norm_dx(
    dy: Array, x: Array, mean: Array, var: Array, w: Array, eps: float
) -> tuple[Array, Array, Array]:  # fmt: skip
    dx, dw, db = empty(x.shape, x.dtype), np.empty(x.shape[1], x.dtype), np.empty(x.shape[1], x.dtype)
    _backward(
        board_for(COST_PER_NUMBER * x.size), flat_maps(packed(dy)), flat_maps(packed(x)), packed(mean), packed(var),
        packed(w), eps, flat_maps(dx), dw, db,
    )  # fmt: skip
    return dx, dw, db
