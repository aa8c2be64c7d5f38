"""Winograd's changes of basis, for vectors of neighbouring channels or filters; `winograd` tells the idea.

The numbers of a filter are the coefficients of a polynomial, and G evaluates it at six points: 0, 1, -1, 2, -2 and
infinity, which is the last coefficient. Each point's values are divided by a number of its own, which B expects: 4,
-6, -6, 24, 24 and 1. Row i of A' holds the i-th powers of the points; infinity is in the last row only. Six points are
enough for 4 answers of 3 weights, and for 2 answers of 5 weights. B depends on the points alone: it serves both.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minitorch_viz_kernels.contract import Array
from minitorch_viz_kernels.machine.compiling import inlined, inner
from minitorch_viz_kernels.machine.llvm import lanes_of
from minitorch_viz_kernels.machine.vectors import ZERO, load, store, store_transposed

from .layouts import channels_last

LANES = lanes_of(np.float32)
PANEL = 2 * LANES  # filters that are multiplied at a time
GAP = LANES  # between the 36 matrices: at powers of two apart, they would compete for the same places in the cache


@inner
def _pixels(d0: Any, d1: Any, d2: Any, d3: Any, d4: Any, d5: Any) -> Any:
    """Return B' d for one column of pixels."""
    a, b = d4 - 4 * d2, d3 - 4 * d1
    e, f = d4 - d2, 2 * (d3 - d1)
    return 4 * d0 - 5 * d2 + d4, a + b, a - b, e + f, e - f, 4 * d1 - 5 * d3 + d5


@inner
def _filter_3(g0: Any, g1: Any, g2: Any) -> Any:
    """Return G g for one column of a 3x3 filter."""
    a, b = (g0 + g2) * (-1 / 6), g1 * (1 / 6)
    e, f = g0 * (1 / 24) + g2 * (1 / 6), g1 * (1 / 12)
    return g0 * 0.25, a - b, a + b, e + f, e - f, g2


@inner
def _filter_5(g0: Any, g1: Any, g2: Any, g3: Any, g4: Any) -> Any:
    """Return G g for one column of a 5x5 filter."""
    a, b = (g0 + g2 + g4) * (-1 / 6), (g1 + g3) * (1 / 6)
    e, f = g0 * (1 / 24) + g2 * (1 / 6) + g4 * (2 / 3), g1 * (1 / 12) + g3 * (1 / 3)
    return g0 * 0.25, a - b, a + b, e + f, e - f, g4


@inner
def answers_3(m0: Any, m1: Any, m2: Any, m3: Any, m4: Any, m5: Any) -> Any:
    """Return A' m for one column of products with a 3x3 filter: 4 answers."""
    a, b, e, f = m1 + m2, m1 - m2, m3 + m4, m3 - m4
    return m0 + a + e, b + 2 * f, a + 4 * e, b + 8 * f + m5


@inner
def answers_5(m0: Any, m1: Any, m2: Any, m3: Any, m4: Any, m5: Any) -> Any:
    """Return A' m for one column of products with a 5x5 filter: 2 answers."""
    return m0 + (m1 + m2) + (m3 + m4), (m1 - m2) + 2 * (m3 - m4) + m5


@inner
def _load_3(x: Array, at: int, step: int) -> Any:
    return load(x, at), load(x, at + step), load(x, at + 2 * step)


@inner
def _load_5(x: Array, at: int, step: int) -> Any:
    a, b, c = _load_3(x, at, step)
    return a, b, c, load(x, at + 3 * step), load(x, at + 4 * step)


@inner
def load_6(x: Array, at: int, step: int) -> Any:
    a, b, c = _load_3(x, at, step)
    return a, b, c, load(x, at + 3 * step), load(x, at + 4 * step), load(x, at + 5 * step)


@inner
def store_4(x: Array, at: int, step: int, values: Any) -> None:
    store(x, at, values[0])
    store(x, at + step, values[1])
    store(x, at + 2 * step, values[2])
    store(x, at + 3 * step, values[3])


@inner
def store_6(x: Array, at: int, step: int, values: Any) -> None:
    store_4(x, at, step, values)
    store(x, at + 4 * step, values[4])
    store(x, at + 5 * step, values[5])


@inner
def change_pixels(
    x: Array, taps: int, padding_high: int, padding_wide: int, row: int, rows: int, across: int, first: int,
    stop: int, depth: int, v: Array, v_at: int, far: int, space: Array,
) -> None:  # fmt: skip
    """Change the basis of x (C, H, W) -> v[v_at:] (36, tiles, depth), the 36 matrices `far` apart.

    Rows of tiles from `row` on, channels first to stop.
    """
    side, channels = 7 - taps, stop - first  # a tile's answers: 4x4 or 2x2
    high, wide = side * rows + taps - 1, side * across + taps - 1
    image = space[: high * wide * channels]
    channels_last(x, side * row - padding_high, -padding_wide, first, high, wide, channels, LANES + ZERO, image)
    image_row = wide * channels
    for i in range(rows):
        for j in range(across):
            for c in range(0, channels, LANES):
                at, to = side * (i * wide + j) * channels + c, v_at + (i * across + j) * depth + first + c
                p = _pixels(*load_6(image, at, image_row))
                q = _pixels(*load_6(image, at + channels, image_row))
                r = _pixels(*load_6(image, at + 2 * channels, image_row))
                s = _pixels(*load_6(image, at + 3 * channels, image_row))
                t = _pixels(*load_6(image, at + 4 * channels, image_row))
                u = _pixels(*load_6(image, at + 5 * channels, image_row))
                store_6(v, to, far, _pixels(p[0], q[0], r[0], s[0], t[0], u[0]))
                store_6(v, to + 6 * far, far, _pixels(p[1], q[1], r[1], s[1], t[1], u[1]))
                store_6(v, to + 12 * far, far, _pixels(p[2], q[2], r[2], s[2], t[2], u[2]))
                store_6(v, to + 18 * far, far, _pixels(p[3], q[3], r[3], s[3], t[3], u[3]))
                store_6(v, to + 24 * far, far, _pixels(p[4], q[4], r[4], s[4], t[4], u[4]))
                store_6(v, to + 30 * far, far, _pixels(p[5], q[5], r[5], s[5], t[5], u[5]))


@inlined
def _filters_last(w: Array, backward: bool, o: int, first: int, count: int, out: Array) -> None:
    """Put filters last: w (O, C, taps * taps) -> out (count, taps * taps, PANEL), from filter o and channel `first`.

    Backward, a gradient's "filter" is a channel c of w and its "channel" a filter o of w.
    """
    filters, channels = (w.shape[1], w.shape[0]) if backward else (w.shape[0], w.shape[1])
    area = w.shape[2]
    row = area if backward else area * channels  # from one filter to the next
    runs, length = (count, area) if backward else (1, area * count)  # neighbouring numbers of each filter
    flat = w.reshape(w.size)
    for run in range(runs):
        start = o * row + area * (filters * (first + run) if backward else first)
        for half in range(0, min(PANEL, filters - o), LANES):
            for k in range(0, length, LANES):
                at, to = start + half * row + k, (run * length + k) * PANEL + half
                # The last block of a run reads some numbers too many, and the next run writes over what they gave.
                if o + half + LANES <= filters and at + (LANES - 1) * row + LANES <= w.size:
                    store_transposed(flat, at, row, out, to, PANEL)
                else:
                    for i in range(LANES):
                        for j in range(min(LANES, length - k)):
                            out[to + j * PANEL + i] = flat[at + i * row + j] if o + half + i < filters else 0


@inner
def change_filters(
    w: Array, backward: bool, o: int, first: int, count: int, u: Array, u_at: int, far: int, space: Array
) -> None:  # fmt: skip
    """Change the basis of w (O, C, taps * taps) -> u[u_at:] (36, count, PANEL), the 36 matrices `far` apart.

    Backward, the filters are turned by half a circle.
    """
    _filters_last(w, backward, o, first, count, space)
    filters, area = w.shape[1] if backward else w.shape[0], w.shape[2]
    square = space[area * count * PANEL :]  # 5x6 vectors, more than the processor can hold
    start, step = ((area - 1) * PANEL, -PANEL) if backward else (0, PANEL)
    for c in range(count):
        for half in range(0, min(PANEL, filters - o), LANES):
            at, to = c * area * PANEL + half + start, u_at + c * PANEL + half
            if area == 9:
                p = _filter_3(*_load_3(space, at, 3 * step))
                q = _filter_3(*_load_3(space, at + step, 3 * step))
                r = _filter_3(*_load_3(space, at + 2 * step, 3 * step))
                store_6(u, to, far, _filter_3(p[0], q[0], r[0]))
                store_6(u, to + 6 * far, far, _filter_3(p[1], q[1], r[1]))
                store_6(u, to + 12 * far, far, _filter_3(p[2], q[2], r[2]))
                store_6(u, to + 18 * far, far, _filter_3(p[3], q[3], r[3]))
                store_6(u, to + 24 * far, far, _filter_3(p[4], q[4], r[4]))
                store_6(u, to + 30 * far, far, _filter_3(p[5], q[5], r[5]))
            else:
                for k in range(5):
                    store_6(square, k * LANES, 5 * LANES, _filter_5(*_load_5(space, at + k * step, 5 * step)))
                for k in range(6):
                    store_6(u, to + 6 * k * far, far, _filter_5(*_load_5(square, 5 * k * LANES, LANES)))


@inner
def gradient_3(d0: Any, d1: Any, d2: Any, d3: Any) -> Any:
    """Return A d for one column of a tile's gradient, backwards through `answers_3`."""
    a, b = d0 + d2, d1 + d3
    e, f = d0 + 4 * d2, 2 * d1 + 8 * d3
    return d0, a + b, a - b, e + f, e - f, d3


@inner
def weights_3(s0: Any, s1: Any, s2: Any, s3: Any, s4: Any, s5: Any) -> Any:
    """Return G' s for one column of sums, backwards through `_filter_3`."""
    a, e = s1 + s2, s3 + s4
    return (
        0.25 * s0 - (1 / 6) * a + (1 / 24) * e,
        (1 / 6) * (s2 - s1) + (1 / 12) * (s3 - s4),
        (1 / 6) * (e - a) + s5,
    )


@inner
def load_4(x: Array, at: int, step: int) -> Any:
    return load(x, at), load(x, at + step), load(x, at + 2 * step), load(x, at + 3 * step)


@inner
def change_gradient(
    dy: Array, row: int, rows: int, across: int, first: int, stop: int, depth: int, z: Array, z_at: int, far: int,
    space: Array,
) -> None:  # fmt: skip
    """Change the basis of dy (O, H', W') -> z (36, tiles, depth): tiles from row `row` on, filters first to stop."""
    channels, wide = stop - first, 4 * across
    image = space[: 4 * rows * wide * channels]
    channels_last(dy, 4 * row, ZERO, first, 4 * rows, wide, channels, LANES + ZERO, image)
    image_row = wide * channels
    for i in range(rows):
        for j in range(across):
            for c in range(0, channels, LANES):
                at, to = 4 * (i * wide + j) * channels + c, z_at + (i * across + j) * depth + first + c
                p = gradient_3(*load_4(image, at, image_row))
                q = gradient_3(*load_4(image, at + channels, image_row))
                r = gradient_3(*load_4(image, at + 2 * channels, image_row))
                s = gradient_3(*load_4(image, at + 3 * channels, image_row))
                store_6(z, to, far, gradient_3(p[0], q[0], r[0], s[0]))
                store_6(z, to + 6 * far, far, gradient_3(p[1], q[1], r[1], s[1]))
                store_6(z, to + 12 * far, far, gradient_3(p[2], q[2], r[2], s[2]))
                store_6(z, to + 18 * far, far, gradient_3(p[3], q[3], r[3], s[3]))
                store_6(z, to + 24 * far, far, gradient_3(p[4], q[4], r[4], s[4]))
                store_6(z, to + 30 * far, far, gradient_3(p[5], q[5], r[5], s[5]))


@inner
def store_3(x: Array, at: int, step: int, values: Any) -> None:
    store(x, at, values[0])
    store(x, at + step, values[1])
    store(x, at + 2 * step, values[2])
