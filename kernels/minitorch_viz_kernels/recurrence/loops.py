"""Rung one: an LSTM in plain loops, one memory cell at a time.

Slow and literal; the oracle that the other rungs are tested against. `compiled.py` hands the same text to a compiler.
"""

from __future__ import annotations

import numpy as np

from minitorch_viz_kernels.contract import Array


def _sigmoid(z: float) -> float:
    return float(1 / (1 + np.exp(-z)))


def _gate(row: int, x: Array, w: Array, u: Array, b: Array, h_before: Array) -> float:
    """Return what a gate's curve is given: row of w x + u h + b."""
    from_x, from_h = x.dtype.type(0), x.dtype.type(0)
    for d in range(len(x)):
        from_x += w[row, d] * x[d]
    for j in range(len(h_before)):
        from_h += u[row, j] * h_before[j]
    z: float = from_x + from_h + b[row]
    return z


def lstm(x: Array, w: Array, u: Array, b: Array, h0: Array, c0: Array) -> tuple[Array, ...]:
    steps, batch, hidden = x.shape[0], x.shape[1], u.shape[1]
    h, c, i, f, g, o = np.zeros((6, steps, batch, hidden), x.dtype)
    for t, n, j in np.ndindex((steps, batch, hidden)):
        h_before, c_before = h0[n], c0[n, j]
        if t > 0:
            h_before, c_before = h[t - 1, n], c[t - 1, n, j]
        i[t, n, j] = _sigmoid(_gate(j, x[t, n], w, u, b, h_before))
        f[t, n, j] = _sigmoid(_gate(hidden + j, x[t, n], w, u, b, h_before))
        g[t, n, j] = np.tanh(_gate(2 * hidden + j, x[t, n], w, u, b, h_before))
        o[t, n, j] = _sigmoid(_gate(3 * hidden + j, x[t, n], w, u, b, h_before))
        c[t, n, j] = f[t, n, j] * c_before + i[t, n, j] * g[t, n, j]
        h[t, n, j] = o[t, n, j] * np.tanh(c[t, n, j])
    return h, c, i, f, g, o


def lstm_dz(
    dy: Array, c: Array, i: Array, f: Array, g: Array, o: Array, u: Array, c0: Array
) -> tuple[Array, Array, Array]:
    steps, batch, hidden = dy.shape
    tapes = c.shape[1]
    dz = np.zeros((steps, batch, 4 * hidden), dy.dtype)
    dh, dc = np.zeros((batch, hidden), dy.dtype), np.zeros((batch, hidden), dy.dtype)
    for steps_done in range(steps):
        t = steps - 1 - steps_done
        for k, j in np.ndindex((batch, hidden)):
            n = k % tapes
            c_before = c0[n, j]
            if t > 0:
                c_before = c[t - 1, n, j]
            dh[k, j] += dy[t, k, j]
            dc[k, j] += dh[k, j] * o[t, n, j] * (1 - np.tanh(c[t, n, j]) ** 2)
            dz[t, k, j] = dc[k, j] * g[t, n, j] * i[t, n, j] * (1 - i[t, n, j])
            dz[t, k, hidden + j] = dc[k, j] * c_before * f[t, n, j] * (1 - f[t, n, j])
            dz[t, k, 2 * hidden + j] = dc[k, j] * i[t, n, j] * (1 - g[t, n, j] ** 2)
            dz[t, k, 3 * hidden + j] = dh[k, j] * np.tanh(c[t, n, j]) * o[t, n, j] * (1 - o[t, n, j])
            dc[k, j] *= f[t, n, j]
        for k, j in np.ndindex((batch, hidden)):
            dh[k, j] = 0
            for row in range(4 * hidden):
                dh[k, j] += u[row, j] * dz[t, k, row]
    return dz, dh, dc
