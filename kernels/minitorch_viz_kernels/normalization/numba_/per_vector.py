"""Layer normalization in Numba: each vector is read from memory once, forward and backward.

Mean, variance and answer are three walks over a vector that stays in the nearest cache. Vectors do not depend on each
other, so the threads share them.
"""

from __future__ import annotations

import math
from typing import Any

from minitorch_viz_kernels.contract import Array
from minitorch_viz_kernels.machine.compiling import compiled, contracted, packed, summing
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
def _sum_of_squares(x: Array, mean: Any) -> Any:
    total = x.dtype.type(0)
    for i in range(len(x)):
        total += (x[i] - mean) * (x[i] - mean)
    return total


@summing
def _sums_of_gradient(dy: Array, w: Array, x: Array, mean: Any) -> tuple[Any, Any]:
    """Add up dy * w, and dy * w * (x - mean), in one walk."""
    shift, stretch = dy.dtype.type(0), dy.dtype.type(0)
    for i in range(len(dy)):
        product = dy[i] * w[i]
        shift += product
        stretch += product * (x[i] - mean)
    return shift, stretch


@contracted
def _forward_part(
    number: int, _worker: int, parts: int, x: Array, w: Array, b: Array, eps: float, y: Array, mean: Array, scale: Array
) -> None:  # fmt: skip
    """Compute some vectors."""
    rows, length = x.shape
    first, stop = part_range(rows, number, parts)
    kind = x.dtype.type
    for row in range(first, stop):
        source, answers = x[row], y[row]
        centre = kind(_sum(source) / length)
        factor = kind(1 / math.sqrt(_sum_of_squares(source, centre) / length + eps))
        mean[row], scale[row] = centre, factor
        for i in range(length):
            answers[i] = (source[i] - centre) * factor * w[i] + b[i]


@compiled
def _forward(board: Array, x: Array, w: Array, b: Array, eps: float, y: Array, mean: Array, scale: Array) -> None:
    """Compute y (R, D), mean and scale (R,) from x (R, D)."""
    parts = part_count(board, len(x), COST_PER_NUMBER * x.size)
    parallel(_forward_part, parts, board, (parts, x, w, b, eps, y, mean, scale))


@contracted
def _backward_part(
    number: int, _worker: int, parts: int, dy: Array, x: Array, mean: Array, scale: Array, w: Array, dx: Array
) -> None:  # fmt: skip
    """Compute some vectors of all seeds, which may share one tape."""
    seeds, rows, length = dy.shape
    first, stop = part_range(seeds * rows, number, parts)
    gradients, answers_of = dy.reshape(seeds * rows, length), dx.reshape(seeds * rows, length)
    sources, means, scales = x.reshape(x.size // length, length), mean.reshape(mean.size), scale.reshape(scale.size)
    share = dy.dtype.type(1 / length)
    at = first if len(x) == seeds else first % rows  # counted on: a division takes as long as a third of a short vector
    for seeded in range(first, stop):
        gradient, source, answers = gradients[seeded], sources[at], answers_of[seeded]
        centre, factor = means[at], scales[at]
        sum_of_products, sum_along = _sums_of_gradient(gradient, w, source, centre)
        shift, stretch = sum_of_products * share * factor, sum_along * share * factor * factor * factor
        for i in range(length):
            answers[i] = gradient[i] * w[i] * factor - shift - (source[i] - centre) * stretch
        at += 1
        if at == len(sources):
            at = 0


@compiled
def _backward(board: Array, dy: Array, x: Array, mean: Array, scale: Array, w: Array, dx: Array) -> None:
    """Compute dx (K, R, D) from dy (K, R, D) and what one tape or K of them hold."""
    parts = part_count(board, len(dy) * dy.shape[1], COST_PER_NUMBER * dy.size)
    parallel(_backward_part, parts, board, (parts, dy, x, mean, scale, w, dx))


def layer_norm(x: Array, w: Array, b: Array, eps: float) -> tuple[Array, Array, Array]:
    rows, length = x.shape
    y, mean, scale = empty(x.shape, x.dtype), empty((rows,), x.dtype), empty((rows,), x.dtype)
    arrays = packed(x, rows, length), packed(w, length), packed(b, length)
    _forward(board_for(COST_PER_NUMBER * x.size), *arrays, eps, y, mean, scale)
    return y, mean, scale


def layer_norm_dx(dy: Array, x: Array, mean: Array, scale: Array, w: Array) -> Array:
    dx, length = empty(dy.shape, dy.dtype), dy.shape[2]
    arrays = packed(dy, *dy.shape), packed(x, *x.shape), packed(mean, *mean.shape), packed(scale, *scale.shape)
    _backward(board_for(COST_PER_NUMBER * dy.size), *arrays, packed(w, length), dx)
    return dx
