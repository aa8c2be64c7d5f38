"""Where an array lives: main memory (NumPy) or a GPU (CuPy). CuPy is imported only when a GPU is asked for."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitorch_viz_kernels.contract import Array

from .checks import is_cupy

DEVICES = ("cpu", "cuda")


def device_of(x: object) -> str:
    """Return "cpu" for NumPy's arrays, "cuda" for CuPy's."""
    return "cuda" if is_cupy(x) else "cpu"


def array_module(x: object) -> Any:
    """Return the library of an array: `numpy`, or `cupy` for arrays on the GPU, imported only in that case."""
    if not is_cupy(x):
        return np
    import cupy

    return cupy


def to_cpu(x: Any) -> Array:
    """Return the array in main memory; a NumPy array as it is."""
    array: Array = x.get() if is_cupy(x) else x
    return array


def to_device(x: Any, device: str) -> Array:
    """Return the array on "cpu" or "cuda"; as it is if it is there already.

    Raises ValueError for another device, RuntimeError with a sentence if CuPy or a GPU is missing.
    """
    if device not in DEVICES:
        raise ValueError(f"There is no device {device!r}; the devices are {', '.join(DEVICES)}.")
    if device == "cpu":
        return to_cpu(x)
    array: Array = x if is_cupy(x) else _cupy().asarray(x)
    return array


def _cupy() -> Any:
    try:
        import cupy
    except ImportError as error:
        raise RuntimeError(
            f'"cuda" needs CuPy, which cannot be imported ({error}). Install the extra cuda12 or cuda13, or use "cpu".'
        ) from error
    if not cupy.cuda.is_available():
        raise RuntimeError('"cuda" needs an NVIDIA GPU and its driver, and CuPy finds none here; use "cpu".')
    return cupy
