"""Depthwise convolution: each channel has a filter of its own, so there is no product of matrices to be made.

    y[c, i, j]  =  b[c] + sum over u, v of  w[c, u, v] * (padded map of c)[i * stride + u * dilation, j * stride + ...]

As in `direct`, a channel is laid out with its padding, in phases if there is a stride, so that what one weight meets is
one stretch of neighbours, at the padded map's width. A block of answers that stays in the nearest cache is then walked
over for nine weights at a time, seven, three, or one: the fewer walks, the less often the answers are read and written.

The gradient dx is such a convolution too, of dy with the filter turned around; a stride puts dy's values apart, with
zeros between them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minitorch_viz_kernels.contract import Array, Pair
from minitorch_viz_kernels.convolution.contract import out_size
from minitorch_viz_kernels.machine.compiling import compiled, contracted, inner, packed
from minitorch_viz_kernels.machine.memory import empty, workspace
from minitorch_viz_kernels.machine.parallel import parallel, part_count, part_range
from minitorch_viz_kernels.machine.threads import WORKERS, board_for

BLOCK = 2048  # answers that stay in the nearest cache, with what they are made of


@contracted
def _add_nine(y: Array, x: Array, at: Array, w: Array) -> None:
    a, b, c, d, e = x[at[0] :], x[at[1] :], x[at[2] :], x[at[3] :], x[at[4] :]
    f, g, h, i = x[at[5] :], x[at[6] :], x[at[7] :], x[at[8] :]
    k, m, n, o, p, q, r, s, t = w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7], w[8]
    for j in range(len(y)):
        y[j] += (
            k * a[j] + m * b[j] + n * c[j] + o * d[j] + p * e[j] + q * f[j] + r * g[j] + s * h[j] + t * i[j]
        )  # fmt: skip


@contracted
def _add_seven(y: Array, x: Array, at: Array, w: Array) -> None:
    a, b, c, d, e, f, g = x[at[0] :], x[at[1] :], x[at[2] :], x[at[3] :], x[at[4] :], x[at[5] :], x[at[6] :]
    p, q, r, s, t, u, v = w[0], w[1], w[2], w[3], w[4], w[5], w[6]
    for j in range(len(y)):
        y[j] += p * a[j] + q * b[j] + r * c[j] + s * d[j] + t * e[j] + u * f[j] + v * g[j]


@contracted
def _add_three(y: Array, x: Array, at: Array, w: Array) -> None:
    a, b, c = x[at[0] :], x[at[1] :], x[at[2] :]
    p, q, r = w[0], w[1], w[2]
    for j in range(len(y)):
        y[j] += p * a[j] + q * b[j] + r * c[j]


@contracted
def _add_one(y: Array, x: Array, at: int, w: Any) -> None:
    a = x[at:]
    for j in range(len(y)):
        y[j] += w * a[j]


@inner
def _lay_out(x: Array, corner: Pair, up: Pair, stride: Pair, size: Pair, space: Array) -> None:
    """Put pixel (i, j) of x (H, W) at corner + (i, j) * up of a padded map, whose phases stand in space, flat.

    size: rows and columns of a phase.
    """
    high, wide = size
    space[: stride[0] * stride[1] * high * wide] = 0
    for i in range(len(x)):
        row = corner[0] + i * up[0]
        if 0 <= row < stride[0] * high:
            at = row % stride[0] * stride[1] * high + row // stride[0]  # in rows of a phase
            if up[1] == 1 and stride[1] == 1:  # apart, because this is compiled to vector instructions
                first, stop = max(0, -corner[1]), min(x.shape[1], wide - corner[1])
                target, source = space[at * wide + corner[1] + first :], x[i, first:stop]
                for j in range(len(source)):
                    target[j] = source[j]
            elif stride[1] == 1:
                line = space[at * wide : (at + 1) * wide]
                for j in range(x.shape[1]):
                    column = corner[1] + j * up[1]
                    if 0 <= column < wide:
                        line[column] = x[i, j]
            else:  # a phase after the other; only dx sets pixels apart, and it has no stride
                for phase in range(stride[1]):
                    first = (phase - corner[1]) % stride[1]
                    column = (corner[1] + first) // stride[1]
                    target, source = space[(at + phase * high) * wide + column :], x[i, first :: stride[1]]
                    for j in range(min(len(source), wide - column)):
                        target[j] = source[j]


@inner
def _maps(
    number: int, worker: int, parts: int, x: Array, w: Array, b: Array, starts: Array, corner: Pair, up: Pair,
    stride: Pair, size: Pair, relu: bool, y: Array, memory: Array, room: int,
) -> None:  # fmt: skip
    """Compute some maps: x (maps, H, W), w (C, weights), b (C,) -> y (maps, H', W')."""
    first, stop = part_range(len(x), number, parts)
    high, width = y.shape[1:]
    taps, wide, zero = w.shape[1], size[1], x.dtype.type(0)
    places = (high - 1) * wide + width
    own_memory = memory[worker * room : (worker + 1) * room]
    answers, space = own_memory[:places], own_memory[places:]
    for n in range(first, stop):
        filters, bias = w[n % len(w)], b[n % len(w)]
        _lay_out(x[n], corner, up, stride, size, space)
        for begin in range(0, places, BLOCK):
            block, source = answers[begin : begin + BLOCK], space[begin:]
            block[:] = bias
            k = 0
            while k < taps:
                if taps - k >= 9:
                    _add_nine(block, source, starts[k:], filters[k:])
                    k += 9
                elif taps - k >= 7:
                    _add_seven(block, source, starts[k:], filters[k:])
                    k += 7
                elif taps - k >= 3:
                    _add_three(block, source, starts[k:], filters[k:])
                    k += 3
                else:
                    _add_one(block, source, starts[k], filters[k])
                    k += 1
        for i in range(high):
            row, line = y[n, i], answers[i * wide :]
            if relu:
                for j in range(width):
                    row[j] = zero if line[j] <= zero else line[j]
            else:
                for j in range(width):
                    row[j] = line[j]


@compiled
def _convolve(
    board: Array, x: Array, w: Array, b: Array, starts: Array, corner: Pair, up: Pair, stride: Pair, size: Pair,
    relu: bool, y: Array, memory: Array, room: int,
) -> None:  # fmt: skip
    """Convolve each map of x (maps, H, W) with its channel's filter."""
    parts = part_count(board, len(x), 2 * w.shape[1] * y.size)
    parallel(_maps, parts, board, (parts, x, w, b, starts, corner, up, stride, size, relu, y, memory, room))


def _run(
    x: Array, w: Array, b: Array | None, corner: Pair, up: Pair, stride: Pair, dilation: Pair, out: Pair, relu: bool
) -> Array:
    """Convolve x (N, C, H, W), whose pixels stand at corner + place * up, with w (C, 1, kh, kw) -> y (N, C, *out)."""
    images, channels, high, width = x.shape
    kernel = w.shape[2:]
    y = empty((images, channels, *out), x.dtype)
    if not y.size:
        return y
    rows, wide = (out[a] + dilation[a] * (kernel[a] - 1) // stride[a] for a in (0, 1))  # of a phase
    u, v = np.divmod(np.arange(kernel[0] * kernel[1]), kernel[1])
    row, column = u * dilation[0], v * dilation[1]
    phase = row % stride[0] * stride[1] + column % stride[1]
    starts = (phase * rows + row // stride[0]) * wide + column // stride[1]
    board = board_for(2.0 * w[0].size * y.size)
    room = (out[0] - 1) * wide + out[1] + stride[0] * stride[1] * rows * wide
    _convolve(
        board, packed(x, images * channels, high, width), packed(w, channels, w[0].size),
        packed(np.zeros(channels, x.dtype) if b is None else b), starts, corner, up, stride, (rows, wide), relu,
        y.reshape(images * channels, *out), workspace((int(board[WORKERS]) + 1) * room, x.dtype), room,
    )  # fmt: skip
    return y


def conv2d(
    x: Array, w: Array, b: Array | None, stride: Pair, padding: Pair, dilation: Pair, relu: bool = False
) -> Array:
    high, width = (out_size(x.shape[2 + a], w.shape[2 + a], stride[a], padding[a], dilation[a]) for a in (0, 1))
    return _run(x, w, b, padding, (1, 1), stride, dilation, (high, width), relu)


def conv2d_dx(dy: Array, w: Array, size: Pair, stride: Pair, padding: Pair, dilation: Pair) -> Array:
    top, left = (dilation[a] * (w.shape[2 + a] - 1) - padding[a] for a in (0, 1))
    return _run(dy, w[:, :, ::-1, ::-1], None, (top, left), stride, (1, 1), dilation, size, False)
