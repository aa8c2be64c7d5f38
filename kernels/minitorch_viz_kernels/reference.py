"""Rung one: the contract in plain loops. Slow and literal; the oracle that the other modules are tested against."""

from __future__ import annotations

from itertools import product

import numpy as np

from .contract import Array, Pair, out_size


def _inside(row: int, col: int, size: tuple[int, ...]) -> bool:
    return 0 <= row < size[0] and 0 <= col < size[1]


def conv2d(
    x: Array, w: Array, b: Array | None, stride: Pair, padding: Pair, dilation: Pair, groups: int, relu: bool = False
) -> Array:
    o_all, per_group, kh, kw = w.shape
    high, wide = (out_size(x.shape[2 + a], (kh, kw)[a], stride[a], padding[a], dilation[a]) for a in (0, 1))
    y = np.zeros((len(x), o_all, high, wide), x.dtype)
    for n, o, i, j in np.ndindex(y.shape):
        q = o // (o_all // groups)
        for c, u, v in product(range(per_group), range(kh), range(kw)):
            row = i * stride[0] - padding[0] + u * dilation[0]
            col = j * stride[1] - padding[1] + v * dilation[1]
            if _inside(row, col, x.shape[2:]):
                y[n, o, i, j] += w[o, c, u, v] * x[n, q * per_group + c, row, col]
        if b is not None:
            y[n, o, i, j] += b[o]
        if relu and y[n, o, i, j] < 0:
            y[n, o, i, j] = 0
    return y


def conv2d_dx(dy: Array, w: Array, size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    o_all, per_group, kh, kw = w.shape
    dx = np.zeros((len(dy), per_group * groups, *size), dy.dtype)
    for n, o, i, j in np.ndindex(dy.shape):
        q = o // (o_all // groups)
        for c, u, v in product(range(per_group), range(kh), range(kw)):
            row = i * stride[0] - padding[0] + u * dilation[0]
            col = j * stride[1] - padding[1] + v * dilation[1]
            if _inside(row, col, size):
                dx[n, q * per_group + c, row, col] += w[o, c, u, v] * dy[n, o, i, j]
    return dx


def conv2d_dw(dy: Array, x: Array, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    o_all = dy.shape[1]
    per_group = x.shape[1] // groups
    dw = np.zeros((o_all, per_group, *kernel), dy.dtype)
    for n, o, i, j in np.ndindex(dy.shape):
        q = o // (o_all // groups)
        for c, u, v in product(range(per_group), range(kernel[0]), range(kernel[1])):
            row = i * stride[0] - padding[0] + u * dilation[0]
            col = j * stride[1] - padding[1] + v * dilation[1]
            if _inside(row, col, x.shape[2:]):
                dw[o, c, u, v] += dy[n, o, i, j] * x[n, q * per_group + c, row, col]
    return dw


def _pixels(i: int, j: int, kernel: Pair, stride: Pair, padding: Pair, size: tuple[int, ...]) -> list[Pair]:
    """The pixels of window (i, j) that lie inside the image, in reading order."""
    top, left = i * stride[0] - padding[0], j * stride[1] - padding[1]
    places = product(range(top, top + kernel[0]), range(left, left + kernel[1]))
    return [(row, col) for row, col in places if _inside(row, col, size)]


def maxpool2d(x: Array, kernel: Pair, stride: Pair, padding: Pair, out: Pair) -> tuple[Array, Array]:
    y = np.zeros((*x.shape[:2], *out), x.dtype)
    won = np.zeros(y.shape, np.int32)
    for n, c, i, j in np.ndindex(y.shape):
        pixels = _pixels(i, j, kernel, stride, padding, x.shape[2:])
        best = pixels[0]
        for pixel in pixels:
            here, there = x[n, c][pixel], x[n, c][best]
            if here > there or (np.isnan(here) and not np.isnan(there)):
                best = pixel
        y[n, c, i, j] = x[n, c][best]
        won[n, c, i, j] = best[0] * x.shape[3] + best[1]
    return y, won


def maxpool2d_dx(dy: Array, won: Array, size: Pair) -> Array:
    dx = np.zeros((*dy.shape[:2], *size), dy.dtype)
    for n, c, i, j in np.ndindex(dy.shape):
        row, col = divmod(int(won[n if len(won) > 1 else 0, c, i, j]), size[1])
        dx[n, c, row, col] += dy[n, c, i, j]
    return dx


def _divisor(
    i: int, j: int, kernel: Pair, stride: Pair, padding: Pair, size: tuple[int, ...], include_pad: bool
) -> int:
    """How many places of window (i, j) count: pixels, or with `include_pad` places of the padded image."""
    if not include_pad:
        return len(_pixels(i, j, kernel, stride, padding, size))
    padded = (size[0] + 2 * padding[0], size[1] + 2 * padding[1])
    return len(_pixels(i, j, kernel, stride, (0, 0), padded))


def avgpool2d(x: Array, kernel: Pair, stride: Pair, padding: Pair, out: Pair, count_include_pad: bool) -> Array:
    y = np.zeros((*x.shape[:2], *out), x.dtype)
    for n, c, i, j in np.ndindex(y.shape):
        for pixel in _pixels(i, j, kernel, stride, padding, x.shape[2:]):
            y[n, c, i, j] += x[n, c][pixel]
        y[n, c, i, j] /= _divisor(i, j, kernel, stride, padding, x.shape[2:], count_include_pad)
    return y


def avgpool2d_dx(dy: Array, kernel: Pair, stride: Pair, padding: Pair, size: Pair, count_include_pad: bool) -> Array:
    dx = np.zeros((*dy.shape[:2], *size), dy.dtype)
    for n, c, i, j in np.ndindex(dy.shape):
        share = dy[n, c, i, j] / _divisor(i, j, kernel, stride, padding, size, count_include_pad)
        for pixel in _pixels(i, j, kernel, stride, padding, size):
            dx[n, c][pixel] += share
    return dx


def lrn(x: Array, size: int, alpha: float, beta: float, k: float) -> tuple[Array, Array]:
    y, scale = np.zeros_like(x), np.zeros_like(x)
    channels = x.shape[1]
    for n, c, i, j in np.ndindex(x.shape):
        window = range(max(0, c - size // 2), min(channels, c + (size - 1) // 2 + 1))
        scale[n, c, i, j] = k + alpha * sum(x[n, d, i, j] ** 2 for d in window)
        y[n, c, i, j] = x[n, c, i, j] / scale[n, c, i, j] ** beta
    return y, scale


def lrn_dx(dy: Array, x: Array, scale: Array, size: int, alpha: float, beta: float) -> Array:
    dx = np.zeros_like(dy)
    x, scale = np.broadcast_to(x, dy.shape), np.broadcast_to(scale, dy.shape)
    channels = dy.shape[1]
    for n, c, i, j in np.ndindex(dy.shape):
        window = range(max(0, c - (size - 1) // 2), min(channels, c + size // 2 + 1))
        through = sum(dy[n, d, i, j] * x[n, d, i, j] * scale[n, d, i, j] ** (-beta - 1) for d in window)
        dx[n, c, i, j] = dy[n, c, i, j] * scale[n, c, i, j] ** -beta - 2 * alpha * beta * x[n, c, i, j] * through
    return dx


def relu(x: Array) -> Array:
    y = np.zeros_like(x)
    for at in np.ndindex(x.shape):
        y[at] = 0 if x[at] <= 0 else x[at]
    return y


def relu_dx(dy: Array, y: Array | None, positive: bool = False) -> Array:
    dx = np.zeros_like(dy)
    for at in np.ndindex(dy.shape):
        forward_gate = y is None or y[at[0] % len(y), *at[1:]] > 0
        backward_gate = not positive or not dy[at] <= 0
        dx[at] = dy[at] if forward_gate and backward_gate else 0
    return dx


def add(a: Array, b: Array) -> Array:
    y = np.zeros_like(a)
    for at in np.ndindex(a.shape):
        y[at] = a[at] + b[at]
    return y


def concat(xs: tuple[Array, ...], axis: int) -> Array:
    shape = list(xs[0].shape)
    shape[axis] = sum(x.shape[axis] for x in xs)
    y, begin = np.zeros(shape, xs[0].dtype), 0
    for x in xs:
        for at in np.ndindex(x.shape):
            y[*at[:axis], begin + at[axis], *at[axis + 1 :]] = x[at]
        begin += x.shape[axis]
    return y


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


def matmul(a: Array, b: Array) -> Array:
    c = np.zeros((len(a), b.shape[1]), a.dtype)
    for m, p in np.ndindex(c.shape):
        for k in range(len(b)):
            c[m, p] += a[m, k] * b[k, p]
    return c


def _sigmoid(z: float) -> float:
    return float(1 / (1 + np.exp(-z)))


def lstm(x: Array, w: Array, u: Array, b: Array, h0: Array, c0: Array) -> tuple[Array, ...]:
    hidden = u.shape[1]
    h, c, i, f, g, o = (np.zeros((*x.shape[:2], hidden), x.dtype) for _ in range(6))
    for t, n, j in np.ndindex(h.shape):
        h_before, c_before = (h[t - 1, n], c[t - 1, n, j]) if t else (h0[n], c0[n, j])
        zi, zf, zg, zo = (
            sum(w[row, d] * x[t, n, d] for d in range(x.shape[2])) + sum(u[row] * h_before) + b[row]
            for row in (j, hidden + j, 2 * hidden + j, 3 * hidden + j)
        )
        i[t, n, j], f[t, n, j], g[t, n, j], o[t, n, j] = _sigmoid(zi), _sigmoid(zf), np.tanh(zg), _sigmoid(zo)
        c[t, n, j] = f[t, n, j] * c_before + i[t, n, j] * g[t, n, j]
        h[t, n, j] = o[t, n, j] * np.tanh(c[t, n, j])
    return h, c, i, f, g, o


def lstm_dz(
    dy: Array, c: Array, i: Array, f: Array, g: Array, o: Array, u: Array, c0: Array
) -> tuple[Array, Array, Array]:
    steps, batch, hidden = dy.shape
    dz = np.zeros((steps, batch, 4 * hidden), dy.dtype)
    dh, dc = np.zeros((2, batch, hidden), dy.dtype)
    for t in reversed(range(steps)):
        for k, j in np.ndindex(batch, hidden):
            here = (t, k % c.shape[1], j)
            c_before = (c[t - 1] if t else c0)[here[1:]]
            dh[k, j] += dy[t, k, j]
            dc[k, j] += dh[k, j] * o[here] * (1 - np.tanh(c[here]) ** 2)
            dz[t, k, j] = dc[k, j] * g[here] * i[here] * (1 - i[here])
            dz[t, k, hidden + j] = dc[k, j] * c_before * f[here] * (1 - f[here])
            dz[t, k, 2 * hidden + j] = dc[k, j] * i[here] * (1 - g[here] ** 2)
            dz[t, k, 3 * hidden + j] = dh[k, j] * np.tanh(c[here]) * o[here] * (1 - o[here])
            dc[k, j] *= f[here]
        for k, j in np.ndindex(batch, hidden):
            dh[k, j] = sum(u[row, j] * dz[t, k, row] for row in range(4 * hidden))
    return dz, dh, dc
