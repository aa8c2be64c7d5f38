"""The loops of Winograd's convolution; `winograd` tells the idea and calls them."""

from __future__ import annotations

from minitorch_viz_kernels.contract import Array, Pair
from minitorch_viz_kernels.machine.compiling import compiled, inlined, inner
from minitorch_viz_kernels.machine.parallel import parallel, part_count, part_range
from minitorch_viz_kernels.machine.vectors import ZERO, frozen, load, positive, store, store_transposed
from minitorch_viz_kernels.product.numba_.tile import multiply

from .winograd_bases import (
    GAP,
    LANES,
    PANEL,
    answers_3,
    answers_5,
    change_filters,
    change_pixels,
    load_6,
    store_4,
)

CHUNK_CHANNELS = 64  # whose filters are changed at a time: 36 * CHUNK_CHANNELS * PANEL numbers stay in the cache
BIAS_PLACE = 7  # of the 36 places, the one of the point 1 in both directions


@inner
def _change_back(m: Array, at: int, place_step: int, taps: int, square: Array, to: int) -> None:
    """Change m[at:], a vector at each of the 36 places, back -> square[to:], 4x4 or 2x2 vectors of answers."""
    row = LANES * LANES
    if taps == 3:
        p = answers_3(*load_6(m, at, 6 * place_step))
        q = answers_3(*load_6(m, at + place_step, 6 * place_step))
        r = answers_3(*load_6(m, at + 2 * place_step, 6 * place_step))
        s = answers_3(*load_6(m, at + 3 * place_step, 6 * place_step))
        t = answers_3(*load_6(m, at + 4 * place_step, 6 * place_step))
        u = answers_3(*load_6(m, at + 5 * place_step, 6 * place_step))
        store_4(square, to, LANES, answers_3(p[0], q[0], r[0], s[0], t[0], u[0]))
        store_4(square, to + row, LANES, answers_3(p[1], q[1], r[1], s[1], t[1], u[1]))
        store_4(square, to + 2 * row, LANES, answers_3(p[2], q[2], r[2], s[2], t[2], u[2]))
        store_4(square, to + 3 * row, LANES, answers_3(p[3], q[3], r[3], s[3], t[3], u[3]))
    else:
        p = answers_5(*load_6(m, at, 6 * place_step))
        q = answers_5(*load_6(m, at + place_step, 6 * place_step))
        r = answers_5(*load_6(m, at + 2 * place_step, 6 * place_step))
        s = answers_5(*load_6(m, at + 3 * place_step, 6 * place_step))
        t = answers_5(*load_6(m, at + 4 * place_step, 6 * place_step))
        u = answers_5(*load_6(m, at + 5 * place_step, 6 * place_step))
        a, b = answers_5(p[0], q[0], r[0], s[0], t[0], u[0])
        store(square, to, a)
        store(square, to + LANES, b)
        a, b = answers_5(p[1], q[1], r[1], s[1], t[1], u[1])
        store(square, to + row, a)
        store(square, to + row + LANES, b)


@inlined
def _write_tiles(
    m: Array, taps: int, relu: bool, o: int, row: int, rows: int, across: int, y: Array, space: Array
) -> None:  # fmt: skip
    """Change m (36, tiles, PANEL) back and write y (O, H', W'): filters from o on, rows of tiles from `row` on.

    Neighbouring tiles, whose rows of answers fill a vector together, at a time: transposed, it is written as one.
    """
    filters, high, wide = y.shape
    flat, place_step = y.reshape(y.size), rows * across * PANEL + GAP
    size = LANES * LANES
    square, transposed = space[: 4 * size], space[4 * size : 5 * size]
    side = 7 - taps
    group = LANES // side
    for i in range(rows):
        top = side * (row + i)
        answer_rows = min(side, high - top)
        first = ZERO
        while first < across:
            if wide == side * across and across >= group:
                first = min(first, across - group)  # the last group begins a little earlier
            left = side * first
            right = min(LANES, wide - left)
            for half in range(0, min(PANEL, filters - o), LANES):
                answer_filters = min(LANES, filters - o - half)
                for j in range(min(group, across - first)):
                    _change_back(m, (i * across + first + j) * PANEL + half, place_step, taps, square, side * j * LANES)
                for n in range(answer_rows):
                    at, to = n * size, ((o + half) * high + top + n) * wide + left
                    if relu:
                        for k in range(at, at + size, LANES):
                            store(square, k, positive(load(square, k)))
                    # Where one group is a whole row, a vector may reach into the rows that are written next.
                    whole_vector = right == LANES or (across <= group and n * wide + LANES <= answer_rows * wide)
                    if whole_vector and answer_filters == LANES:
                        store_transposed(square, at, LANES, flat, to, high * wide)
                        continue
                    store_transposed(square, at, LANES, transposed, ZERO, LANES)
                    for k in range(answer_filters):
                        target = flat[to + k * high * wide : to + k * high * wide + right]
                        source = transposed[k * LANES : k * LANES + right]
                        for l in range(right):
                            target[l] = source[l]
            first += group


@inlined
def multiply_tiles(
    v: Array, depth: int, w: Array, taps: int, backward: bool, channels: int, u: Array, ready: bool, b: Array,
    relu: bool, panel: int, panels: int, row: int, rows: int, across: int, y: Array, steps: Array, space: Array,
) -> None:  # fmt: skip
    """Multiply v (36, tiles, depth) by the filters of some panels, and write their answers into y.

    u holds all changed filters if they are ready; otherwise it is room for one chunk of them.
    """
    tiles = rows * across
    size = 36 * (tiles * PANEL + GAP)
    m, space = space[:size], space[size:]
    chunks = (channels + CHUNK_CHANNELS - 1) // CHUNK_CHANNELS
    room = 36 * (min(CHUNK_CHANNELS, channels) * PANEL + GAP)
    for o in range(panel * PANEL, (panel + panels) * PANEL, PANEL):
        m[:] = 0
        vectors = 2 if y.shape[0] - o > LANES else 1
        # What is added at the point (1, 1) comes once into each answer, because all powers of 1 are 1.
        for at in range(BIAS_PLACE * (tiles * PANEL + GAP), BIAS_PLACE * (tiles * PANEL + GAP) + tiles * PANEL, PANEL):
            store(m, at, load(b, o))
            store(m, at + LANES, load(b, o + LANES))
        for chunk in range(chunks):
            first = chunk * CHUNK_CHANNELS
            count = min(CHUNK_CHANNELS, channels - first)
            at = (o // PANEL * chunks + chunk) * room if ready else 0
            place_step = count * PANEL + GAP
            if not ready:
                change_filters(w, backward, o, first, count, u, at, place_step, space)
            for place in range(36):
                v_at, u_at = place * (tiles * depth + GAP) + first, at + place * place_step
                target = place * (tiles * PANEL + GAP)
                multiply(
                    tiles, vectors, frozen(v), v_at, depth, ZERO + 1, frozen(u), u_at, steps, count, m, target, PANEL
                )
        _write_tiles(m, taps, relu, o, row, rows, across, y, space)


@inner
def _change(
    number: int, worker: int, single: bool, cuts: int, x: Array, w: Array, taps: int, padding: Pair, backward: bool,
    rows: int, across: int, memory: Array, shared: int, private: int,
) -> None:  # fmt: skip
    """Change the basis of a part: some channels of a single block, or of several one panel and a part of a chunk."""
    channels, space = x.shape[1], memory[shared + worker * private :]
    if single:
        depth = (channels + LANES - 1) // LANES * LANES
        first, stop = part_range(depth // LANES, number, cuts)
        change_pixels(
            x[0], taps, padding[0], padding[1], ZERO, rows, across, first * LANES, stop * LANES, depth, memory, ZERO,
            rows * across * depth + GAP, space
        )  # fmt: skip
    else:
        chunks = (channels + CHUNK_CHANNELS - 1) // CHUNK_CHANNELS
        pair, cut = number // cuts, number % cuts
        panel, chunk = pair // chunks, pair % chunks
        room, count = (
            36 * (min(CHUNK_CHANNELS, channels) * PANEL + GAP),
            min(CHUNK_CHANNELS, channels - chunk * CHUNK_CHANNELS),
        )
        first, stop = part_range(count, cut, cuts)
        if first < stop:
            at, place_step = pair * room + first * PANEL, count * PANEL + GAP
            change_filters(
                w, backward, panel * PANEL, chunk * CHUNK_CHANNELS + first, stop - first, memory, at, place_step, space
            )  # fmt: skip


@inner
def _multiply(
    number: int, worker: int, single: bool, x: Array, w: Array, taps: int, b: Array, padding: Pair, backward: bool,
    relu: bool, rows: int, across: int, y: Array, steps: Array, memory: Array, shared: int, private: int,
) -> None:  # fmt: skip
    """Multiply a part: of a single block one panel of filters, of several one block of tiles and all filters."""
    channels, filters, high = x.shape[1], y.shape[1], (y.shape[2] + 6 - taps) // (7 - taps)
    depth = (channels + LANES - 1) // LANES * LANES
    space, u, v = memory[shared + worker * private :], memory, memory
    n, row, tile_rows, panel, panels = ZERO, ZERO, rows, number, ZERO + 1
    if single:
        room = 36 * (min(CHUNK_CHANNELS, channels) * PANEL + GAP)
        u, space = space[:room], space[room:]
    else:
        blocks = (high + rows - 1) // rows
        n, block = number // blocks, number % blocks
        row, tile_rows = block * (high // blocks) + min(block, high % blocks), high // blocks + (block < high % blocks)
        panel, panels = ZERO, (filters + PANEL - 1) // PANEL
        size = 36 * (rows * across * depth + GAP)
        v, space = space[:size], space[size:]
        change_pixels(
            x[n],
            taps,
            padding[0],
            padding[1],
            row,
            tile_rows,
            across,
            ZERO,
            depth,
            depth,
            v,
            ZERO,
            tile_rows * across * depth + GAP,
            space,
        )
    multiply_tiles(
        v, depth, w, taps, backward, channels, u, not single, b, relu, panel, panels, row, tile_rows, across, y[n],
        steps, space,
    )  # fmt: skip


@compiled
def convolve(
    board: Array, single: bool, x: Array, w: Array, taps: int, b: Array, padding: Pair, backward: bool, relu: bool,
    rows: int, across: int, y: Array, steps: Array, memory: Array, shared: int, private: int,
) -> None:  # fmt: skip
    """Change the basis, then multiply; the threads share filters or blocks of tiles.

    A single block, a small image: all its pixels are changed first, then each thread takes some of the filters.
    Several, a large image or many: all filters are changed first, then each thread takes some blocks of tiles.
    """
    channels, panels = x.shape[1], (y.shape[1] + PANEL - 1) // PANEL
    tile_rows = (y.shape[2] + 6 - taps) // (7 - taps)
    if single:
        cuts = part_count(board, (channels + LANES - 1) // LANES, 500 * rows * across * channels)
        changes, parts = cuts, panels
    else:
        changes, parts = (
            panels * ((channels + CHUNK_CHANNELS - 1) // CHUNK_CHANNELS),
            len(x) * ((tile_rows + rows - 1) // rows),
        )
        cuts = part_count(board, ZERO + 4, 200 * PANEL * min(channels, CHUNK_CHANNELS)) if changes < 8 else 1
        changes *= cuts
    parallel(
        _change, changes, board, (single, cuts, x, w, taps, padding, backward, rows, across, memory, shared, private)
    )  # fmt: skip
    parallel(
        _multiply, parts, board,
        (single, x, w, taps, b, padding, backward, relu, rows, across, y, steps, memory, shared, private),
    )  # fmt: skip
