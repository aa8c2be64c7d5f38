"""Rung two of the LSTM, which is also rung four: NumPy's functions here work on CuPy's arrays too.

What x says to the gates is one product for all steps. Only what h says has to wait for the step before:

    z[t] = W x[t] + b  +  U h[t-1]          all steps at once  |  one after the other
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from minitorch_viz_kernels.contract import Array

Product: TypeAlias = Callable[[Array, Array], Array]


def quarters(z: Array) -> tuple[Array, Array, Array, Array]:
    """Return views of the parts of i, f, g and o of z (..., 4H), each (..., H)."""
    h = z.shape[-1] // 4
    return z[..., :h], z[..., h : 2 * h], z[..., 2 * h : 3 * h], z[..., 3 * h :]


def _sigmoid(z: Array) -> Array:
    half: Array = 0.5 * np.tanh(0.5 * z) + 0.5  # never overflows
    return half


def lstm(
    x: Array, w: Array, u: Array, b: Array, h0: Array, c0: Array, product: Product = np.matmul
) -> tuple[Array, ...]:
    z = product(x.reshape(-1, x.shape[2]), w.T).reshape(*x.shape[:2], len(w)) + b  # (T, N, 4H)
    h, c, i, f, g, o = (np.empty_like(x, shape=(*x.shape[:2], u.shape[1])) for _ in range(6))
    h_now, c_now = h0, c0
    for t in range(len(x)):
        zi, zf, zg, zo = quarters(z[t] + product(h_now, u.T))
        i[t], f[t], g[t], o[t] = _sigmoid(zi), _sigmoid(zf), np.tanh(zg), _sigmoid(zo)
        c[t] = f[t] * c_now + i[t] * g[t]
        h[t] = o[t] * np.tanh(c[t])
        h_now, c_now = h[t], c[t]
    return h, c, i, f, g, o


def lstm_dz(
    dy: Array, c: Array, i: Array, f: Array, g: Array, o: Array, u: Array, c0: Array
) -> tuple[Array, Array, Array]:
    dz = np.empty_like(dy, shape=(*dy.shape[:2], len(u)))
    dh = dc = np.zeros_like(dy[0])  # what the step after sends back
    for t in reversed(range(len(dy))):
        c_before, tanh_c = c[t - 1] if t else c0, np.tanh(c[t])
        dzi, dzf, dzg, dzo = quarters(dz[t])
        dh = dy[t] + dh
        dc = dc + dh * o[t] * (1 - tanh_c**2)
        dzi[...] = dc * g[t] * i[t] * (1 - i[t])
        dzf[...] = dc * c_before * f[t] * (1 - f[t])
        dzg[...] = dc * i[t] * (1 - g[t] ** 2)
        dzo[...] = dh * tanh_c * o[t] * (1 - o[t])
        dh, dc = dz[t] @ u, dc * f[t]
    return dz, dh, dc
