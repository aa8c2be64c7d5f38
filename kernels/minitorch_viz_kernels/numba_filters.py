"""The gradient of a convolution for its filters: the product of dy with the image's pixels, over all places.

    dw[o, (u, v, c)] = sum over places of dy[o, place] * pixel[place + (u, v), c]

With the channels last, the pixels under one row u of a filter are neighbours: v and c together are one long row, and
the product needs no columns, only a table that says where the pixels of each place begin.
"""

from __future__ import annotations

import functools

import numpy as np

from .contract import Array, Pair
from .numba_jit import kernel, packed
from .numba_layout import channels_last, transpose
from .numba_product import multiply
from .numba_vector import lanes_of
from .threads import split

PLACES = 256  # places summed at a time: their numbers of dy and of the image stay in the cache


@kernel
def _add_products(
    dy: Array, image: Array, x_steps: Array, taps: Array, count: int, chunk: int, first: int, stop: int,
    lanes: int, sums: Array,
) -> None:  # fmt: skip
    """sums (taps, O, room) += dy (O, places) @ the `count` numbers each tap sees at each place; rows first to stop."""
    _, filters, room = sums.shape
    places = len(x_steps)
    flat_dy, flat = dy.reshape(dy.size), sums.reshape(sums.size)
    for begin in range(0, places, chunk):
        some = min(chunk, places - begin)
        steps = x_steps[begin : begin + some]
        for tap in range(len(taps)):
            for j in range(0, count, 2 * lanes):
                vectors = 2 if count - j > lanes else 1
                multiply(
                    stop - first, vectors, flat_dy, first * places + begin, places, image, taps[tap] + j,
                    steps, some, flat, (tap * filters + first) * room + j, room,
                )  # fmt: skip


@kernel
def _collect(sums: Array, dw: Array, first: int, stop: int) -> None:
    """sums (kh, kw or 1, O, room), which holds (v, c) or c -> dw (O, C, kh, kw), rows first to stop."""
    high, across = sums.shape[:2]
    _, channels, _, wide = dw.shape
    merged = across != wide
    for o in range(first, stop):
        for u in range(high):
            for v in range(wide):
                source = sums[u, 0, o, v * channels :] if merged else sums[u, v, o]
                for c in range(channels):
                    dw[o, c, u, v] = source[c]


@functools.lru_cache(256)
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
    merged = dilation[1] == 1  # v and c in one row
    count = kernel[1] * depth if merged else depth
    dy, x = packed(dy).reshape(images, filters, out[0] * out[1]), packed(x)
    dw = np.empty((filters, depth, *kernel), dy.dtype)
    image = np.zeros(rows * wide * depth + 2 * lanes, dy.dtype)  # the last panel may read beyond
    cost = float(dw.size) * images * len(x_steps)
    for g in range(groups):
        sums = np.zeros((len(taps), per_group, -(-count // (2 * lanes)) * 2 * lanes), dy.dtype)
        some = slice(g * per_group, (g + 1) * per_group)
        for n in range(images):
            pixels = x[n, g * depth : (g + 1) * depth]

            def lay_out(start: int, stop: int, pixels: Array = pixels) -> None:
                part = image[start * wide * depth : stop * wide * depth]
                channels_last(pixels, start - padding[0], -padding[1], 0, stop - start, wide, depth, lanes, part)

            def add(start: int, stop: int, answers: Array = dy[n, some], sums: Array = sums) -> None:
                _add_products(answers, image, x_steps, taps, count, PLACES, start, stop, lanes, sums)

            split(rows, 4.0 * image.size, lay_out)
            split(per_group, cost / groups / images, add)
        parts = sums.reshape(kernel[0], -1, *sums.shape[1:])

        def collect(start: int, stop: int, parts: Array = parts, target: Array = dw[some]) -> None:
            _collect(parts, target, start, stop)

        split(per_group, 4.0 * sums.size, collect)
    return dw


def _sum_of_products(dy: Array, x: Array) -> Array:
    """dw of 1x1 filters: dy (N, O, places) times x (N, C, places) transposed. The smaller of the two is turned."""
    images, filters, channels, lanes = len(x), dy.shape[1], x.shape[1], lanes_of(x.dtype)
    places = x.shape[2] * x.shape[3]
    dy, x = (packed(array).reshape(images, array.shape[1], places) for array in (dy, x))
    swapped = filters < channels
    straight, turned = (x, dy) if swapped else (dy, x)
    rows, wide = (channels, filters) if swapped else (filters, channels)
    sums = np.zeros((1, rows, -(-wide // (2 * lanes)) * 2 * lanes), x.dtype)
    image = np.zeros(places * wide + 2 * lanes, x.dtype)  # the last panel may read beyond
    steps, taps = packed(np.arange(places) * wide), packed(np.zeros(1, np.int64))
    for n in range(images):
        part = image[: places * wide].reshape(places, wide)

        def turn(start: int, stop: int, source: Array = turned[n], part: Array = part) -> None:
            transpose(source, start, stop, lanes, part)

        def add(start: int, stop: int, source: Array = straight[n]) -> None:
            _add_products(source, image, steps, taps, wide, PLACES, start, stop, lanes, sums)

        split(places, 10.0 * image.size, turn)
        split(rows, float(rows) * wide * places, add)
    if not swapped:
        return np.ascontiguousarray(sums[0, :, :wide]).reshape(filters, channels, 1, 1)
    dw = np.empty((filters, channels), x.dtype)
    split(filters, 10.0 * dw.size, lambda start, stop: transpose(packed(sums[0]), start, stop, lanes, dw))
    return dw.reshape(filters, channels, 1, 1)
