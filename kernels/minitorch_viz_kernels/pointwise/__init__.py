"""What is computed number by number: the gates of a ReLU, sums, and arrays put side by side."""

from __future__ import annotations

from collections.abc import Sequence

from minitorch_viz_kernels.contract import Array
from minitorch_viz_kernels.machine.checks import floats
from minitorch_viz_kernels.machine.registry import Rungs, kernel

from . import checks
from .contract import Pointwise

RUNGS: Rungs[Pointwise] = Rungs(__name__)


@kernel
def relu(x: Array) -> Array:
    """Keep what is positive: x of any shape -> y = max(x, 0)."""
    (x,) = floats("relu", x=x)
    return RUNGS(x).relu(x)


@kernel
def relu_dx(dy: Array, y: Array | None, positive: bool = False) -> Array:
    """Pass dy (K, ...) where y > 0 (None: everywhere), 0 elsewhere; `positive`: and only where dy > 0."""
    if y is None:
        (dy,) = floats("relu_dx", dy=dy)
    else:
        dy, y = floats("relu_dx", dy=dy, y=y)
    checks.relu_dx(dy, y)
    return RUNGS(dy).relu_dx(dy, y, bool(positive))


@kernel
def add(a: Array, b: Array) -> Array:
    """Add two arrays of one shape."""
    a, b = floats("add", a=a, b=b)
    checks.add(a, b)
    return RUNGS(a).add(a, b)


@kernel
def concat(xs: Sequence[Array], axis: int) -> Array:
    """Put arrays that agree in all other axes side by side along one axis."""
    arrays = floats("concat", **{f"x{i}": x for i, x in enumerate(xs)})
    axis = checks.concat(arrays, axis)
    return RUNGS(arrays[0]).concat(tuple(arrays), axis)
