"""Checks that all weights readers share: dtypes, shapes, names, and the reading of one array."""

from __future__ import annotations

import math
import sys
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, WeightsFileError
from minitorch_viz.io.files import is_whole, shown

MOST_ELEMENTS = 2**48  # elements along an axis or in an array: beyond any file, and safe to multiply


def checked_shape(shape: Sequence[Any], label: str) -> tuple[int, ...]:
    """Return a declared shape as ints that NumPy can take; WeightsFileError otherwise (negative, too many axes)."""
    if len(shape) > 32 or not all(is_whole(size) and 0 <= size <= MOST_ELEMENTS for size in shape):
        raise WeightsFileError(f"{label} declares an impossible shape ({len(shape)} axes); is the file damaged?")
    if math.prod(size for size in shape if size) > MOST_ELEMENTS:  # NumPy multiplies the others even if one axis is 0
        raise WeightsFileError(f"{label} declares an impossible shape {tuple(shape)}; is the file damaged?")
    return tuple(int(size) for size in shape)


def read_array(
    file: BinaryIO, offset: int, shape: tuple[int, ...], dtype: npt.DTypeLike, label: str, crc: int = 0
) -> Array:
    """Return the array that stands at `offset`, in native byte order; the caller has checked its size.

    crc: its CRC-32, or 0 if none is known.
    """
    array = np.empty(shape, dtype)
    if array.nbytes:
        file.seek(offset)
        count = file.readinto(array.reshape(-1).view(np.uint8).data)  # type: ignore[attr-defined]  # BinaryIO lacks it
        if count != array.nbytes:
            raise WeightsFileError(f"{label} should have {array.nbytes} bytes, but the file ends after {count}.")
        if crc and zlib.crc32(array.reshape(-1).view(np.uint8).data) != crc:
            raise WeightsFileError(f"{label} has a wrong checksum; the file is damaged.")
    return tidy(array)


def tidy(array: Array) -> Array:
    """Bring an array to native byte order, and bools to zeros and ones; in place, so that it takes no memory."""
    swapped = array.dtype.byteorder == (">" if sys.byteorder == "little" else "<")
    if swapped:
        array = array.byteswap(inplace=True).view(array.dtype.newbyteorder())
    if array.dtype == np.bool_:
        octets = array.view(np.uint8)
        np.not_equal(octets, 0, out=octets.view(np.bool_))
    return array


def from_bfloat16(bits: Array) -> Array:
    """Return bfloat16 as float32: it is the upper half of one."""
    wide = bits.astype(np.uint32)
    wide <<= 16
    return wide.view(np.float32)


def checked_tensors(tensors: object, label: str) -> dict[str, Array]:
    """Return the arrays that a writer is given, if they are numeric arrays by name; SettingError otherwise."""
    if not isinstance(tensors, Mapping):
        raise SettingError(f"{label} writes a dict of arrays, {{'conv1.weight': array}}, but got {shown(tensors)}.")
    for name, array in tensors.items():
        if not isinstance(name, str) or not name:
            raise SettingError(f"{label}: the name of an array must be text, but one is {shown(name)}.")
        if not isinstance(array, (np.ndarray, np.generic)):
            raise SettingError(f"{label}: {name!r} must be a NumPy array, but is {shown(array)}.")
        if array.dtype.kind not in "biufc" or array.dtype.itemsize > 16:
            raise SettingError(f"{label}: {name!r} must hold numbers, but its dtype is {array.dtype}.")
    return {name: np.asarray(array) for name, array in tensors.items()}


def in_dtype(tensors: dict[str, Array], dtype: npt.DTypeLike | None) -> dict[str, Array]:
    """Bring the floating-point arrays to another precision, one at a time; integers and bools stay. None: no change."""
    if dtype is None:
        return tensors
    float_type = float_dtype(dtype)
    for name, array in tensors.items():
        if array.dtype.kind == "f" and array.dtype != float_type:
            tensors[name] = array.astype(float_type)
    return tensors


def float_dtype(dtype: npt.DTypeLike) -> np.dtype[Any]:
    """Return float16, float32 or float64; SettingError for anything else."""
    try:
        float_type = np.dtype(dtype)
    except (TypeError, ValueError) as problem:
        raise SettingError(f"dtype must be float16, float32, float64 or None, but got {shown(dtype)}.") from problem
    if float_type.kind != "f" or float_type.itemsize > 8:
        raise SettingError(f"dtype must be float16, float32, float64 or None, but got {float_type}.")
    return float_type
