"""An LSTM's way back: one compiled function for all steps; threads take different sequences of the batch.

Of each step the gates' part is number by number, on whole vectors, and the rest one small product, dz times U, whose
panels (`product/numba_/panels`) are cut once and read again at each step.
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
def _back_part(
    number: int, _worker: int, parts: int, dy: Array, c: Array, i: Array, f: Array, g: Array, o: Array,
    u: Array, u_steps: Array, c0: Array, lanes: int, dz: Array, dh: Array, dc: Array,
) -> None:  # fmt: skip
    """Carry some sequences of the batch back, from the last step to the first."""
    (steps, tapes, hidden), batch = c.shape, len(dh)
    first, stop = part_range(-(-batch // ROWS), number, parts)
    first, stop = first * ROWS, min(stop * ROWS, batch)
    for t in range(steps - 1, -1, -1):
        for k in range(first, stop):
            n = 0 if tapes == 1 else k
            c_before, c_n = c[t - 1, n] if t else c0[n], c[t, n]
            i_n, f_n, g_n, o_n = i[t, n], f[t, n], g[t, n], o[t, n]
            dy_k, dz_k, dh_k, dc_k = dy[t, k], dz[t, k], dh[k], dc[k]
            j = 0
            while j + lanes <= hidden:
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
            while j < hidden:  # what is less than a vector
                dz_k[j], dz_k[hidden + j], dz_k[2 * hidden + j], dz_k[3 * hidden + j], dc_k[j] = _cell(
                    dy_k[j] + dh_k[j], dc_k[j], c_before[j], np.tanh(c_n[j]), i_n[j], f_n[j], g_n[j], o_n[j]
                )
                j += 1
        dh[first:stop] = 0
        add_product(
            frozen(dz).reshape(dz.size), (t * batch + first) * 4 * hidden, stop - first, u, 4 * hidden, ZERO, u_steps,
            ZERO, -(-hidden // (2 * lanes)), dh.reshape(dh.size), first * hidden, hidden, lanes,
        )  # fmt: skip


@compiled
def _back(
    board: Array, dy: Array, c: Array, i: Array, f: Array, g: Array, o: Array, u: Array, u_steps: Array,
    c0: Array, lanes: int, dz: Array, dh: Array, dc: Array,
) -> None:  # fmt: skip
    """Carry all sequences back. dh and dc (K, H) begin as zeros, and end as the gradients of h0 and c0."""
    parts = min(board[WORKERS] + 1, -(-len(dh) // ROWS))
    parallel(_back_part, parts, board, (parts, dy, c, i, f, g, o, u, u_steps, c0, lanes, dz, dh, dc))


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
