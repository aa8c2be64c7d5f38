"""Rung one: gates, sums and joins in plain loops.

Slow and literal; the oracle that the other rungs are tested against. `compiled.py` hands the same text to a compiler.
"""

from __future__ import annotations

import numpy as np

from minitorch_viz_kernels.contract import Array


def relu(x: Array) -> Array:
    y = np.zeros_like(x)
    for at in np.ndindex(x.shape):
        y[at] = 0 if x[at] <= 0 else x[at]
    return y


def relu_dx(dy: Array, y: Array | None, positive: bool = False) -> Array:
    dx = np.zeros_like(dy)
    for at in np.ndindex(dy.shape):
        is_open = not positive or not dy[at] <= 0
        if y is not None:
            is_open = is_open and y[(at[0] % len(y), *at[1:])] > 0
        if is_open:
            dx[at] = dy[at]
    return dx


def add(a: Array, b: Array) -> Array:
    y = np.zeros_like(a)
    for at in np.ndindex(a.shape):
        y[at] = a[at] + b[at]
    return y


def _copy(x: Array, y: Array, begin: int) -> None:
    """Copy x (rows, columns, numbers) into y (rows, more columns, numbers), from column `begin` on."""
    for row, column, k in np.ndindex(x.shape):
        y[row, begin + column, k] = x[row, column, k]


def concat(xs: tuple[Array, ...], axis: int) -> Array:
    axes_before, axes_after = xs[0].shape[:axis], xs[0].shape[axis + 1 :]
    rows, numbers, columns = int(np.prod(axes_before)), int(np.prod(axes_after)), sum(x.shape[axis] for x in xs)
    y, begin = np.zeros((rows, columns, numbers), xs[0].dtype), 0
    for x in xs:
        _copy(x.reshape(rows, x.shape[axis], numbers), y, begin)
        begin += x.shape[axis]
    return y.reshape(*axes_before, columns, *axes_after)
