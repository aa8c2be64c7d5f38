"""An LSTM through time, and its gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from minitorch_viz_kernels.contract import Array


class Recurrence(Protocol):
    """List what each rung of this folder holds."""

    def lstm(self, x: Array, w: Array, u: Array, b: Array, h0: Array, c0: Array) -> tuple[Array, ...]:
        """Run memory cells through time. What layer and paper call W, U and b has a quarter for each of i, f, g, o.

        x (T, N, D), w (4H, D), u (4H, H), b (4H,), h0 and c0 (N, H) -> h, c, i, f, g, o, each (T, N, H)

            for t, with h[-1] = h0 and c[-1] = c0:
                zi, zf, zg, zo = the quarters of w x[t] + u h[t-1] + b
                i[t], f[t], g[t], o[t] = sigmoid(zi), sigmoid(zf), tanh(zg), sigmoid(zo)
                c[t] = f[t] * c[t-1] + i[t] * g[t]
                h[t] = o[t] * tanh(c[t])
        """
        ...

    def lstm_dz(
        self, dy: Array, c: Array, i: Array, f: Array, g: Array, o: Array, u: Array, c0: Array
    ) -> tuple[Array, Array, Array]:
        """Carry a gradient of lstm back to before the gates' curves: dw, dx and all others are products with it.

        dy (T, K, H) for h; c, i, f, g, o (T, N, H); u (4H, H); c0 (N, H); N = 1 or K
        -> dz (T, K, 4H), dh0 (K, H), dc0 (K, H)

            dh = dc = 0
            for t from the last to the first:
                dh, dc = dy[t] + dh, dc + (dy[t] + dh) * o[t] * (1 - tanh(c[t])**2)
                dz[t] = the quarters dc * g[t] * i[t] * (1 - i[t]),  dc * c[t-1] * f[t] * (1 - f[t]),
                                     dc * i[t] * (1 - g[t]**2),      dh * tanh(c[t]) * o[t] * (1 - o[t])
                dh, dc = u.T dz[t], dc * f[t]
        """
        ...


if TYPE_CHECKING:  # the type checker compares each function of each rung with the contract
    from . import cuda_, loops, numba_, numpy_

    _RUNGS: tuple[Recurrence, ...] = (loops, numpy_, numba_, cuda_)
