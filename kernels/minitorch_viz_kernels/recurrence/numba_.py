"""An LSTM through time: at each step one small matrix product, h times U, which must not cost more than it has to.

U is cut into panels once (`product/numba_/panels`), and read again at each step. Forwards, threads share the panels of
a step; the tanh is NumPy's, whose loops are faster than what Numba's compiler finds. It serves all four gates,

    sigmoid(z) = tanh(z / 2) / 2 + 1/2

with the first half of each half in the weights. The way back needs no tanh inside its loop: it is one compiled
function, and threads take different sequences of the batch, between which nothing passes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minitorch_viz_kernels.contract import Array
from minitorch_viz_kernels.machine.compiling import compiled, inner, packed
from minitorch_viz_kernels.machine.llvm import lanes_of
from minitorch_viz_kernels.machine.parallel import parallel, part_count, part_range
from minitorch_viz_kernels.machine.threads import WORKERS, board_for
from minitorch_viz_kernels.machine.vectors import ZERO, frozen, load, store
from minitorch_viz_kernels.product.numba_.panels import add_product, matmul_panels, panel_steps, panels
from minitorch_viz_kernels.product.numba_.tile import ROWS

VECTORS_AHEAD = 1024  # about how many vectors x are multiplied with W at a time: their z stays in the last cache


@inner
def _add_recurrent_part(
    number: int, _worker: int, parts: int, h: Array, u: Array, steps: Array, z: Array, lanes: int
) -> None:  # fmt: skip
    """Compute some columns."""
    rows, width = z.shape
    first, stop = part_range(-(-width // (2 * lanes)), number, parts)
    add_product(
        frozen(h).reshape(h.size), ZERO, rows, u, h.shape[1], ZERO, steps, first, stop, z.reshape(z.size), ZERO, width,
        lanes,
    )  # fmt: skip


@compiled
def _add_recurrent(board: Array, h: Array, u: Array, steps: Array, z: Array, lanes: int) -> None:
    """Add h (N, H) @ the matrix in the panels u to z (N, 4H)."""
    parts = part_count(board, z.shape[1] // lanes, float(max(len(z), ROWS)) * z.shape[1] * h.shape[1])
    parallel(_add_recurrent_part, parts, board, (parts, h, u, steps, z, lanes))


@compiled
def _open_gates(z: Array, c_before: Array, c: Array, i: Array, f: Array, g: Array, o: Array) -> None:
    """Compute the gates from z (N, 4H), whose tanh has been taken, and c = f * c_before + i * g; all (N, H)."""
    hidden, half = c.shape[1], z.dtype.type(0.5)
    for n in range(len(z)):
        zi, zf, zg, zo = z[n, :hidden], z[n, hidden : 2 * hidden], z[n, 2 * hidden : 3 * hidden], z[n, 3 * hidden :]
        i_n, f_n, g_n, o_n, c_n, c_before_n = i[n], f[n], g[n], o[n], c[n], c_before[n]
        for j in range(hidden):  # short loops, which the compiler turns into vector instructions
            i_n[j] = zi[j] * half + half
        for j in range(hidden):
            f_n[j] = zf[j] * half + half
        for j in range(hidden):
            o_n[j] = zo[j] * half + half
        for j in range(hidden):
            g_n[j] = zg[j]
            c_n[j] = f_n[j] * c_before_n[j] + i_n[j] * zg[j]


def lstm(x: Array, w: Array, u: Array, b: Array, h0: Array, c0: Array) -> tuple[Array, ...]:
    (steps, batch, features), hidden, lanes = x.shape, u.shape[1], lanes_of(x.dtype)
    scale = np.full((4 * hidden, 1), 0.5, x.dtype)
    scale[2 * hidden : 3 * hidden] = 1  # g is a tanh itself
    w_panels, u_panels, b = panels((w * scale).T), panels((u * scale).T), b * scale[:, 0]
    u_steps, x = panel_steps(hidden, lanes), packed(x)
    h, c, i, f, g, o = (np.empty((steps, batch, hidden), x.dtype) for _ in range(6))
    h_now, c_now = np.array(h0, order="C"), np.array(c0, order="C")
    ahead = max(1, VECTORS_AHEAD // max(1, batch))
    for t in range(steps):
        if t % ahead == 0:
            x_ahead = x[t : t + ahead]
            z = matmul_panels(x_ahead.reshape(-1, features), w_panels, b).reshape(len(x_ahead), batch, 4 * hidden)
        z_now = z[t % ahead]
        _add_recurrent(board_for(float(max(batch, ROWS)) * u.size), h_now, u_panels, u_steps, z_now, lanes)
        np.tanh(z_now, out=z_now)
        _open_gates(z_now, c_now, c[t], i[t], f[t], g[t], o[t])
        h_now, c_now = h[t], c[t]
        np.tanh(c_now, out=h_now)
        np.multiply(h_now, o[t], out=h_now)
    return h, c, i, f, g, o


@inner
def _cell(dh: Any, dc: Any, c_before: Any, tanh_c: Any, i: Any, f: Any, g: Any, o: Any) -> Any:
    """Return dz of i, f, g and o, and dc of the step before, from dh and dc; numbers, or vectors of them."""
    dc = dc + dh * o * (1 - tanh_c * tanh_c)
    return dc * g * i * (1 - i), dc * c_before * f * (1 - f), dc * i * (1 - g * g), dh * tanh_c * o * (1 - o), dc * f


@inner
def _back_part(
    number: int, _worker: int, parts: int, dy: Array, c: Array, tanh_c: Array, i: Array, f: Array, g: Array, o: Array,
    u: Array, u_steps: Array, c0: Array, lanes: int, dz: Array, dh: Array, dc: Array,
) -> None:  # fmt: skip
    """Carry some sequences of the batch back, from the last step to the first."""
    (steps, tapes, hidden), batch = c.shape, len(dh)
    first, stop = part_range(-(-batch // ROWS), number, parts)
    first, stop = first * ROWS, min(stop * ROWS, batch)
    for t in range(steps - 1, -1, -1):
        for k in range(first, stop):
            n = 0 if tapes == 1 else k
            c_before, tanh, i_n, f_n, g_n, o_n = (
                c[t - 1, n] if t else c0[n],
                tanh_c[t, n],
                i[t, n],
                f[t, n],
                g[t, n],
                o[t, n],
            )
            dy_k, dz_k, dh_k, dc_k = dy[t, k], dz[t, k], dh[k], dc[k]
            j = 0
            while j + lanes <= hidden:
                dzi, dzf, dzg, dzo, dc_j = _cell(
                    load(dy_k, j) + load(dh_k, j), load(dc_k, j), load(c_before, j), load(tanh, j),
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
                    dy_k[j] + dh_k[j], dc_k[j], c_before[j], tanh[j], i_n[j], f_n[j], g_n[j], o_n[j]
                )
                j += 1
        dh[first:stop] = 0
        add_product(
            frozen(dz).reshape(dz.size), (t * batch + first) * 4 * hidden, stop - first, u, 4 * hidden, ZERO, u_steps,
            ZERO, -(-hidden // (2 * lanes)), dh.reshape(dh.size), first * hidden, hidden, lanes,
        )  # fmt: skip


@compiled
def _back(
    board: Array, dy: Array, c: Array, tanh_c: Array, i: Array, f: Array, g: Array, o: Array, u: Array, u_steps: Array,
    c0: Array, lanes: int, dz: Array, dh: Array, dc: Array,
) -> None:  # fmt: skip
    """Carry all sequences back. dh and dc (K, H) begin as zeros, and end as the gradients of h0 and c0."""
    parts = min(board[WORKERS] + 1, -(-len(dh) // ROWS))
    parallel(_back_part, parts, board, (parts, dy, c, tanh_c, i, f, g, o, u, u_steps, c0, lanes, dz, dh, dc))


def lstm_dz(
    dy: Array, c: Array, i: Array, f: Array, g: Array, o: Array, u: Array, c0: Array
) -> tuple[Array, Array, Array]:
    (steps, batch, hidden), lanes = dy.shape, lanes_of(dy.dtype)
    dz = np.empty((steps, batch, 4 * hidden), dy.dtype)
    dh, dc = np.zeros((2, batch, hidden), dy.dtype)
    dy, c, tanh_c, i, f, g, o, c0 = (packed(array) for array in (dy, c, np.tanh(c), i, f, g, o, c0))
    u_panels, u_steps = panels(u), panel_steps(4 * hidden, lanes)
    _back(board_for(4.0 * dy.size * hidden), dy, c, tanh_c, i, f, g, o, u_panels, u_steps, c0, lanes, dz, dh, dc)
    return dz, dh, dc
