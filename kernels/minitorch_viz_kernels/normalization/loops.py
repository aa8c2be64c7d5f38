"""Rung one: normalization in plain loops.

Slow and literal; the oracle that the other rungs are tested against. `compiled.py` hands the same text to a compiler.
"""

from __future__ import annotations

import numpy as np

from minitorch_viz_kernels.contract import Array


def lrn(x: Array, size: int, alpha: float, beta: float, k: float) -> tuple[Array, Array]:
    y, scale = np.zeros_like(x), np.zeros_like(x)
    channels = x.shape[1]
    for n, c, i, j in np.ndindex(x.shape):
        total = x.dtype.type(0)
        for d in range(max(0, c - size // 2), min(channels, c + (size - 1) // 2 + 1)):
            total += x[n, d, i, j] ** 2
        scale[n, c, i, j] = k + alpha * total
        y[n, c, i, j] = x[n, c, i, j] / scale[n, c, i, j] ** beta
    return y, scale


def lrn_dx(dy: Array, x: Array, scale: Array, size: int, alpha: float, beta: float) -> Array:
    dx = np.zeros_like(dy)
    channels, tapes = dy.shape[1], len(x)
    for n, c, i, j in np.ndindex(dy.shape):
        tape, through_scale = n % tapes, dy.dtype.type(0)
        for d in range(max(0, c - (size - 1) // 2), min(channels, c + size // 2 + 1)):
            through_scale += dy[n, d, i, j] * x[tape, d, i, j] * scale[tape, d, i, j] ** (-beta - 1)
        direct = dy[n, c, i, j] * scale[tape, c, i, j] ** -beta
        dx[n, c, i, j] = direct - 2 * alpha * beta * x[tape, c, i, j] * through_scale
    return dx


def batch_norm(x: Array, w: Array, b: Array, eps: float) -> tuple[Array, Array, Array]:
    y, mean, var = np.zeros_like(x), np.zeros_like(w), np.zeros_like(w)
    values = x.size // x.shape[1]
    for n, c, i, j in np.ndindex(x.shape):
        mean[c] += x[n, c, i, j] / values
    for n, c, i, j in np.ndindex(x.shape):
        var[c] += (x[n, c, i, j] - mean[c]) ** 2 / values
    for n, c, i, j in np.ndindex(x.shape):
        y[n, c, i, j] = w[c] * (x[n, c, i, j] - mean[c]) / np.sqrt(var[c] + eps) + b[c]
    return y, mean, var


def batch_norm_dx(
    dy: Array, x: Array, mean: Array, var: Array, w: Array, eps: float
) -> tuple[Array, Array, Array]:  # fmt: skip
    dx, normal, dw, db = np.zeros_like(x), np.zeros_like(x), np.zeros_like(w), np.zeros_like(w)
    values = x.size // x.shape[1]
    for n, c, i, j in np.ndindex(x.shape):
        normal[n, c, i, j] = (x[n, c, i, j] - mean[c]) / np.sqrt(var[c] + eps)
        dw[c] += dy[n, c, i, j] * normal[n, c, i, j]
        db[c] += dy[n, c, i, j]
    for n, c, i, j in np.ndindex(x.shape):
        centred = dy[n, c, i, j] - db[c] / values - normal[n, c, i, j] * dw[c] / values
        dx[n, c, i, j] = w[c] / np.sqrt(var[c] + eps) * centred
    return dx, dw, db


def layer_norm(x: Array, w: Array, b: Array, eps: float) -> tuple[Array, Array, Array]:
    rows, length = x.shape
    y, mean, scale = np.zeros_like(x), np.zeros(rows, x.dtype), np.zeros(rows, x.dtype)
    for r in range(rows):
        for i in range(length):
            mean[r] += x[r, i] / length
        variance = 0.0
        for i in range(length):
            variance += (x[r, i] - mean[r]) ** 2 / length
        scale[r] = 1 / np.sqrt(variance + eps)
        for i in range(length):
            y[r, i] = w[i] * (x[r, i] - mean[r]) * scale[r] + b[i]
    return y, mean, scale


def layer_norm_dx(dy: Array, x: Array, mean: Array, scale: Array, w: Array) -> Array:
    dx = np.zeros_like(dy)
    seeds, rows, length = dy.shape
    for k in range(seeds):
        tape = k % len(x)
        for r in range(rows):
            shift, stretch = 0.0, 0.0
            for i in range(length):
                normal = (x[tape, r, i] - mean[tape, r]) * scale[tape, r]
                shift += dy[k, r, i] * w[i] / length
                stretch += dy[k, r, i] * w[i] * normal / length
            for i in range(length):
                normal = (x[tape, r, i] - mean[tape, r]) * scale[tape, r]
                dx[k, r, i] = scale[tape, r] * (dy[k, r, i] * w[i] - shift - normal * stretch)
    return dx
