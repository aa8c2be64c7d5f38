"""An LSTM forwards: all steps inside one compiled function, each step a product and the gates made of it.

    z = x W + b        of many steps at once, by `product`
    for each step      for each vector of cells:  z += h_before @ its panel of U   (`tile`)
                                                  i, f, g, o, c, h of these cells, while z is in the nearest cache

Threads take different sequences of the batch, between which nothing passes; a batch too small for that is shared by
cells, and then all wait for each other at every step.

The panels of U are read in each step, and often the cache is too small to keep them all. Every other step begins where
the step before ended: what was read last is still there.
"""

from __future__ import annotations

import numpy as np

from minitorch_viz_kernels.contract import Array
from minitorch_viz_kernels.machine.compiling import compiled, inner, packed
from minitorch_viz_kernels.machine.llvm import lanes_of
from minitorch_viz_kernels.machine.memory import empty
from minitorch_viz_kernels.machine.parallel import parallel, part_range
from minitorch_viz_kernels.machine.threads import WORKERS, board_for
from minitorch_viz_kernels.machine.vector_curves import sigmoid, tanh
from minitorch_viz_kernels.machine.vectors import frozen, load, store
from minitorch_viz_kernels.product.numba_.few_rows import FEW_ROWS
from minitorch_viz_kernels.product.numba_.panels import matmul, matmul_panels
from minitorch_viz_kernels.recurrence import numpy_

from .panels import gate_panels, gate_row
from .tile import GATES, ROWS, add_gates

VECTORS_AHEAD = 1024  # about how many vectors x are multiplied with W at a time: their z stays in the last cache


@inner
def _cells(
    number: int, top: int, bottom: int, t: int, batch: int, width: int, lanes: int, u: Array, u_steps: Array, z: Array,
    z_at: int, h: Array, c: Array, i: Array, f: Array, g: Array, o: Array,
) -> None:  # fmt: skip
    """Compute step t of one vector of cells, for the sequences from top to bottom. h and c begin a step earlier."""
    depth, wide, before = len(u_steps), GATES * lanes, (t * batch + top) * width
    z_at += top * GATES * width + number * wide
    add_gates(bottom - top, frozen(h), before, width, u, number * depth * wide, u_steps, depth, z, z_at, GATES * width)
    at = before + number * lanes
    after = at + batch * width
    for _ in range(top, bottom):
        i_now, f_now = sigmoid(load(z, z_at)), sigmoid(load(z, z_at + lanes))
        g_now, o_now = tanh(load(z, z_at + 2 * lanes)), sigmoid(load(z, z_at + 3 * lanes))
        c_now = f_now * load(c, at) + i_now * g_now
        store(i, at, i_now)
        store(f, at, f_now)
        store(g, at, g_now)
        store(o, at, o_now)
        store(c, after, c_now)
        store(h, after, o_now * tanh(c_now))
        z_at, at, after = z_at + GATES * width, at + width, after + width


@inner
def _steps_part(
    number: int, _worker: int, parts: int, by_sequences: bool, begin: int, stop: int, offset: int, batch: int,
    width: int, lanes: int, u: Array, u_steps: Array, z: Array, h: Array, c: Array, i: Array, f: Array, g: Array,
    o: Array,
) -> None:  # fmt: skip
    """Compute some steps of some sequences, or of some cells. z begins with step `offset`."""
    blocks = width // lanes
    top, bottom, first, last = 0, batch, 0, blocks
    if by_sequences:
        top, bottom = part_range(batch, number, parts)
    else:
        first, last = part_range(blocks, number, parts)
    for t in range(begin, stop):
        z_at = (t - offset) * batch * GATES * width
        for block in range(first, last):
            turned = block if t % 2 else first + last - 1 - block
            _cells(turned, top, bottom, t, batch, width, lanes, u, u_steps, z, z_at, h, c, i, f, g, o)


@compiled
def _steps(
    board: Array, begin: int, stop: int, batch: int, width: int, lanes: int, u: Array, u_steps: Array, z: Array,
    h: Array, c: Array, i: Array, f: Array, g: Array, o: Array,
) -> None:  # fmt: skip
    """Compute the steps from begin to stop from z (steps, N, 4 * width). All arrays are flat."""
    threads = int(board[WORKERS]) + 1
    by_sequences = batch >= threads * ROWS
    parts = threads if by_sequences else min(threads, width // lanes)
    together = stop - begin if by_sequences or parts == 1 else 1
    for t in range(begin, stop, together):
        parallel(
            _steps_part, parts, board,
            (parts, by_sequences, t, t + together, begin, batch, width, lanes, u, u_steps, z, h, c, i, f, g, o),
        )  # fmt: skip


def lstm(x: Array, w: Array, u: Array, b: Array, h0: Array, c0: Array) -> tuple[Array, ...]:
    (steps, batch, features), hidden, lanes = x.shape, u.shape[1], lanes_of(x.dtype)
    if steps * batch <= FEW_ROWS:
        return numpy_.lstm(x, w, u, b, h0, c0, matmul)  # panels would be used so seldom that cutting is the work
    width = -(-hidden // lanes) * lanes  # whole vectors of cells
    w_panels, u_panels, b_row = gate_panels(w, 2), gate_panels(u, GATES), gate_row(b)
    u_steps, x = packed(np.arange(hidden, dtype=np.int64) * GATES * lanes), packed(x)
    h, c = (empty((steps + 1, batch, width), x.dtype) for _ in range(2))
    i, f, g, o = (empty((steps, batch, width), x.dtype) for _ in range(4))
    for state, start in ((h, h0), (c, c0)):
        state[0, :, :hidden], state[0, :, hidden:] = start, 0
    flat = [array.reshape(array.size) for array in (h, c, i, f, g, o)]
    ahead = max(1, VECTORS_AHEAD // max(1, batch))
    for begin in range(0, steps, ahead):
        x_ahead = x[begin : begin + ahead]
        z = matmul_panels(x_ahead.reshape(-1, features), w_panels, b_row)
        board = board_for(float(max(batch, ROWS)) * u.size)
        stop = begin + len(x_ahead)
        _steps(board, begin, stop, batch, width, lanes, u_panels, u_steps, z.reshape(z.size), *flat)
    return tuple(array[..., :hidden] for array in (h[1:], c[1:], i, f, g, o))
