"""The gradient for 3x3 filters, Winograd's way: the forward pass of `winograd` read backwards.

Forward, a tile's answers are y = A' [ (G g G') * (B' d B) ] A, linear in the filter g. So what comes back to the filter
is the same with every matrix turned around:

    gradient dy 4x4 --A dy A'--> 6x6 \\                      S = sum over tiles       3x3
    pixels d    6x6 --B' d B-->  6x6 /  multiplied one by one ----------------> --G' S G--> dw

36 multiplications for a tile, a channel and a filter, where the direct sum over its 16 places takes 144. The sums over
the tiles are 36 matrix products, one for each place of the 6x6:

    S[place] (filters, channels)  +=  Z[place] (tiles, filters)' @ V[place] (tiles, channels)

Where tiles are many, they are cut into segments, each with sums of its own that are added up at the end; a thread takes
a segment, and what it changes stays in its cache. Where they are few, the threads change them together, and then each
takes some of the filters. The shapes alone say which, so that the number of threads changes no sum.

S has 36 numbers for the 9 of dw: where tiles are few, the direct sum (`filter_gradient`) is faster.
"""

from __future__ import annotations

import numpy as np

from minitorch_viz_kernels.contract import Array, Pair
from minitorch_viz_kernels.machine.compiling import compiled, inlined, inner, packed
from minitorch_viz_kernels.machine.memory import empty, workspace
from minitorch_viz_kernels.machine.parallel import parallel, part_range
from minitorch_viz_kernels.machine.threads import WORKERS, board_for
from minitorch_viz_kernels.machine.vectors import ZERO, frozen, store_transposed
from minitorch_viz_kernels.product.numba_.tile import multiply

from .winograd import COST_PER_TILE
from .winograd_bases import GAP, LANES, PANEL, change_gradient, change_pixels, load_6, store_3, weights_3

PART_FILTERS = LANES  # whose sums one part adds
OWN_NUMBERS = 1 << 13  # tiles times channels (or filters) that a thread changes at a time: 36 times as many numbers
COMMON_NUMBERS = 1 << 15  # and that all threads change together
SEGMENT_TILES = 192  # that are worth sums of their own, so that each thread works on tiles of its own
SEGMENT_SUMS = 1 << 22  # numbers in the sums of all segments


@inner
def _change(
    number: int, worker: int, begin: int, tiles: int, dy: Array, x: Array, padding: Pair, rows: int, across: int,
    chunks: int, memory: Array, shared: int, private: int,
) -> None:  # fmt: skip
    """Change the basis of one vector of channels, or of filters, of one chunk of rows of tiles, from `begin` on."""
    channels, filters = x.shape[1], dy.shape[1]
    ins, outs = (channels + LANES - 1) // LANES, (filters + LANES - 1) // LANES
    chunk, group = number // (ins + outs), number % (ins + outs)
    n, row = (begin + chunk) // chunks, (begin + chunk) % chunks * rows
    space, at = memory[shared + worker * private :], chunk * rows * across
    if group < ins:
        depth = ins * LANES
        first = group * LANES
        change_pixels(
            x[n], ZERO + 3, padding[0], padding[1], row, rows, across, first, first + LANES, depth, memory,
            at * depth, tiles * depth + GAP, space,
        )  # fmt: skip
    else:
        depth, first, start = outs * LANES, (group - ins) * LANES, 36 * (tiles * ins * LANES + GAP)
        change_gradient(
            dy[n], row, rows, across, first, first + LANES, depth, memory, start + at * depth, tiles * depth + GAP,
            space,
        )  # fmt: skip


@inlined
def _change_back(sums: Array, depth: int, o: int, dw: Array, space: Array) -> None:
    """Change sums (36, PART_FILTERS, depth) back to weights -> dw (O, C, 9), filters from o on."""
    filters, channels = dw.shape[:2]
    place_step, square, transposed = PART_FILTERS * depth + GAP, space[: 16 * LANES], space[16 * LANES : 32 * LANES]
    for r in range(min(PART_FILTERS, filters - o)):
        for c in range(0, channels, LANES):
            at = r * depth + c
            p = weights_3(*load_6(sums, at, 6 * place_step))
            q = weights_3(*load_6(sums, at + place_step, 6 * place_step))
            s = weights_3(*load_6(sums, at + 2 * place_step, 6 * place_step))
            t = weights_3(*load_6(sums, at + 3 * place_step, 6 * place_step))
            u = weights_3(*load_6(sums, at + 4 * place_step, 6 * place_step))
            v = weights_3(*load_6(sums, at + 5 * place_step, 6 * place_step))
            store_3(square, ZERO, LANES, weights_3(p[0], q[0], s[0], t[0], u[0], v[0]))
            store_3(square, 3 * LANES, LANES, weights_3(p[1], q[1], s[1], t[1], u[1], v[1]))
            store_3(square, 6 * LANES, LANES, weights_3(p[2], q[2], s[2], t[2], u[2], v[2]))
            for k in range(0, 9, LANES):  # a row of `transposed` is the 9 weights of one channel
                store_transposed(square, k * LANES, LANES, transposed, k, 16)
            for k in range(min(LANES, channels - c)):
                target, source = dw[o + r, c + k], transposed[k * 16 :]
                for i in range(9):
                    target[i] = source[i]


@inner
def _add(
    number: int, worker: int, count: int, tiles: int, first: bool, last: bool, depth: int, steps: Array, dw: Array,
    memory: Array, shared: int, private: int, segment_sums: Array,
) -> None:  # fmt: skip
    """Add the sums over `count` tiles of one part of the filters and all channels to those in memory."""
    filters = dw.shape[0]
    size, width = 36 * (PART_FILTERS * depth + GAP), (filters + LANES - 1) // LANES * LANES
    space = memory[shared + worker * private :]
    sums, space = (
        (segment_sums[number * size : (number + 1) * size], space)
        if len(segment_sums)
        else (space[:size], space[size:])
    )
    if first:
        sums[:] = 0
    start = 36 * (tiles * depth + GAP)
    part_filters = min(PART_FILTERS, filters - number * PART_FILTERS)
    for place in range(36):
        a_at = start + place * (tiles * width + GAP) + number * PART_FILTERS
        for c in range(0, depth, PANEL):
            vectors = 2 if depth - c > LANES else 1
            multiply(
                part_filters, vectors, frozen(memory), a_at, ZERO + 1, width, frozen(memory),
                place * (tiles * depth + GAP) + c, steps, count, sums, place * (PART_FILTERS * depth + GAP) + c, depth,
            )  # fmt: skip
    if last:
        _change_back(sums, depth, number * PART_FILTERS, dw, space)


@inner
def _segment(
    number: int, worker: int, segments: int, dy: Array, x: Array, padding: Pair, rows: int, across: int, chunks: int,
    at_once: int, steps: Array, dw: Array, memory: Array, shared: int, private: int, all_sums: Array,
) -> None:  # fmt: skip
    """Sum all filters and channels over some of the tiles, in this thread's own memory."""
    ins, outs = (x.shape[1] + LANES - 1) // LANES, (dy.shape[1] + LANES - 1) // LANES
    own_memory, sums = memory[worker * (shared + private) :], all_sums[number * (len(all_sums) // segments) :]
    start, stop = part_range(len(x) * chunks, number, segments)
    for begin in range(start, stop, at_once):
        count = min(at_once, stop - begin)
        for group in range(count * (ins + outs)):
            _change(
                group, ZERO, begin, at_once * rows * across, dy, x, padding, rows, across, chunks, own_memory, shared,
                private,
            )  # fmt: skip
        for part in range(outs):
            _add(
                part, ZERO, count * rows * across, at_once * rows * across, begin == start, begin < start, ins * LANES,
                steps, dw, own_memory, shared, private, sums,
            )  # fmt: skip


@inner
def _collect(
    number: int, worker: int, segments: int, depth: int, all_sums: Array, dw: Array, memory: Array, shared: int,
    private: int,
) -> None:  # fmt: skip
    """Add up the sums of all segments for one part of the filters."""
    size, segment_size = 36 * (PART_FILTERS * depth + GAP), len(all_sums) // segments
    sums = all_sums[number * size : (number + 1) * size]
    for segment in range(1, segments):
        segment_sums = all_sums[segment * segment_size + number * size :]
        for i in range(size):
            sums[i] += segment_sums[i]
    _change_back(sums, depth, number * PART_FILTERS, dw, memory[worker * (shared + private) + shared :])


@compiled
def _sum(
    board: Array, segments: int, dy: Array, x: Array, padding: Pair, rows: int, across: int, chunks: int,
    at_once: int, steps: Array, dw: Array, memory: Array, shared: int, private: int, all_sums: Array,
) -> None:  # fmt: skip
    """Compute dw (O, C, 9) from dy (N, O, H', W') and x (N, C, H, W), `at_once` chunks of rows of tiles at a time."""
    ins, outs = (x.shape[1] + LANES - 1) // LANES, (dy.shape[1] + LANES - 1) // LANES
    units, tiles = len(x) * chunks, at_once * rows * across
    if segments > 1:
        parallel(
            _segment, segments, board,
            (segments, dy, x, padding, rows, across, chunks, at_once, steps, dw, memory, shared, private, all_sums),
        )  # fmt: skip
        parallel(_collect, outs, board, (segments, ins * LANES, all_sums, dw, memory, shared, private))
        return
    for begin in range(0, units, at_once):
        count = min(at_once, units - begin)
        parallel(
            _change, count * (ins + outs), board,
            (begin, tiles, dy, x, padding, rows, across, chunks, memory, shared, private),
        )  # fmt: skip
        parallel(
            _add, outs, board,
            (
                count * rows * across, tiles, begin == 0, begin + count == units, ins * LANES, steps, dw, memory,
                shared, private, all_sums,
            ),
        )  # fmt: skip


def conv3x3_dw(dy: Array, x: Array, padding: Pair) -> Array:
    """Compute dw (O, C, 3, 3) from dy (N, O, H', W') and x (N, C, H, W) in float32, stride 1."""
    images, filters, high, wide = dy.shape
    channels = x.shape[1]
    dw = empty((filters, channels, 3, 3), dy.dtype)
    if not images:
        dw[...] = 0
        return dw
    ins, outs = -(-channels // LANES), -(-filters // LANES)
    tile_rows, across = -(-high // 4), -(-wide // 4)
    sums = 36 * (PART_FILTERS * ins * LANES + GAP)  # of one part of the filters
    segments = min(images * tile_rows * across // SEGMENT_TILES, SEGMENT_SUMS // (sums * outs))
    own_tiles = max(16, (OWN_NUMBERS if segments > 1 else COMMON_NUMBERS) // (LANES * max(ins, outs)))  # at a time
    chunks = -(-tile_rows // max(1, own_tiles // across))  # of rows of tiles of one image, all of one size
    rows = -(-tile_rows // chunks)
    segments = max(1, min(segments, images * chunks))
    at_once = max(1, min(images * chunks // segments, own_tiles // (rows * across)))
    tiles = at_once * rows * across
    board = board_for(COST_PER_TILE * images * tile_rows * across * channels * filters)
    threads = int(board[WORKERS]) + 1
    shared = 36 * (tiles * (ins + outs) * LANES + 2 * GAP)
    added_later = segments > 1 or images * chunks > at_once
    image_room = (4 * rows + 2) * (4 * across + 2) * LANES
    private = max(image_room, (0 if added_later else sums) + 32 * LANES)
    room = threads * (shared + private) if segments > 1 else shared + threads * private
    memory = workspace(room + (segments * sums * outs if added_later else 0), x.dtype)
    steps = packed(np.arange(tiles) * ins * LANES)
    _sum(
        board, segments, packed(dy), packed(x), padding, rows, across, chunks, at_once, steps,
        dw.reshape(filters, channels, 9), memory, shared, private, memory[room:] if added_later else memory[:0],
    )  # fmt: skip
    return dw
