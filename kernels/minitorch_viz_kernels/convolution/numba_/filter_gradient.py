"""The gradient of a convolution for its filters: the product of dy with the columns of the image, over all places.

    dw[o, (c, u, v)] = sum over places of dy[o, place] * columns[place, (c, u, v)]

The columns (see `columns`) are never there as a whole. Two vectors of them, for a band of some 200 places, are a panel
that stays in the nearest cache:

    band of dy       [ filters ][ places ]                       times
    panel            [ places ][ 32 columns (c, u, v) ]          all filters meet it before the next one is filled
    answers          dw itself, [ filters ][ 32 columns ]        in its own order: nothing to turn around afterwards

Filling a panel turns squares of numbers around in registers (`vector_moves`): a tenth of the work where 64 filters
meet it. The image of a band is padded and cut into the phases of the stride first (see `direct`), so that each
column of it is a piece of the image that begins somewhere else.

The threads share the answers, each some columns and some filters. Where the answers are few and the places many, the
places are cut into segments too, whose sums are added up at the end. The shapes alone say how many segments there are,
so that the number of threads changes no sum.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np

from minitorch_viz_kernels.contract import Array, Pair
from minitorch_viz_kernels.machine.compiling import compiled, inner, packed
from minitorch_viz_kernels.machine.llvm import lanes_of
from minitorch_viz_kernels.machine.memory import empty, workspace
from minitorch_viz_kernels.machine.parallel import GRAIN, PARTS_PER_THREAD, parallel, part_count, part_range
from minitorch_viz_kernels.machine.threads import WORKERS, board_for
from minitorch_viz_kernels.machine.vectors import ZERO, frozen
from minitorch_viz_kernels.product.numba_.tile import ROWS, full_2, multiply

from .layouts import phases
from .vector_moves import store_columns

BAND_PLACES = 240  # places of a band, if its rows are not longer: a panel of them is in the nearest cache
SEGMENT_PLACES = 1024  # places that are worth sums of their own
MOST_SEGMENTS = 16
SEGMENT_SUMS = 1 << 20  # numbers in the sums of all segments
BLOCK_ANSWERS = 1 << 16  # numbers of dw that a part works on at a time: they are in the second cache
FEW_FILTERS = 64  # that share a panel; with fewer, filling it would take long


@inner
def _add_products(
    number: int, worker: int, cuts: int, blocks: int, segments: int, dy: Array, x: Array, depth: int, stride: Pair,
    pad: Pair, copied: bool, taps: int, band: tuple[int, int, int, int], starts: Array, steps: Array, lanes: int,
    memory: Array, image_room: int, room: int, sums: Array, row: int,
) -> None:  # fmt: skip
    """Add the products of some filters and some columns of one group, over the places of one segment.

    dy (N, O, H', W'), x (N, C, H, W) -> sums, flat (segments, O, row). band: its rows of answers, how many bands an
    image has, and the rows and columns of a phase.
    """
    images, filters, out_high, out_wide = dy.shape
    rows_at_once, bands, high, wide = band
    cut, number = number % cuts, number // cuts
    block, number = number % blocks, number // blocks
    segment, group = number % segments, number // segments
    per_group = filters * depth // x.shape[1]
    first, stop = part_range((per_group + ROWS - 1) // ROWS, cut, cuts)
    first, stop = group * per_group + first * ROWS, group * per_group + min(stop * ROWS, per_group)
    columns, width = depth * taps, 2 * lanes
    start, end = part_range((columns + width - 1) // width, block, blocks)
    start, end = start * width, min(end * width, columns)
    lowest, highest = start // taps, (end - 1) // taps + 1  # the channels of these columns
    plane = stride[0] * stride[1] * high * wide
    own_memory, panel = (
        memory[worker * room : worker * room + image_room],
        memory[worker * room + image_room : (worker + 1) * room],
    )
    image, flat_dy = frozen(own_memory), dy.reshape(dy.size)
    begin, done = part_range(images * bands, segment, segments)
    for band_number in range(begin, done):
        n, top = band_number // bands, band_number % bands * rows_at_once
        rows = min(rows_at_once, out_high - top)
        if copied:
            channels = x[n, group * depth + lowest : group * depth + highest]
            parts = own_memory[: len(channels) * plane].reshape(len(channels), stride[0], stride[1], high, wide)
            phases(channels, pad[0] - top * stride[0], pad[1], ZERO, len(channels) * high, parts)
            at = -lowest * plane
        else:
            image, at = x.reshape(x.size), (n * x.shape[1] + group * depth) * plane + top * wide
        places = (rows - 1) * wide + out_wide
        for j in range(start, end, width):
            vectors = 2 if end - j > lanes else 1
            for square in range(0, places, lanes):
                place = max(0, min(square, places - lanes))  # the last square begins a little earlier
                for v in range(vectors):
                    store_columns(
                        image, at + place, starts, j + v * lanes, panel, place * width + v * lanes, width
                    )  # fmt: skip
            for o in range(first, stop, ROWS):
                tile_rows, sums_at = min(ROWS, stop - o), (segment * filters + o) * row + j
                if band_number == begin:
                    for r in range(tile_rows):
                        sums[sums_at + r * row : sums_at + r * row + vectors * lanes] = 0
                dy_at = ((n * filters + o) * out_high + top) * out_wide
                if tile_rows == ROWS and vectors == 2:  # written in: with few places, a call is a twentieth of it
                    full_2(
                        flat_dy, dy_at, out_high * out_wide, ZERO + 1, frozen(panel), ZERO, steps, rows * out_wide,
                        sums, sums_at, row,
                    )  # fmt: skip
                else:
                    multiply(
                        tile_rows, vectors, flat_dy, dy_at, out_high * out_wide, ZERO + 1, frozen(panel), ZERO, steps,
                        rows * out_wide, sums, sums_at, row,
                    )  # fmt: skip


@inner
def _collect(number: int, _worker: int, parts: int, sums: Array, dw: Array) -> None:
    """Add the sums (segments, O, columns and some more) up -> dw (O, columns), some filters."""
    first, stop = part_range(len(dw), number, parts)
    for o in range(first, stop):
        target = dw[o]
        for segment in range(len(sums)):
            source = sums[segment, o]
            if segment == 0:
                for j in range(len(target)):
                    target[j] = source[j]
            else:
                for j in range(len(target)):
                    target[j] += source[j]


@compiled
def _sum(
    board: Array, dy: Array, x: Array, depth: int, stride: Pair, pad: Pair, copied: bool,
    taps: int, band: tuple[int, int, int, int], starts: Array, steps: Array, lanes: int, cuts: int, blocks: int,
    segments: int, memory: Array, image_room: int, room: int, sums: Array, row: int, dw: Array,
) -> None:  # fmt: skip
    """Compute dw (O, C/g * kh * kw) from dy (N, O, H', W') and x (N, C, H, W), by way of sums where it needs them."""
    parallel(
        _add_products, cuts * blocks * segments * (x.shape[1] // depth), board,
        (
            cuts, blocks, segments, dy, x, depth, stride, pad, copied, taps, band, starts, steps, lanes, memory,
            image_room, room, sums, row,
        ),
    )  # fmt: skip
    if len(sums) != dw.size or row != dw.shape[1]:
        parts = part_count(board, len(dw), len(sums))
        parallel(_collect, parts, board, (parts, sums.reshape(segments, len(dw), row), dw))


class _Plan(NamedTuple):
    """Say how the work is cut (see `_add_products`), and how much memory it takes."""

    copied: bool  # whether the bands of the image are laid out anew
    band: tuple[int, int, int, int]
    starts: Array
    steps: Array
    cuts: int
    blocks: int
    segments: int
    image_room: int  # numbers, of each thread
    panel_room: int
    row: int


@functools.lru_cache(512)
def _plan(
    images: int, filters: int, out: Pair, depth: int, groups: int, kernel: Pair, stride: Pair, padding: Pair,
    dilation: Pair, lanes: int, threads: int,
) -> _Plan:  # fmt: skip
    """Plan the work; filters: of a group."""
    reach = [(kernel[a] - 1) * dilation[a] // stride[a] for a in (0, 1)]  # how far the last tap reaches within a phase
    wide = out[1] + reach[1]
    bands = -(-out[0] // max(1, min(out[0], BAND_PLACES // wide)))
    rows = -(-out[0] // bands)
    bands = -(-out[0] // rows)
    last = out[0] - (bands - 1) * rows  # rows of the last band
    copied = stride != (1, 1) or padding != (0, 0) or (last - 1) * wide + out[1] < lanes
    high = (rows if copied else out[0]) + reach[0]
    plane = stride[0] * stride[1] * high * wide

    c, u, v = np.ogrid[:depth, : kernel[0], : kernel[1]]
    u, v = u * dilation[0], v * dilation[1]
    phase = u % stride[0] * stride[1] + v % stride[1]
    starts = (c * plane + (phase * high + u // stride[0]) * wide + v // stride[1]).reshape(-1)
    columns = len(starts)
    panels, row = -(-columns // (2 * lanes)), -(-columns // lanes) * lanes
    i, j = np.ogrid[:rows, : out[1]]
    steps = ((i * wide + j) * 2 * lanes).reshape(-1)

    places = images * out[0] * out[1]
    segments = max(
        1, min(MOST_SEGMENTS, places // SEGMENT_PLACES, images * bands, SEGMENT_SUMS // (groups * filters * row))
    )
    most_panels = max(1, BLOCK_ANSWERS // (filters * 2 * lanes))
    parts = min(PARTS_PER_THREAD * threads, int(groups * filters * columns * places / GRAIN)) if threads > 1 else 1
    other_parts = groups * segments
    blocks = min(panels, max(-(-panels // most_panels), -(-parts // other_parts)))
    cuts = max(1, min(filters // FEW_FILTERS, -(-parts // (other_parts * blocks))))
    channels = min(depth, (-(-panels // blocks) * 2 * lanes - 2) // (kernel[0] * kernel[1]) + 2)
    length = -(-((rows - 1) * wide + out[1]) // lanes) * lanes
    starts = np.concatenate([starts, np.full(2 * lanes, starts[-1])])
    return _Plan(
        copied, (rows, bands, high, wide), packed(starts), packed(steps), cuts, blocks, segments,
        channels * plane + lanes if copied else 0, length * 2 * lanes, row,
    )  # fmt: skip


def conv2d_dw(dy: Array, x: Array, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    images, filters, *out = dy.shape
    depth, lanes = x.shape[1] // groups, lanes_of(x.dtype)
    plain = groups == 1 and (kernel, stride, padding) == ((1, 1), (1, 1), (0, 0))
    if plain and filters < min(depth, FEW_FILTERS):  # the same with the roles exchanged, which fills fewer panels
        return np.ascontiguousarray(conv2d_dw(x, dy, kernel, stride, padding, dilation, 1).transpose(1, 0, 2, 3))
    dw = empty((filters, depth, *kernel), dy.dtype)
    if not dy.size or not dw.size:
        dw[:] = 0
        return dw
    board = board_for(float(dw.size) * images * out[0] * out[1])
    threads = int(board[WORKERS]) + 1
    plan = _plan(
        images, filters // groups, (out[0], out[1]), depth, groups, kernel, stride, padding, dilation, lanes, threads
    )  # fmt: skip
    room = plan.image_room + plan.panel_room
    direct = plan.segments == 1 and plan.row * filters == dw.size
    memory = workspace(threads * room + (0 if direct else plan.segments * filters * plan.row), dy.dtype)
    sums = dw.reshape(dw.size) if direct else memory[threads * room :]
    _sum(
        board, packed(dy), packed(x), depth, stride, padding, plan.copied, kernel[0] * kernel[1], plan.band,
        plan.starts, plan.steps, lanes, plan.cuts, plan.blocks, plan.segments, memory, plan.image_room, room, sums,
        plan.row, dw.reshape(filters, -1),
    )  # fmt: skip
    return dw
