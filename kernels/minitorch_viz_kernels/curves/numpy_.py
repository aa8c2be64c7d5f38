"""Rung two: smooth curves in NumPy. It is also rung five: CuPy's arrays work too."""

from __future__ import annotations

import math

import numpy as np

from minitorch_viz_kernels.contract import Array

from .loops import CUBIC, ROOT
from .tail import DOUBLE, SINGLE

FARTHEST = 40.0  # beyond, the tail is below the smallest number of either precision


def normal_share(x: Array) -> Array:
    """Return the share of a normal distribution that lies below each x, between 0 and 1."""
    coefficients = DOUBLE if x.dtype == np.float64 else SINGLE
    a = np.minimum(np.abs(x), FARTHEST)  # its square cannot overflow
    t = 4 / (4 + a)
    s = 2 * t - 1
    polynomial = coefficients[-1] * s
    for coefficient in coefficients[-2:0:-1]:
        polynomial += coefficient
        polynomial *= s
    beyond = np.exp(-a * a / 2) * t * (polynomial + coefficients[0])
    return np.where(x < 0, beyond, 1 - beyond)


def gelu(x: Array, tanh: bool = False) -> Array:
    y: Array = x / 2 * (1 + np.tanh(ROOT * (x + CUBIC * x**3))) if tanh else x * normal_share(x)
    return y


def gelu_dx(dy: Array, x: Array, tanh: bool = False) -> Array:
    slope: Array
    if tanh:
        t = np.tanh(ROOT * (x + CUBIC * x**3))
        slope = (1 + t) / 2 + x / 2 * (1 - t * t) * (ROOT * (1 + 3 * CUBIC * x * x))
    else:
        a = np.minimum(np.abs(x), FARTHEST)
        slope = normal_share(x) + x * np.exp(-a * a / 2) / math.sqrt(2 * math.pi)
    return dy * slope


def _sigmoid(x: Array) -> Array:
    e = np.exp(-np.abs(x))  # of numbers below 0 only, so it never overflows
    s: Array = np.where(x >= 0, 1, e) / (1 + e)
    return s


def silu(x: Array) -> Array:
    y: Array = x * _sigmoid(x)
    return y


def silu_dx(dy: Array, x: Array) -> Array:
    s = _sigmoid(x)
    dx: Array = dy * (s + x * s * (1 - s))
    return dx
