"""What goes into an LSTM."""

from __future__ import annotations

from minitorch_viz_kernels.contract import Array
from minitorch_viz_kernels.machine.checks import axes, needs_shape


def lstm(x: Array, w: Array, u: Array, b: Array, h0: Array, c0: Array) -> None:
    axes("lstm", "T, N, D", x=x)
    axes("lstm", "4H, H", u=u)
    hidden = u.shape[1]
    needs_shape("lstm", "u", u.shape, (4 * hidden, hidden))
    needs_shape("lstm", "w", w.shape, (4 * hidden, x.shape[2]))
    needs_shape("lstm", "b", b.shape, (4 * hidden,))
    needs_shape("lstm", "h0", h0.shape, (x.shape[1], hidden))
    needs_shape("lstm", "c0", c0.shape, (x.shape[1], hidden))


def lstm_dz(dy: Array, u: Array, c0: Array, **saved: Array) -> None:
    axes("lstm_dz", "T, N, H", dy=dy)
    steps, batch, hidden = dy.shape
    needs_shape("lstm_dz", "u", u.shape, (4 * hidden, hidden))
    needs_shape("lstm_dz", "c0", c0.shape, (batch, hidden), (1, hidden))
    for name, array in saved.items():
        needs_shape("lstm_dz", name, array.shape, (steps, len(c0), hidden))
