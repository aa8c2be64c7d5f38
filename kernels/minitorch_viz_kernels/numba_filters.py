"""The gradient of a convolution for its filters: the product of dy with the image's pixels, over all places.

    dw[o, (u, v, c)] = sum over places of dy[o, place] * pixel[place + (u, v), c]

With the channels last, the pixels under one row u of a filter are neighbours: v and c together are one long row, and
the product needs no columns, only a table that says where the pixels of each place begin.

The threads share the answers: each takes some filters o and some rows u, and sums over all places.
"""

from __future__ import annotations

import functools

import numpy as np

from .contract import Array, Pair
from .numba_crew import parallel, pieces, share
from .numba_jit import helper, kernel, packed
from .numba_layout import channels_last, transpose
from .numba_product import ROWS, multiply
from .numba_vector import ZERO, frozen, lanes_of
from .threads import crew, workspace

PLACES = 256  # places summed at a time: their numbers of dy and of the image stay in the cache


@helper
def _add_products(
    number: int, _me: int, parts: int, dy: Array, image: Array, x_steps: Array, taps: Array, count: int, lanes: int,
    sums: Array,
) -> None:  # fmt: skip
    """sums (taps, O, room) += dy (O, places) @ the `count` numbers a tap sees at each place: some filters, one tap."""
    _, filters, room = sums.shape
    number, tap = number // len(taps), number % len(taps)
    first, stop = share((filters + ROWS - 1) // ROWS, number, parts)
    first, stop = first * ROWS, min(stop * ROWS, filters)
    places = len(x_steps)
    flat_dy, flat = dy.reshape(dy.size), sums.reshape(sums.size)
    for begin in range(0, places, PLACES):
        some = min(PLACES, places - begin)
        steps = x_steps[begin : begin + some]
        for j in range(0, count, 2 * lanes):
            vectors = 2 if count - j > lanes else 1
            multiply(
                stop - first, vectors, flat_dy, first * places + begin, places, image, taps[tap] + j,
                steps, some, flat, (tap * filters + first) * room + j, room,
            )  # fmt: skip


@helper
def _rows_last(
    number: int, _me: int, parts: int, x: Array, top: int, left: int, rows: int, wide: int, lanes: int, image: Array
) -> None:  # fmt: skip
    """Some rows of x (C, H, W) -> image, flat (rows, wide, C)."""
    start, stop = share(rows, number, parts)
    row = wide * len(x)
    channels_last(x, start + top, left, ZERO, stop - start, wide, len(x), lanes, image[start * row : stop * row])


@helper
def _collect(number: int, _me: int, parts: int, sums: Array, dw: Array) -> None:
    """sums (kh, kw or 1, O, room), which holds (v, c) or c -> dw (O, C, kh, kw), some rows."""
    high, across, filters, _ = sums.shape
    _, channels, _, wide = dw.shape
    merged = across != wide
    first, stop = share(filters, number, parts)
    for o in range(first, stop):
        for u in range(high):
            for v in range(wide):
                source = sums[u, 0, o, v * channels :] if merged else sums[u, v, o]
                for c in range(channels):
                    dw[o, c, u, v] = source[c]


@kernel
def _sum(
    board: Array, dy: Array, x: Array, groups: int, top: int, left: int, rows: int, wide: int, x_steps: Array,
    taps: Array, count: int, lanes: int, image: Array, sums: Array, dw: Array,
) -> None:  # fmt: skip
    """dy (N, O, places), x (N, C, H, W) -> dw (O, C/g, kh, kw), one group after the other."""
    depth, per_group = x.shape[1] // groups, dy.shape[1] // groups
    flat_sums = sums.reshape(sums.shape[0] * sums.shape[1], per_group, sums.shape[3])
    layers = pieces(board, rows, 4 * image.size)
    cuts = pieces(board, (per_group + ROWS - 1) // ROWS, per_group * count * len(taps) * len(x_steps))
    collected = pieces(board, per_group, 4 * sums.size)
    image[len(image) - 2 * lanes :] = 0  # the last panel may read beyond
    for g in range(groups):
        flat_sums[:] = 0
        for n in range(len(x)):
            pixels, answers = x[n, g * depth : (g + 1) * depth], dy[n, g * per_group : (g + 1) * per_group]
            parallel(_rows_last, layers, board, (layers, pixels, top, left, rows, wide, lanes, image))
            parallel(
                _add_products, cuts * len(taps), board,
                (cuts, answers, frozen(image), x_steps, taps, count, lanes, flat_sums),
            )  # fmt: skip
        parallel(_collect, collected, board, (collected, sums, dw[g * per_group : (g + 1) * per_group]))


@functools.lru_cache(512)
def _steps(out: Pair, stride: Pair, taps: Pair, dilation: Pair, wide: int, depth: int) -> tuple[Array, Array]:
    """Where the pixels of each place begin, and how much further those of each tap."""
    i, j = np.ogrid[: out[0], : out[1]]
    places = (i * stride[0] * wide + j * stride[1]) * depth
    u, v = np.ogrid[: taps[0], : 1 if dilation[1] == 1 else taps[1]]
    begin = (u * dilation[0] * wide + v * dilation[1]) * depth
    return packed(places.reshape(-1)), packed(begin.reshape(-1))


def conv2d_dw(dy: Array, x: Array, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    if groups == 1 and (kernel, stride, padding) == ((1, 1), (1, 1), (0, 0)):
        return _sum_of_products(dy, x)
    images, filters, *out = dy.shape
    depth, per_group, lanes = x.shape[1] // groups, filters // groups, lanes_of(x.dtype)
    rows, wide = (max((out[a] - 1) * stride[a] + (kernel[a] - 1) * dilation[a] + 1, 1) for a in (0, 1))
    x_steps, taps = _steps((out[0], out[1]), stride, kernel, dilation, wide, depth)
    across = 1 if dilation[1] == 1 else kernel[1]  # v and c are one row, or each v has its own
    count = kernel[1] * depth if across == 1 else depth
    dw = np.empty((filters, depth, *kernel), dy.dtype)
    shape = (kernel[0], across, per_group, -(-count // (2 * lanes)) * 2 * lanes)
    length = rows * wide * depth + 2 * lanes
    memory = workspace(length + int(np.prod(shape)), dy.dtype)
    _sum(
        crew(float(dw.size) * images * len(x_steps)), packed(dy).reshape(images, filters, out[0] * out[1]), packed(x),
        groups, -padding[0], -padding[1], rows, wide, x_steps, taps, count, lanes, memory[:length],
        memory[length:].reshape(shape), dw,
    )  # fmt: skip
    return dw


@helper
def _turn(number: int, _me: int, parts: int, x: Array, columns: int, lanes: int, out: Array) -> None:
    """Some of the first `columns` columns of x -> out (columns, rows)."""
    begin, end = share(columns, number, parts)
    transpose(x, begin, end, lanes, out)


@kernel
def _sum_1x1(
    board: Array, straight: Array, turned: Array, swapped: bool, steps: Array, taps: Array, lanes: int, memory: Array,
    dw: Array,
) -> None:  # fmt: skip
    """straight (N, rows, places) times turned (N, wide, places) transposed -> dw (O, C), or (C, O) if swapped."""
    images, rows, places = straight.shape
    wide = turned.shape[1]
    image = memory[: places * wide + 2 * lanes]
    image[places * wide :] = 0  # the last panel may read beyond
    room = (wide + 2 * lanes - 1) // (2 * lanes) * 2 * lanes
    sums = memory[len(image) : len(image) + rows * room].reshape(1, rows, room)
    sums[:] = 0
    turns = pieces(board, (places + lanes - 1) // lanes, 10 * image.size)
    cuts = pieces(board, (rows + ROWS - 1) // ROWS, rows * wide * places)
    for n in range(images):
        parallel(_turn, turns, board, (turns, turned[n], places, lanes, image[: places * wide].reshape(places, wide)))
        parallel(_add_products, cuts, board, (cuts, straight[n], frozen(image), steps, taps, wide, lanes, sums))
    if swapped:
        ends = pieces(board, (wide + lanes - 1) // lanes, 10 * dw.size)
        parallel(_turn, ends, board, (ends, frozen(sums[0]), wide, lanes, dw))
    else:
        for row in range(rows):
            dw[row] = sums[0, row, :wide]


def _sum_of_products(dy: Array, x: Array) -> Array:
    """dw of 1x1 filters: dy (N, O, places) times x (N, C, places) transposed. The smaller of the two is turned."""
    images, channels, lanes = len(x), x.shape[1], lanes_of(x.dtype)
    filters, places = dy.shape[1], x.shape[2] * x.shape[3]
    dy, x = packed(dy).reshape(images, filters, places), packed(x).reshape(images, channels, places)
    swapped = filters < channels
    straight, turned = (x, dy) if swapped else (dy, x)
    rows, wide = straight.shape[1], turned.shape[1]
    memory = workspace((places * wide + 2 * lanes) + rows * (wide + 2 * lanes), x.dtype)
    dw = np.empty((filters, channels), x.dtype)
    steps, taps = _steps((1, places), (1, 1), (1, 1), (1, 1), places, wide)
    _sum_1x1(crew(float(images) * dw.size * places), straight, turned, swapped, steps, taps, lanes, memory, dw)
    return dw.reshape(filters, channels, 1, 1)
