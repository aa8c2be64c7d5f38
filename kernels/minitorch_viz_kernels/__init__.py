"""The heavy loops of the engine: convolution, pooling, local response normalization, products, recurrence.

    import minitorch_viz_kernels as kernels
    y = kernels.conv2d(x, w, b, (1, 1), (1, 1), (1, 1), 1)
    with kernels.use("numpy"):
        ...

`contract.py` says what each kernel computes. Four modules compute it, each a rung further from the formula and
nearer to the machine: `reference` (loops), `numpy_`, `numba_`, `cupy_` (CUDA). CuPy arrays go to `cupy_`; for NumPy
arrays the current module is Numba where it is installed, else NumPy, unless `use` or the environment variable
MINITORCH_VIZ_KERNELS says another. Importing this package loads NumPy only.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from . import checks
from .contract import Array, Kernels, Pair, out_size, pool_out_size
from .device import device_of, to_cpu, to_device
from .threads import get_threads, set_threads
from .warm import warmup

__all__ = [
    "add",
    "array_module",
    "avgpool2d",
    "avgpool2d_dx",
    "batch_norm",
    "batch_norm_dx",
    "concat",
    "conv2d",
    "conv2d_dw",
    "conv2d_dx",
    "current",
    "device_of",
    "get_threads",
    "lrn",
    "lrn_dx",
    "lstm",
    "lstm_dz",
    "matmul",
    "maxpool2d",
    "maxpool2d_dx",
    "out_size",
    "pool_out_size",
    "relu",
    "relu_dx",
    "set_threads",
    "to_cpu",
    "to_device",
    "use",
    "warmup",
]

CPU_MODULES = ("reference", "numpy", "numba")

# None: nobody has chosen. A context variable, so that threads and tasks choose independently of each other.
_chosen: ContextVar[str | None] = ContextVar("minitorch_viz_kernels", default=None)


@contextmanager
def use(name: str) -> Iterator[None]:
    """Compute with "reference", "numpy" or "numba" inside the `with` block; blocks nest.

    The choice holds for the thread that made it: a new thread starts with the default. Raises ValueError for an
    unknown name, ImportError where Numba is not installed.
    """
    _cpu_module(name)  # an unknown or missing module is reported here, not at the first kernel
    token = _chosen.set(name)
    try:
        yield
    finally:
        _chosen.reset(token)


def current() -> str:
    """The name of the module that NumPy arrays go to: "reference", "numpy" or "numba"."""
    return _chosen.get() or _default()


@functools.cache
def _default() -> str:
    name = os.environ.get("MINITORCH_VIZ_KERNELS")
    if name:
        try:
            _cpu_module(name)
        except ValueError as error:
            raise ValueError(f"{error} It was read from the environment variable MINITORCH_VIZ_KERNELS.") from None
        return name
    try:
        _cpu_module("numba")
    except ImportError:
        return "numpy"
    return "numba"


@functools.cache
def _cpu_module(name: str) -> Kernels:
    # Imported here and not above: Numba takes a second to load. Returning a module as `Kernels` makes the type
    # checker compare each of its functions with the contract.
    if name == "reference":
        from . import reference

        return reference
    if name == "numpy":
        from . import numpy_

        return numpy_
    if name == "numba":
        try:
            from . import numba_
        except ImportError as error:
            raise ImportError(
                f'Numba cannot be imported ({error}). Install numba, or use the "numpy" kernels.'
            ) from error
        return numba_
    raise ValueError(f"There is no kernel module {name!r}; the modules are {', '.join(CPU_MODULES)}.")


@functools.cache
def _gpu_module() -> Kernels:
    from . import cupy_

    return cupy_


def _module_for(array: Array) -> Kernels:
    return _gpu_module() if checks.is_cupy(array) else _cpu_module(current())


def array_module(x: object) -> Any:
    """The library of an array: `numpy`, or `cupy` for arrays on the GPU. CuPy is imported only in that case."""
    if not checks.is_cupy(x):
        return np
    import cupy

    return cupy


def conv2d(
    x: Array, w: Array, b: Array | None, stride: Pair, padding: Pair, dilation: Pair, groups: int, relu: bool = False
) -> Array:
    """Cross-correlate images x (N, C, H, W) with filters w (O, C/g, kh, kw) -> y (N, O, H', W'). See the contract."""
    x, w, b = checks.floats("conv2d", x=x, w=w, b=b)
    geometry = checks.conv2d(x, w, b, stride, padding, dilation, groups)
    return _module_for(x).conv2d(x, w, b, *geometry, bool(relu))


def conv2d_dx(dy: Array, w: Array, size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    """The gradient of conv2d for its images: dy (N, O, H', W') -> dx (N, C, H, W) with (H, W) = size."""
    dy, w = checks.floats("conv2d_dx", dy=dy, w=w)
    size, geometry = checks.conv2d_dx(dy, w, size, stride, padding, dilation, groups)
    return _module_for(dy).conv2d_dx(dy, w, size, *geometry)


def conv2d_dw(dy: Array, x: Array, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    """The gradient of conv2d for its filters, summed over images: -> dw (O, C/g, kh, kw) with (kh, kw) = kernel."""
    dy, x = checks.floats("conv2d_dw", dy=dy, x=x)
    kernel, geometry = checks.conv2d_dw(dy, x, kernel, stride, padding, dilation, groups)
    return _module_for(dy).conv2d_dw(dy, x, kernel, *geometry)


def maxpool2d(x: Array, kernel: Pair, stride: Pair, padding: Pair, out: Pair) -> tuple[Array, Array]:
    """The largest value of each window, y (N, C, H', W'), and the flat index of its pixel, won (int32)."""
    (x,) = checks.floats("maxpool2d", x=x)
    geometry = checks.maxpool2d(x, kernel, stride, padding, out)
    return _module_for(x).maxpool2d(x, *geometry)


def maxpool2d_dx(dy: Array, won: Array, size: Pair) -> Array:
    """Hand each dy (N, C, H', W') to the pixel that won -> dx (N, C, H, W); won may have a batch of 1."""
    (dy,) = checks.floats("maxpool2d_dx", dy=dy)
    size = checks.maxpool2d_dx(dy, won, size)
    return _module_for(dy).maxpool2d_dx(dy, won, size)


def avgpool2d(x: Array, kernel: Pair, stride: Pair, padding: Pair, out: Pair, count_include_pad: bool) -> Array:
    """The mean of each window, y (N, C, H', W')."""
    (x,) = checks.floats("avgpool2d", x=x)
    geometry = checks.avgpool2d(x, kernel, stride, padding, out)
    return _module_for(x).avgpool2d(x, *geometry, bool(count_include_pad))


def avgpool2d_dx(dy: Array, kernel: Pair, stride: Pair, padding: Pair, size: Pair, count_include_pad: bool) -> Array:
    """Share each dy (N, C, H', W') equally among the pixels of its window -> dx (N, C, H, W)."""
    (dy,) = checks.floats("avgpool2d_dx", dy=dy)
    geometry = checks.avgpool2d_dx(dy, kernel, stride, padding, size)
    return _module_for(dy).avgpool2d_dx(dy, *geometry, bool(count_include_pad))


def lrn(x: Array, size: int, alpha: float, beta: float, k: float) -> tuple[Array, Array]:
    """Local response normalization across channels: x (N, C, H, W) -> y and scale, both (N, C, H, W)."""
    (x,) = checks.floats("lrn", x=x)
    # Python floats: a NumPy float64 would lift a float32 array to float64.
    return _module_for(x).lrn(x, checks.lrn(x, size), float(alpha), float(beta), float(k))


def lrn_dx(dy: Array, x: Array, scale: Array, size: int, alpha: float, beta: float) -> Array:
    """The gradient of lrn: dy (N, C, H, W) -> dx (N, C, H, W); x and scale may have a batch of 1."""
    dy, x, scale = checks.floats("lrn_dx", dy=dy, x=x, scale=scale)
    size = checks.lrn_dx(dy, x, scale, size)
    return _module_for(dy).lrn_dx(dy, x, scale, size, float(alpha), float(beta))


def relu(x: Array) -> Array:
    """What is positive: x of any shape -> y = max(x, 0)."""
    (x,) = checks.floats("relu", x=x)
    return _module_for(x).relu(x)


def relu_dx(dy: Array, y: Array | None, positive: bool = False) -> Array:
    """The gradient of relu: dy (K, ...) where y > 0, 0 elsewhere; `positive`: and only where dy > 0. y may be None."""
    if y is None:
        (dy,) = checks.floats("relu_dx", dy=dy)
    else:
        dy, y = checks.floats("relu_dx", dy=dy, y=y)
    checks.relu_dx(dy, y)
    return _module_for(dy).relu_dx(dy, y, bool(positive))


def add(a: Array, b: Array) -> Array:
    """The sum of two arrays of one shape."""
    a, b = checks.floats("add", a=a, b=b)
    checks.add(a, b)
    return _module_for(a).add(a, b)


def concat(xs: Sequence[Array], axis: int) -> Array:
    """Arrays that agree in all other axes, side by side along one axis."""
    arrays = checks.floats("concat", **{f"x{i}": x for i, x in enumerate(xs)})
    axis = checks.concat(arrays, axis)
    return _module_for(arrays[0]).concat(tuple(arrays), axis)


def batch_norm(x: Array, w: Array, b: Array, eps: float) -> tuple[Array, Array, Array]:
    """Mean 0 and variance 1 for each channel of a batch, then w * and b +: x (N, C, H, W) -> y, mean (C,), var (C,)."""
    x, w, b = checks.floats("batch_norm", x=x, w=w, b=b)
    checks.batch_norm(x, w=w, b=b)
    return _module_for(x).batch_norm(x, w, b, float(eps))


def batch_norm_dx(
    dy: Array, x: Array, mean: Array, var: Array, w: Array, eps: float
) -> tuple[Array, Array, Array]:  # fmt: skip
    """The gradients of batch_norm: dy (N, C, H, W) -> dx (N, C, H, W), dw and db (C,)."""
    dy, x, mean, var, w = checks.floats("batch_norm_dx", dy=dy, x=x, mean=mean, var=var, w=w)
    checks.batch_norm_dx(dy, x, mean=mean, var=var, w=w)
    return _module_for(dy).batch_norm_dx(dy, x, mean, var, w, float(eps))


def matmul(a: Array, b: Array) -> Array:
    """The matrix product of a (M, K) and b (K, P) -> (M, P)."""
    a, b = checks.floats("matmul", a=a, b=b)
    checks.matmul(a, b)
    return _module_for(a).matmul(a, b)


def lstm(x: Array, w: Array, u: Array, b: Array, h0: Array, c0: Array) -> tuple[Array, ...]:
    """Memory cells through time: x (T, N, D) -> h, c, and the gates i, f, g, o, each (T, N, H)."""
    x, w, u, b, h0, c0 = checks.floats("lstm", x=x, w=w, u=u, b=b, h0=h0, c0=c0)
    checks.lstm(x, w, u, b, h0, c0)
    return _module_for(x).lstm(x, w, u, b, h0, c0)


def lstm_dz(
    dy: Array, c: Array, i: Array, f: Array, g: Array, o: Array, u: Array, c0: Array
) -> tuple[Array, Array, Array]:
    """The gradient of lstm before the gates' curves: dy (T, K, H) -> dz (T, K, 4H), dh0 and dc0 (K, H)."""
    dy, c, i, f, g, o, u, c0 = checks.floats("lstm_dz", dy=dy, c=c, i=i, f=f, g=g, o=o, u=u, c0=c0)
    checks.lstm_dz(dy, u, c0, c=c, i=i, f=f, g=g, o=o)
    return _module_for(dy).lstm_dz(dy, c, i, f, g, o, u, c0)
