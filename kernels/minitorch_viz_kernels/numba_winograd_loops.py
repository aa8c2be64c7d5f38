"""The loops of Winograd's convolution; `numba_winograd` tells the idea and calls them."""

from __future__ import annotations

from typing import Any

import numpy as np

from .contract import Array, Pair
from .numba_crew import parallel, pieces, share
from .numba_jit import helper, kernel, written_in
from .numba_layout import channels_last
from .numba_product import multiply
from .numba_vector import ZERO, frozen, lanes_of, load, store, store_transposed

LANES = lanes_of(np.float32)
PANEL = 2 * LANES  # filters that are multiplied at a time
CHUNK = 64  # channels whose filters are changed at a time: 36 * CHUNK * PANEL numbers stay in the cache
GAP = LANES  # between the 36 matrices: at powers of two apart, they would compete for the same places in the cache


@helper
def _pixels(d0: Any, d1: Any, d2: Any, d3: Any, d4: Any, d5: Any) -> Any:
    """B' d for one column of pixels."""
    a, b = d4 - 4 * d2, d3 - 4 * d1
    e, f = d4 - d2, 2 * (d3 - d1)
    return 4 * d0 - 5 * d2 + d4, a + b, a - b, e + f, e - f, 4 * d1 - 5 * d3 + d5


@helper
def _filter(g0: Any, g1: Any, g2: Any) -> Any:
    """G g for one column of a filter."""
    a, b = (g0 + g2) * (-1 / 6), g1 * (1 / 6)
    e, f = g0 * (1 / 24) + g2 * (1 / 6), g1 * (1 / 12)
    return g0 * 0.25, a - b, a + b, e + f, e - f, g2


@helper
def _answers(m0: Any, m1: Any, m2: Any, m3: Any, m4: Any, m5: Any) -> Any:
    """A' m for one column of products."""
    a, b, e, f = m1 + m2, m1 - m2, m3 + m4, m3 - m4
    return m0 + a + e, b + 2 * f, a + 4 * e, b + 8 * f + m5


@helper
def _load_6(x: Array, at: int, step: int) -> Any:
    a, b, c = load(x, at), load(x, at + step), load(x, at + 2 * step)
    return a, b, c, load(x, at + 3 * step), load(x, at + 4 * step), load(x, at + 5 * step)


@helper
def _store_4(x: Array, at: int, step: int, values: Any) -> None:
    store(x, at, values[0])
    store(x, at + step, values[1])
    store(x, at + 2 * step, values[2])
    store(x, at + 3 * step, values[3])


@helper
def _store_6(x: Array, at: int, step: int, values: Any) -> None:
    _store_4(x, at, step, values)
    store(x, at + 4 * step, values[4])
    store(x, at + 5 * step, values[5])


@helper
def change_pixels(
    x: Array, padding_high: int, padding_wide: int, row: int, rows: int, across: int, first: int, stop: int,
    depth: int, v: Array, space: Array,
) -> None:  # fmt: skip
    """x (C, H, W) -> v (36, tiles, depth): rows of tiles from `row` on, channels first to stop."""
    wide, some = 4 * across + 2, stop - first
    image = space[: (4 * rows + 2) * wide * some]
    channels_last(x, 4 * row - padding_high, -padding_wide, first, 4 * rows + 2, wide, some, LANES + ZERO, image)
    down, far = wide * some, rows * across * depth + GAP
    for i in range(rows):
        for j in range(across):
            for c in range(0, some, LANES):
                at, to = (4 * i * wide + 4 * j) * some + c, (i * across + j) * depth + first + c
                p = _pixels(*_load_6(image, at, down))
                q = _pixels(*_load_6(image, at + some, down))
                r = _pixels(*_load_6(image, at + 2 * some, down))
                s = _pixels(*_load_6(image, at + 3 * some, down))
                t = _pixels(*_load_6(image, at + 4 * some, down))
                u = _pixels(*_load_6(image, at + 5 * some, down))
                _store_6(v, to, far, _pixels(p[0], q[0], r[0], s[0], t[0], u[0]))
                _store_6(v, to + 6 * far, far, _pixels(p[1], q[1], r[1], s[1], t[1], u[1]))
                _store_6(v, to + 12 * far, far, _pixels(p[2], q[2], r[2], s[2], t[2], u[2]))
                _store_6(v, to + 18 * far, far, _pixels(p[3], q[3], r[3], s[3], t[3], u[3]))
                _store_6(v, to + 24 * far, far, _pixels(p[4], q[4], r[4], s[4], t[4], u[4]))
                _store_6(v, to + 30 * far, far, _pixels(p[5], q[5], r[5], s[5], t[5], u[5]))


@written_in
def _filters_last(w: Array, backward: bool, o: int, first: int, count: int, out: Array) -> None:
    """w (O, C, 9) -> out (count, 9, PANEL): filters from o on, channels from `first` on.

    Backward, a gradient's "filter" is a channel c of w and its "channel" a filter o of w.
    """
    filters, channels = (w.shape[1], w.shape[0]) if backward else (w.shape[0], w.shape[1])
    row = 9 if backward else 9 * channels  # from one filter to the next
    runs, length = (count, 9) if backward else (1, 9 * count)  # so many neighbouring numbers of each filter
    flat = w.reshape(w.size)
    for run in range(runs):
        start = o * row + (9 * filters * (first + run) if backward else 9 * first)
        for half in range(0, PANEL, LANES):
            for k in range(0, length, LANES):
                at, to = start + half * row + k, (run * length + k) * PANEL + half
                # The last block of a run reads some numbers too many, and the next run writes over what they gave.
                if o + half + LANES <= filters and at + (LANES - 1) * row + LANES <= w.size:
                    store_transposed(flat, at, row, out, to, PANEL)
                else:
                    for i in range(LANES):
                        for j in range(min(LANES, length - k)):
                            out[to + j * PANEL + i] = flat[at + i * row + j] if o + half + i < filters else 0


@helper
def change_filters(w: Array, backward: bool, o: int, first: int, count: int, u: Array, u_at: int, space: Array) -> None:
    """w (O, C, 9) -> u[u_at:] (36, count, PANEL). Backward, the filters are turned by half a circle."""
    _filters_last(w, backward, o, first, count, space)
    far = count * PANEL + GAP
    start, step = (8 * PANEL, -PANEL) if backward else (0, PANEL)
    for c in range(count):
        for half in range(0, PANEL, LANES):
            at, to = c * 9 * PANEL + half + start, u_at + c * PANEL + half
            p = _filter(load(space, at), load(space, at + 3 * step), load(space, at + 6 * step))
            q = _filter(load(space, at + step), load(space, at + 4 * step), load(space, at + 7 * step))
            r = _filter(load(space, at + 2 * step), load(space, at + 5 * step), load(space, at + 8 * step))
            _store_6(u, to, far, _filter(p[0], q[0], r[0]))
            _store_6(u, to + 6 * far, far, _filter(p[1], q[1], r[1]))
            _store_6(u, to + 12 * far, far, _filter(p[2], q[2], r[2]))
            _store_6(u, to + 18 * far, far, _filter(p[3], q[3], r[3]))
            _store_6(u, to + 24 * far, far, _filter(p[4], q[4], r[4]))
            _store_6(u, to + 30 * far, far, _filter(p[5], q[5], r[5]))


@written_in
def _write_tiles(
    m: Array, b: Array, relu: bool, o: int, row: int, rows: int, across: int, y: Array, space: Array
) -> None:  # fmt: skip
    """m (36, tiles, PANEL) -> y (O, H', W'): filters from o on, rows of tiles from `row` on."""
    filters, high, wide = y.shape
    far = rows * across * PANEL + GAP
    square, turned = space[: 16 * LANES], space[16 * LANES : 32 * LANES]
    for tile in range(rows * across):
        i, j = 4 * (row + tile // across), 4 * (tile % across)
        down, right = min(4, high - i), min(4, wide - j)
        for half in range(0, min(PANEL, filters - o), LANES):
            at = tile * PANEL + half
            p = _answers(*_load_6(m, at, 6 * far))
            q = _answers(*_load_6(m, at + far, 6 * far))
            r = _answers(*_load_6(m, at + 2 * far, 6 * far))
            s = _answers(*_load_6(m, at + 3 * far, 6 * far))
            t = _answers(*_load_6(m, at + 4 * far, 6 * far))
            u = _answers(*_load_6(m, at + 5 * far, 6 * far))
            _store_4(square, 0, LANES, _answers(p[0], q[0], r[0], s[0], t[0], u[0]))
            _store_4(square, 4 * LANES, LANES, _answers(p[1], q[1], r[1], s[1], t[1], u[1]))
            _store_4(square, 8 * LANES, LANES, _answers(p[2], q[2], r[2], s[2], t[2], u[2]))
            _store_4(square, 12 * LANES, LANES, _answers(p[3], q[3], r[3], s[3], t[3], u[3]))
            for k in range(0, 16, LANES):  # a row of `turned` is one filter's 4x4 answers
                store_transposed(square, k * LANES, LANES, turned, k, 16)
            for k in range(min(LANES, filters - o - half)):
                bias = b[o + half + k]
                for n in range(down):
                    target, source = y[o + half + k, i + n, j : j + right], turned[16 * k + 4 * n : 16 * k + 4 * n + 4]
                    if right == 4:
                        target[0], target[1] = source[0] + bias, source[1] + bias
                        target[2], target[3] = source[2] + bias, source[3] + bias
                    else:
                        for l in range(right):
                            target[l] = source[l] + bias
                    if relu:
                        for l in range(right):
                            target[l] = 0 if target[l] < 0 else target[l]


@helper
def multiply_tiles(
    v: Array, depth: int, w: Array, backward: bool, channels: int, u: Array, ready: bool, b: Array, relu: bool,
    panel: int, panels: int, row: int, rows: int, across: int, y: Array, steps: Array, space: Array,
) -> None:  # fmt: skip
    """v (36, tiles, depth) times the filters of some panels -> their answers in y.

    u holds all changed filters if they are ready; otherwise it is room for one chunk of them.
    """
    tiles = rows * across
    size = 36 * (tiles * PANEL + GAP)
    m, space = space[:size], space[size:]
    chunks = (channels + CHUNK - 1) // CHUNK
    room = 36 * (min(CHUNK, channels) * PANEL + GAP)
    for o in range(panel * PANEL, (panel + panels) * PANEL, PANEL):
        m[:] = 0
        for chunk in range(chunks):
            first = chunk * CHUNK
            count = min(CHUNK, channels - first)
            at = (o // PANEL * chunks + chunk) * room if ready else 0
            if not ready:
                change_filters(w, backward, o, first, count, u, at, space)
            for place in range(36):
                left, right = place * (tiles * depth + GAP) + first, at + place * (count * PANEL + GAP)
                target = place * (tiles * PANEL + GAP)
                multiply(tiles, 2, frozen(v), left, depth, frozen(u), right, steps, count, m, target, PANEL)
        _write_tiles(m, b, relu, o, row, rows, across, y, space)


@helper
def _change(
    number: int, me: int, one: bool, parts: int, x: Array, w: Array, padding: Pair, backward: bool, rows: int,
    across: int, memory: Array, common: int, own: int,
) -> None:  # fmt: skip
    """One block: some channels of its pixels. Several: the filters of one panel and one chunk."""
    channels, space = x.shape[1], memory[common + me * own :]
    if one:
        depth = (channels + LANES - 1) // LANES * LANES
        first, stop = share(depth // LANES, number, parts)
        change_pixels(
            x[0], padding[0], padding[1], ZERO, rows, across, first * LANES, stop * LANES, depth, memory, space
        )  # fmt: skip
    else:
        chunks = (channels + CHUNK - 1) // CHUNK
        panel, chunk = number // chunks, number % chunks
        room, count = 36 * (min(CHUNK, channels) * PANEL + GAP), min(CHUNK, channels - chunk * CHUNK)
        change_filters(w, backward, panel * PANEL, chunk * CHUNK, count, memory, number * room, space)


@helper
def _multiply(
    number: int, me: int, one: bool, x: Array, w: Array, b: Array, padding: Pair, backward: bool, relu: bool,
    rows: int, across: int, y: Array, steps: Array, memory: Array, common: int, own: int,
) -> None:  # fmt: skip
    """One block: one panel of filters. Several: one block of tiles of one image, all filters."""
    channels, filters, down = x.shape[1], y.shape[1], (y.shape[2] + 3) // 4
    depth = (channels + LANES - 1) // LANES * LANES
    space, u, v = memory[common + me * own :], memory, memory
    n, row, some, panel, panels = ZERO, ZERO, rows, number, ZERO + 1
    if one:
        room = 36 * (min(CHUNK, channels) * PANEL + GAP)
        u, space = space[:room], space[room:]
    else:
        blocks = (down + rows - 1) // rows
        n, row = number // blocks, number % blocks * rows
        some, panel, panels = min(rows, down - row), ZERO, (filters + PANEL - 1) // PANEL
        size = 36 * (rows * across * depth + GAP)
        v, space = space[:size], space[size:]
        change_pixels(x[n], padding[0], padding[1], row, some, across, ZERO, depth, depth, v, space)
    multiply_tiles(
        v, depth, w, backward, channels, u, not one, b, relu, panel, panels, row, some, across, y[n], steps, space
    )  # fmt: skip


@kernel
def convolve(
    board: Array, one: bool, x: Array, w: Array, b: Array, padding: Pair, backward: bool, relu: bool, rows: int,
    across: int, y: Array, steps: Array, memory: Array, common: int, own: int,
) -> None:  # fmt: skip
    """One block, a small image: all its pixels are changed first, then each thread takes some of the filters.

    Several, a large image or many: all filters are changed first, then each thread takes some blocks of tiles.
    """
    channels, panels, down = x.shape[1], (y.shape[1] + PANEL - 1) // PANEL, (y.shape[2] + 3) // 4
    changes, parts = panels * ((channels + CHUNK - 1) // CHUNK), len(x) * ((down + rows - 1) // rows)
    if one:
        changes, parts = pieces(board, (channels + LANES - 1) // LANES, 500 * rows * across * channels), panels
    parallel(
        _change, changes, board, (one, changes, x, w, padding, backward, rows, across, memory, common, own)
    )  # fmt: skip
    parallel(
        _multiply, parts, board,
        (one, x, w, b, padding, backward, relu, rows, across, y, steps, memory, common, own),
    )  # fmt: skip
