"""An LSTM's way back: one compiled function for all steps.

Of each step the gates' part is number by number, on whole vectors, and the rest one small product, dz times U, whose
panels (`product/numba_/panels`) are cut once and read again at each step.

    for each step      dh = dz of the step after @ U      of some sequences, or of some cells
                       dz, dc = gates(dh, dc)             of the same

Threads take different sequences of the batch, between which nothing passes; a batch too small for that is shared by
cells, and then all wait for each other at every step: the product needs dz of all cells.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minitorch_viz_kernels.contract import Array
from minitorch_viz_kernels.machine.compiling import compiled, inner, packed
from minitorch_viz_kernels.machine.llvm import lanes_of
from minitorch_viz_kernels.machine.memory import empty
from minitorch_viz_kernels.machine.parallel import parallel, part_range
from minitorch_viz_kernels.machine.threads import WORKERS, board_for
from minitorch_viz_kernels.machine.vector_curves import tanh
from minitorch_viz_kernels.machine.vectors import ZERO, frozen, load, store
from minitorch_viz_kernels.product.numba_.panels import add_product, panel_steps, panels
from minitorch_viz_kernels.product.numba_.tile import ROWS


@inner
def _cell(dh: Any, dc: Any, c_before: Any, tanh_c: Any, i: Any, f: Any, g: Any, o: Any) -> Any:
    """Return dz of i, f, g and o, and dc of the step before, from dh and dc; numbers, or vectors of them."""
    dc = dc + dh * o * (1 - tanh_c * tanh_c)
    return dc * g * i * (1 - i), dc * c_before * f * (1 - f), dc * i * (1 - g * g), dh * tanh_c * o * (1 - o), dc * f


@inner
def _gates(
    t: int, top: int, bottom: int, left: int, right: int, lanes: int, dy: Array, c: Array, i: Array, f: Array,
    g: Array, o: Array, c0: Array, dz: Array, dh: Array, dc: Array,
) -> None:  # fmt: skip
    """Compute dz of step t, and dc of the step before, for the sequences top to bottom and the cells left to right."""
    (_, tapes, hidden) = c.shape
    for k in range(top, bottom):
        n = 0 if tapes == 1 else k
        c_before, c_n = c[t - 1, n] if t else c0[n], c[t, n]
        i_n, f_n, g_n, o_n = i[t, n], f[t, n], g[t, n], o[t, n]
        dy_k, dz_k, dh_k, dc_k = dy[t, k], dz[t, k], dh[k], dc[k]
        j = left
        while j + lanes <= right:
            dzi, dzf, dzg, dzo, dc_j = _cell(
                load(dy_k, j) + load(dh_k, j), load(dc_k, j), load(c_before, j), tanh(load(c_n, j)),
                load(i_n, j), load(f_n, j), load(g_n, j), load(o_n, j),
            )  # fmt: skip
            store(dz_k, j, dzi)
            store(dz_k, hidden + j, dzf)
            store(dz_k, 2 * hidden + j, dzg)
            store(dz_k, 3 * hidden + j, dzo)
            store(dc_k, j, dc_j)
            j += lanes
        while j < right:  # what is less than a vector
            dz_k[j], dz_k[hidden + j], dz_k[2 * hidden + j], dz_k[3 * hidden + j], dc_k[j] = _cell(
                dy_k[j] + dh_k[j], dc_k[j], c_before[j], np.tanh(c_n[j]), i_n[j], f_n[j], g_n[j], o_n[j]
            )
            j += 1


@inner
def _back_part(
    number: int, _worker: int, parts: int, by_sequences: bool, begin: int, stop: int, dy: Array, c: Array, i: Array,
    f: Array, g: Array, o: Array, u: Array, u_steps: Array, c0: Array, lanes: int, dz: Array, dh: Array, dc: Array,
) -> None:  # fmt: skip
    """Carry some sequences of the batch, or some cells, back from the step after `begin` to the one after `stop`."""
    (steps, _, hidden), batch = c.shape, len(dh)
    panels = -(-hidden // (2 * lanes))
    top, bottom, first, last = 0, batch, ZERO, ZERO + panels
    if by_sequences:
        top, bottom = part_range(-(-batch // ROWS), number, parts)
        top, bottom = top * ROWS, min(bottom * ROWS, batch)
    else:
        first, last = part_range(panels, number, parts)
    left, right = first * 2 * lanes, min(last * 2 * lanes, hidden)
    for t in range(begin, stop, -1):
        if t + 1 < steps:
            dh[top:bottom, left:right] = 0
            add_product(
                frozen(dz).reshape(dz.size), ((t + 1) * batch + top) * 4 * hidden, bottom - top, u, 4 * hidden, ZERO,
                u_steps, first, last, dh.reshape(dh.size), top * hidden, hidden, lanes,
            )  # fmt: skip
        if t >= 0:
            _gates(t, top, bottom, left, right, lanes, dy, c, i, f, g, o, c0, dz, dh, dc)


@compiled
def _back(
    board: Array, dy: Array, c: Array, i: Array, f: Array, g: Array, o: Array, u: Array, u_steps: Array,
    c0: Array, lanes: int, dz: Array, dh: Array, dc: Array,
) -> None:  # fmt: skip
    """Carry all sequences back. dh and dc (K, H) begin as zeros, and end as the gradients of h0 and c0."""
    threads, steps = int(board[WORKERS]) + 1, len(c)
    by_sequences = len(dh) >= threads * ROWS
    panels = -(-c.shape[2] // (2 * lanes))
    parts = threads if by_sequences else min(threads, panels)
    together = steps + 1 if by_sequences or parts == 1 else 1
    for t in range(steps - 1, -2, -together):
        parallel(
            _back_part, parts, board,
            (parts, by_sequences, t, t - together, dy, c, i, f, g, o, u, u_steps, c0, lanes, dz, dh, dc),
        )  # fmt: skip


def lstm_dz(
    dy: Array, c: Array, i: Array, f: Array, g: Array, o: Array, u: Array, c0: Array
) -> tuple[Array, Array, Array]:
    (steps, batch, hidden), lanes = dy.shape, lanes_of(dy.dtype)
    dz = empty((steps, batch, 4 * hidden), dy.dtype)
    dh, dc = np.zeros((2, batch, hidden), dy.dtype)
    dy, c, i, f, g, o, c0 = (packed(array) for array in (dy, c, i, f, g, o, c0))
    u_panels, u_steps = panels(u), panel_steps(4 * hidden, lanes)
    _back(board_for(4.0 * dy.size * hidden), dy, c, i, f, g, o, u_panels, u_steps, c0, lanes, dz, dh, dc)
    return dz, dh, dc
