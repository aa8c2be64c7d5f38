"""What goes into gates, sums and joins."""

from __future__ import annotations

import operator

from minitorch_viz_kernels.contract import Array
from minitorch_viz_kernels.machine.checks import needs_shape


def relu_dx(dy: Array, y: Array | None) -> None:
    if dy.ndim == 0:
        raise ValueError("relu_dx: dy is a single number, but it needs an axis of seeds.")
    if y is not None:
        needs_shape("relu_dx", "y", y.shape, dy.shape, (1, *dy.shape[1:]))


def add(a: Array, b: Array) -> None:
    needs_shape("add", "b", b.shape, a.shape)


def concat(xs: list[Array], axis: int) -> int:
    axis = operator.index(axis)
    shapes = [x.shape for x in xs]
    if not 0 <= axis < min(map(len, shapes)) or len({(*shape[:axis], -1, *shape[axis + 1 :]) for shape in shapes}) > 1:
        raise ValueError(f"concat: along axis {axis}, all other axes of the arrays must agree, but got {shapes}.")
    return axis
