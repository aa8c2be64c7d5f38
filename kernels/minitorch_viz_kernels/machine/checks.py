"""What goes into a kernel, checked once, in sentences.

A compiled loop that reads past the end of an array does not fail: it reads garbage. So every size is checked before a
rung is called, and the rungs rely on it. Here stands what all operations ask; the `checks.py` of an operation holds a
function for each of its kernels, which returns the geometry as plain Python integers.
"""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from minitorch_viz_kernels.contract import Array, Pair

_FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
Shape = tuple[int, ...]
Geometry = TypeVar("Geometry")


def is_cupy(array: object) -> bool:
    """Return whether an array lives on a GPU, by the name of its type: CuPy need not be imported to say no."""
    kind = type(array)
    return kind is not np.ndarray and kind.__module__.partition(".")[0] == "cupy"


def floats(function: str, **arrays: Any) -> list[Any]:
    """Return the arrays of one call in one common dtype; None stays None."""
    first, *others = list(arrays.values()) or [None]
    if type(first) is np.ndarray and first.dtype in _FLOATS:  # nearly always: nothing to do
        for other in others:
            if other is not None and (type(other) is not np.ndarray or other.dtype is not first.dtype):
                break
        else:
            return [first, *others]
    present = {name: array for name, array in arrays.items() if array is not None}
    if not present:
        raise ValueError(f"{function}: at least one array is needed.")
    for name, array in present.items():
        if not isinstance(array, np.ndarray) and not is_cupy(array):
            raise TypeError(f"{function}: {name} is a {type(array).__name__}; a NumPy or CuPy array is needed.")
        if array.dtype not in (np.float32, np.float64):
            raise TypeError(
                f"{function}: {name} holds {array.dtype} numbers, but kernels compute in float32 or float64. "
                f"Convert it first, for example {name}.astype(np.float32)."
            )
    same_device(function, **present)
    common = np.result_type(*(array.dtype for array in present.values()))
    return [None if array is None else array.astype(common, copy=False) for array in arrays.values()]


def same_device(function: str, **arrays: Array) -> None:
    """Raise TypeError unless all arrays of a call lie on the GPU, or none does."""
    on_gpu = [name for name, array in arrays.items() if is_cupy(array)]
    if on_gpu and len(on_gpu) < len(arrays):
        others = [name for name in arrays if name not in on_gpu]
        raise TypeError(
            f"{function}: {', '.join(on_gpu)} on the GPU and {', '.join(others)} in main memory. "
            "Move all arrays of a call to one side, with cupy.asarray or cupy.asnumpy."
        )


def axes(function: str, letters: str, **arrays: Array) -> None:
    """Raise ValueError unless each array has the axes that the letters name; only the batch may be empty."""
    for name, array in arrays.items():
        needs_axes(function, letters, name, array.shape)


def needs_axes(function: str, letters: str, name: str, shape: Shape) -> None:
    """Raise ValueError unless a shape has the axes that the letters name; only the batch may be empty."""
    if len(shape) != letters.count(",") + 1:
        raise ValueError(f"{function}: {name} has shape {shape}, but it needs the axes ({letters}).")
    if 0 in shape and 0 in [side for side, letter in zip(shape, letters.split(", "), strict=True) if letter != "N"]:
        raise ValueError(f"{function}: {name} has shape {shape}; only the batch N may be empty.")


def pair(function: str, name: str, value: Pair, least: int) -> Pair:
    """Return two integers, vertical and horizontal, none below `least`."""
    try:
        vertical, horizontal = value
        vertical, horizontal = operator.index(vertical), operator.index(horizontal)
    except (TypeError, ValueError):
        raise TypeError(
            f"{function}: {name} is {value!r}, but two integers (vertical, horizontal) are needed."
        ) from None
    if min(vertical, horizontal) < least:
        raise ValueError(f"{function}: {name} is {value!r}, but neither number may be below {least}.")
    return vertical, horizontal


def whole(function: str, name: str, value: int) -> int:
    """Return one integer of at least 1."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{function}: {name} is {value!r}, but an integer is needed.") from None
    if number < 1:
        raise ValueError(f"{function}: {name} is {number}, but it must be at least 1.")
    return number


def cached_check(check: Callable[..., Geometry]) -> Callable[..., Geometry]:
    """Remember what check((shapes), pairs ..., groups) accepted: a layer is called again and again.

    A small layer takes no longer than a dozen checks.
    """

    @functools.lru_cache(1024, typed=True)  # typed: a stride of 2 was accepted, one of 2.0 was not
    def checked_shapes(shapes: Any, groups: Any, *numbers: Any) -> Geometry:
        return check(shapes, *zip(numbers[::2], numbers[1::2], strict=True), groups)

    @functools.wraps(check)
    def checked(shapes: Any, *settings: Any) -> Geometry:
        *pairs, groups = settings
        all_pairs = True
        try:
            for pair in pairs:
                all_pairs = all_pairs and len(pair) == 2
            if all_pairs:
                return checked_shapes(shapes, groups, *itertools.chain(*pairs))
        except TypeError:  # what cannot be counted or remembered is no pair of integers
            pass
        return check(shapes, *settings)

    return checked


def needs_shape(function: str, name: str, shape: Shape, *allowed: Shape) -> None:
    """Raise ValueError unless an array has one of the shapes that are allowed."""
    if shape not in allowed:
        raise ValueError(f"{function}: {name} has shape {shape}, but {' or '.join(map(str, allowed))} is needed.")
