"""Rung one: smooth curves in plain loops.

Slow and literal; the oracle that the other rungs are tested against. `compiled.py` hands the same text to a compiler.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minitorch_viz_kernels.contract import Array

ROOT, CUBIC = math.sqrt(2 / math.pi), 0.044715


def _share(x: Any) -> Any:
    """Return the share of a normal distribution that lies below x."""
    return math.erfc(-x / math.sqrt(2)) / 2


def gelu(x: Array, tanh: bool = False) -> Array:
    y = np.zeros_like(x)
    for at in np.ndindex(x.shape):
        if tanh:
            y[at] = x[at] / 2 * (1 + math.tanh(ROOT * (x[at] + CUBIC * x[at] ** 3)))
        else:
            y[at] = x[at] * _share(x[at])
    return y


def gelu_dx(dy: Array, x: Array, tanh: bool = False) -> Array:
    dx = np.zeros_like(dy)
    for at in np.ndindex(dy.shape):
        value = x[(at[0] % len(x), *at[1:])]
        if tanh:
            t = math.tanh(ROOT * (value + CUBIC * value**3))
            slope = (1 + t) / 2 + value / 2 * (1 - t * t) * ROOT * (1 + 3 * CUBIC * value**2)
        else:
            slope = _share(value) + value * math.exp(-(value**2) / 2) / math.sqrt(2 * math.pi)
        dx[at] = dy[at] * slope
    return dx


def _sigmoid(x: Any) -> Any:
    if x < 0:  # so that the exponential cannot overflow
        return math.exp(x) / (1 + math.exp(x))
    return 1 / (1 + math.exp(-x))


def silu(x: Array) -> Array:
    y = np.zeros_like(x)
    for at in np.ndindex(x.shape):
        y[at] = x[at] * _sigmoid(x[at])
    return y


def silu_dx(dy: Array, x: Array) -> Array:
    dx = np.zeros_like(dy)
    for at in np.ndindex(dy.shape):
        value = x[(at[0] % len(x), *at[1:])]
        s = _sigmoid(value)
        dx[at] = dy[at] * (s + value * s * (1 - s))
    return dx
