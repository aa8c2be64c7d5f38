"""A stand-in for CuPy that is as strict as CuPy where there is no GPU: whole nets and techniques run on it.

`DeviceArray` holds a NumPy array but is not one: whatever mixes it with NumPy arrays, or turns it into one without
`.get()`, fails as it does with CuPy. NumPy functions that CuPy also has are answered through NumPy's own protocols
(`__array_ufunc__`, `__array_function__`), as CuPy answers them. Kernels run their CUDA text, compiled by g++.
"""

from __future__ import annotations

import types
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from tests.kernels import cuda_on_cpu


class DeviceArray(NDArrayOperatorsMixin):
    """An array "on the GPU"."""

    __module__ = "cupy"  # this is how the package tells CuPy's arrays
    shape = property(lambda self: self.held.shape)
    dtype = property(lambda self: self.held.dtype)
    ndim = property(lambda self: self.held.ndim)
    size = property(lambda self: self.held.size)
    nbytes = property(lambda self: self.held.nbytes)
    flags = property(lambda self: self.held.flags)
    T = property(lambda self: DeviceArray(self.held.T))

    def __init__(self, held: np.ndarray) -> None:
        self.held = held

    def get(self) -> np.ndarray:
        return self.held.copy()

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()`.")

    def __len__(self) -> int:
        return len(self.held)

    def __iter__(self) -> Any:
        return map(wrap, self.held)

    def __getitem__(self, index: Any) -> Any:
        return DeviceArray(np.asarray(self.held[unwrap(index)]))

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(value, np.ndarray) and value.ndim:
            raise TypeError("A NumPy array cannot be written into a CuPy array.")
        self.held[unwrap(index)] = unwrap(value)

    def __bool__(self) -> bool:
        return bool(self.held)

    def __int__(self) -> int:
        return int(self.held)

    def __float__(self) -> float:
        return float(self.held)

    def __index__(self) -> int:
        return int(self.held)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # NumPy asks for these to look inside
            raise AttributeError(name)
        method = getattr(self.held, name)
        return lambda *args, **kwargs: wrap(method(*unwrap(args), **unwrap(kwargs)))

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        refuse_numpy(inputs)
        return wrap(getattr(ufunc, method)(*unwrap(inputs), **unwrap(kwargs)))

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        refuse_numpy(args)
        return wrap(function(*unwrap(args), **unwrap(kwargs)))


def refuse_numpy(values: Any) -> None:
    """CuPy does not mix with NumPy arrays (0-d ones and scalars are fine)."""
    for value in values:
        if isinstance(value, (list, tuple)):
            refuse_numpy(value)
        elif isinstance(value, np.ndarray) and value.ndim:
            raise TypeError("Unsupported type <class 'numpy.ndarray'>")


def unwrap(value: Any) -> Any:
    if isinstance(value, DeviceArray):
        return value.held
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(unwrap, value))
    if isinstance(value, (tuple, list)):
        return type(value)(map(unwrap, value))
    if isinstance(value, dict):
        return {key: unwrap(one) for key, one in value.items()}
    return value


def wrap(value: Any) -> Any:
    """Arrays and NumPy scalars become device arrays: CuPy's reductions stay on the device."""
    if isinstance(value, (np.ndarray, np.generic)):
        return DeviceArray(np.asarray(value))
    if isinstance(value, (tuple, list)):
        return type(value)(map(wrap, value))
    return value


def module(folder: Path) -> types.ModuleType:
    """A module to put in the place of `cupy`."""
    inner = cuda_on_cpu.module(folder)
    cupy = types.ModuleType("cupy")

    class RawModule(inner.RawModule):
        def get_function(self, name: str) -> Any:
            launch = super().get_function(name)
            return lambda grid, block, arguments: launch(grid, block, unwrap(arguments))

    for name in ("empty", "zeros", "matmul", "ascontiguousarray"):
        function = getattr(inner, name)
        setattr(cupy, name, lambda *args, function=function: wrap(function(*unwrap(args))))
    cupy.RawModule = RawModule  # type: ignore[attr-defined]  # a module made at run time
    cupy.asarray = lambda x: x if isinstance(x, DeviceArray) else DeviceArray(np.array(x))  # type: ignore[attr-defined]
    cupy.cuda = types.SimpleNamespace(is_available=lambda: True)  # type: ignore[attr-defined]
    for name in ("pad", "moveaxis", "repeat", "concatenate", "einsum", "maximum"):
        setattr(cupy, name, getattr(np, name))  # dispatched by __array_function__ or __array_ufunc__
    return cupy
