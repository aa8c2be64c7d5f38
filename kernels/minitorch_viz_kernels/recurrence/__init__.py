"""Recurrence: an LSTM through time."""

from __future__ import annotations

from minitorch_viz_kernels.contract import Array
from minitorch_viz_kernels.machine.checks import floats
from minitorch_viz_kernels.machine.registry import Rungs, kernel

from . import checks
from .contract import Recurrence

RUNGS: Rungs[Recurrence] = Rungs(__name__)


@kernel
def lstm(x: Array, w: Array, u: Array, b: Array, h0: Array, c0: Array) -> tuple[Array, ...]:
    """Run memory cells through time: x (T, N, D) -> h, c, and the gates i, f, g, o, each (T, N, H)."""
    x, w, u, b, h0, c0 = floats("lstm", x=x, w=w, u=u, b=b, h0=h0, c0=c0)
    checks.lstm(x, w, u, b, h0, c0)
    return RUNGS(x).lstm(x, w, u, b, h0, c0)


@kernel
def lstm_dz(
    dy: Array, c: Array, i: Array, f: Array, g: Array, o: Array, u: Array, c0: Array
) -> tuple[Array, Array, Array]:
    """Carry a gradient back to before the gates' curves: dy (T, K, H) -> dz (T, K, 4H), dh0 and dc0 (K, H)."""
    dy, c, i, f, g, o, u, c0 = floats("lstm_dz", dy=dy, c=c, i=i, f=f, g=g, o=o, u=u, c0=c0)
    checks.lstm_dz(dy, u, c0, c=c, i=i, f=f, g=g, o=o)
    return RUNGS(dy).lstm_dz(dy, c, i, f, g, o, u, c0)
