"""The plan of a direct convolution: where the image begins under each weight, and which blocks the threads take.

A block is some answers at some places. The table has a row for each:

    weights  steps  depth  image | first  stop | begin  end | top  left  high  width
    where they begin, how many   | answers     | places     | where the answers stand, and how many

A block's weights stay in the cache while it takes panel after panel of places. Blocks are as large as that allows, but
small enough that no thread waits long for the last one. A plan depends on sizes alone and is made once for each.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from minitorch_viz_kernels.contract import Array, Pair
from minitorch_viz_kernels.convolution.contract import out_size
from minitorch_viz_kernels.machine.compiling import packed
from minitorch_viz_kernels.product.numba_.tile import ROWS

BLOCK_WEIGHTS = 1 << 17  # of a block, read again for every panel of places: half of a 1 MiB cache
FEW_WEIGHTS = 1 << 14  # of a block, that may be read again and again at no cost
BLOCK_PLACES = 512  # about how many places (pixels of the answer) make a block
WIDE = 6  # vectors of a row; longer rows are computed one by one: the rest of the last vector is then a small loss
SMALLEST_BLOCK = 200_000  # multiplications of a block that is not worth cutting, some microseconds
BLOCKS_PER_THREAD = 4


class Plan(NamedTuple):
    """Tell the compiled loops all that they need about a convolution."""

    table: Array  # (blocks, 12) int64
    steps: Array  # int64: from the first pixel of the image to the one under each weight
    stride: Pair  # the image is cut into the phases of this stride
    pad: Pair  # rows and columns of padding before it (negative: cropped)
    size: Pair  # of one phase
    copied: bool  # the image must be laid out anew
    image: int  # numbers of the laid-out image
    room: int  # numbers of working memory for each thread
    w_step: (
        int  # from one weight of a sum to the next: 1, or, where they are read as columns of w, the length of its rows
    )
    spread: Pair  # how far apart the answers of a block stand
    order: Array | None  # backward, how the rows (c, u, v) of the turned weights are ordered; None: as they are
    shape: Pair  # (H, W) of the image as the loops read it: one row where rows make no difference
    answers: Pair  # (H', W') of the answers likewise
    out: Pair  # (H', W') of the answers
    cost: float  # multiplications for one image


def _blocks(
    filters: int, depth: int, high: int, width: int, wide: int, lanes: int, threads: int, groups: int, plain: bool
) -> Iterator[tuple[int, int, int, int]]:
    """Yield (first, stop, begin, end) of each block: answers, and places of rows that are `wide` apart."""
    places, panel = (high - 1) * wide + width, 2 * lanes
    blocks_asked = (
        1
        if threads < 2
        else max(1, min(-(-BLOCKS_PER_THREAD * threads // groups), filters * depth * places // SMALLEST_BLOCK))
    )
    rows = min(filters, max(ROWS, BLOCK_WEIGHTS // depth // ROWS * ROWS))
    count = -(-places // BLOCK_PLACES)
    by_rows = plain and wide != width and width >= WIDE * lanes  # blocks of whole rows
    most_cuts = max(1, high if by_rows else places // panel)
    if filters * depth <= FEW_WEIGHTS:  # the weights are read again for each block
        count = max(count, -(-blocks_asked // -(-filters // rows)))
    count = min(count, most_cuts)
    if count * -(-filters // rows) < blocks_asked:
        filters_of_block = math.ceil(filters / math.ceil(blocks_asked / count))
        rows = min(rows, math.ceil(filters_of_block / ROWS) * ROWS)
    if count * -(-filters // rows) < blocks_asked:
        count = min(most_cuts, -(-blocks_asked // -(-filters // rows)))
    # Blocks of places end at a multiple of a panel, and the last takes what is left: at least one panel, so that its
    # last panel can begin a little earlier without reaching into another block.
    edges = [high * i // count * wide if by_rows else places // panel * i // count * panel for i in range(count)]
    for first in range(0, filters, rows):
        for begin, end in zip(edges, [*edges[1:], places], strict=True):
            yield first, min(first + rows, filters), begin, end


def _room(table: Array, lanes: int) -> int:
    """Return how many numbers the answers of the largest block take."""
    return int(np.max((table[:, 5] - table[:, 4]) * np.maximum(table[:, 7] - table[:, 6], 2 * lanes), initial=0))


@functools.lru_cache(512)
def forward_plan(
    shape: tuple[int, ...], filters: tuple[int, ...], stride: Pair, padding: Pair, dilation: Pair, groups: int,
    lanes: int, threads: int,
) -> Plan:  # fmt: skip
    """Plan conv2d for images (C, H, W) and filters (O, C/g, kh, kw)."""
    channels, taps, per_group = filters[1], filters[2:], filters[0] // groups
    high, width = (out_size(shape[1 + a], taps[a], stride[a], padding[a], dilation[a]) for a in (0, 1))
    # Rows and columns of one phase: as many as the answers, and as far as the last weight reaches beyond.
    size = (high + (taps[0] - 1) * dilation[0] // stride[0], width + (taps[1] - 1) * dilation[1] // stride[1])
    out, image_size = (high, width), (shape[1], shape[2])
    if stride == (1, 1) and taps == (1, 1) and padding == (0, 0):  # one row of all places
        high, width = 1, high * width
        size = image_size = (high, width)
    c, u, v = np.ogrid[:channels, : taps[0], : taps[1]]
    (sh, sw), (u, v) = stride, (u * dilation[0], v * dilation[1])
    piece = (c * sh + u % sh) * sw + v % sw
    steps = (piece * size[0] * size[1] + u // sh * size[1] + v // sw).reshape(-1)
    depth, group = len(steps), channels * sh * sw * size[0] * size[1]
    table = np.array(
        [
            (o * depth, 0, depth, g * group, o, o + stop - first, begin, end, 0, 0, high, width)
            for g in range(groups)
            for first, stop, begin, end in _blocks(per_group, depth, high, width, size[1], lanes, threads, groups, True)
            for o in [g * per_group + first]
        ]
    )
    places = (high - 1) * size[1] + width
    copied = not (stride == (1, 1) and padding == (0, 0) and size == image_size and places >= 2 * lanes)
    return Plan(
        packed(table), packed(steps), stride, padding, size, copied, groups * group + 2 * lanes, _room(table, lanes),
        1, (1, 1), None, image_size, (high, width), out, float(filters[0]) * depth * high * width,
    )  # fmt: skip


@functools.lru_cache(512)
def backward_plan(
    shape: tuple[int, ...], filters: tuple[int, ...], size: Pair, stride: Pair, padding: Pair, dilation: Pair,
    groups: int, lanes: int, threads: int,
) -> Plan:  # fmt: skip
    """Plan conv2d_dx: gradients dy (O, H', W'), filters (O, C/g, kh, kw), pixels dx (C, H, W) with (H, W) = size.

    A pixel h with h + padding = q * stride + phase was reached by weight u from answer q - (u * dilation - phase) /
    stride, where that is whole. The pixels of a phase are a convolution of their own; all read one padded dy.
    """
    channels, taps, per_group, out = filters[1], filters[2:], filters[0] // groups, size
    if stride == (1, 1) and taps == (1, 1) and padding == (0, 0):
        size = (1, size[0] * size[1])
        shape = (shape[0], 1, shape[1] * shape[2])
    as_it_lies = stride == taps == (1, 1)  # w (O, C/g), whose columns are the sums' weights
    axes = [_phases_of_axis(size[a], taps[a], stride[a], padding[a], dilation[a]) for a in (0, 1)]
    pad = tuple(max([p.pad for p in axis if p.weights], default=0) for axis in axes)
    dy_rows = [max([p.rows for p in axis if p.weights], default=1) for axis in axes]
    high, wide = (max(1, pad[a] + dy_rows[a]) for a in (0, 1))
    table: list[tuple[int, ...]] = []
    steps, order = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    steps_at = w_at = 0
    for down in axes[0]:
        for right in axes[1]:
            i, j = (
                np.array([pad[a] - p.pad + p.largest - offset for offset in p.offsets], np.int64)
                for a, p in ((0, down), (1, right))
            )
            starts = np.arange(per_group) * high * wide + i[:, None, None] * wide + j[:, None]
            depth = starts.size
            blocks: Iterator[tuple[int, int, int, int]] = iter([(0, channels, 0, 1)])
            if depth:
                plain = stride == (1, 1)
                blocks = _blocks(channels, depth, down.total, right.total, wide, lanes, threads, groups, plain)
            for first, stop, begin, end in blocks:
                for g in range(groups):
                    c = g * channels
                    table.append(
                        (
                            g * per_group * channels + first if as_it_lies else w_at + (c + first) * depth,
                            *(steps_at, depth, g * per_group * high * wide),
                            *(c + first, c + stop, begin, end, down.first, right.first, down.total, right.total),
                        )
                    )
            rows = np.arange(channels * groups)[:, None, None] * taps[0] + np.array(down.weights, np.int64)[:, None]
            order.append((rows * taps[1] + np.array(right.weights, np.int64)).reshape(-1))
            steps.append(starts.reshape(-1))
            steps_at, w_at = steps_at + depth, w_at + channels * groups * depth
    places = (size[0] - 1) * wide + size[1]
    copied = not (stride == (1, 1) and pad == (0, 0) and (high, wide) == shape[1:] and places >= 2 * lanes)
    blocks_of_all = np.array(table)
    return Plan(
        packed(blocks_of_all), packed(np.concatenate(steps)), (1, 1), (pad[0], pad[1]), (high, wide), copied,
        filters[0] * high * wide + 2 * lanes, _room(blocks_of_all, lanes), channels if as_it_lies else 1, stride,
        None if stride == (1, 1) else np.concatenate(order), (shape[1], shape[2]), size, out,
        float(np.prod(shape)) * channels * taps[0] * taps[1],
    )  # fmt: skip


class _Phase(NamedTuple):
    """Describe the pixels first, first + stride, ... of one axis."""

    first: int
    total: int
    weights: list[int]  # that reach them
    offsets: list[int]  # how many answers back each begins
    largest: int  # the largest offset
    pad: int  # rows of padding before dy that they need
    rows: int  # rows of dy that they need


def _phases_of_axis(size: int, taps: int, stride: int, padding: int, dilation: int) -> list[_Phase]:
    """Return the phases of one axis of dx."""
    phases = []
    for first in range(min(stride, size)):
        phase, begin = (first + padding) % stride, (first + padding) // stride
        reach = [(u, (u * dilation - phase) // stride) for u in range(taps) if (u * dilation - phase) % stride == 0]
        offsets = [offset for _, offset in reach]
        largest, smallest = max(offsets, default=0), min(offsets, default=0)
        count = len(range(first, size, stride))
        phases.append(
            _Phase(first, count, [u for u, _ in reach], offsets, largest, largest - begin, begin + count - smallest)
        )
    return phases
