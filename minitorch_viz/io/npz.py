"""Reading and writing NumPy's `.npz`, a zip file of arrays; pickled objects in it are never opened."""

from __future__ import annotations

import itertools
import math
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from minitorch_viz._types import Array
from minitorch_viz.errors import WeightsFileError
from minitorch_viz.io.atomic import atomic_write
from minitorch_viz.io.files import ROOM
from minitorch_viz.io.tensors import checked_shape, checked_tensors, float_dtype, in_dtype, tidy
from minitorch_viz.io.zip_ import Archive, Member, open_zip

# A header is the text of a dict. It is matched, not evaluated.
DESCR = re.compile(r"""['"]descr['"]\s*:\s*['"]([<>|=]?)([a-zA-Z])(\d{1,9})['"]""")
FORTRAN = re.compile(r"""['"]fortran_order['"]\s*:\s*(True|False)""")
SHAPE = re.compile(r"""['"]shape['"]\s*:\s*\(\s*((?:\d+L?\s*,\s*)*(?:\d+L?)?)\s*\)""")
LONGEST_HEADER = 10_000  # NumPy's own limit
SIZES = {"b": (1,), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "f": (2, 4, 8), "c": (8, 16)}


def read_npz(path: str | Path, dtype: npt.DTypeLike | None = None) -> dict[str, Array]:
    """The arrays of a `.npz` file by name.

    dtype: float32 (say) brings all floating-point arrays to it; None leaves them as they are.

    All declared sizes are checked before memory is taken: the arrays together may be 192 MB larger than the file, so
    that a small file cannot unfold to fill the memory. Raises WeightsFileError if the file is missing, damaged, too
    large, or holds anything but numbers (pickled objects, structured arrays, text).
    """
    if dtype is not None:
        float_dtype(dtype)
    with open_zip(path) as archive:
        arrays = {name.removesuffix(".npy"): member for name, member in archive.members.items()}
        others = [name for name in archive.members if not name.endswith(".npy")]
        if others or not arrays:
            got = f"holds {others[0]!r}" if others else "is empty"
            raise WeightsFileError(f"{archive.path} is no .npz file of arrays: it {got:.120}.")
        total = sum(member.size for member in arrays.values())
        if total > archive.size + ROOM:
            raise WeightsFileError(
                f"{archive.path} has {archive.size} bytes but would unfold to {total}; at most {ROOM // 2**20} MB more "
                "than the file are unpacked. Save it with np.savez (not np.savez_compressed)."
            )
        tensors = {name: _read(archive, member) for name, member in arrays.items()}
    return in_dtype(tensors, dtype)


def _read(archive: Archive, member: Member) -> Array:
    """One array, unpacked straight into place."""
    what = f"{archive.path}: {member.name[:100]!r}"
    chunks = archive.chunks(member)
    start = b""
    for chunk in chunks:
        start += chunk
        if len(start) >= 12 + LONGEST_HEADER:
            break
    dtype, order, shape, offset = _header(start, what)
    needed = math.prod(shape) * dtype.itemsize
    if member.size - offset != needed:
        raise WeightsFileError(
            f"{what}: {dtype} {shape} needs {needed} bytes, but {member.size - offset} are there; is it damaged?"
        )
    array = np.empty(math.prod(shape), dtype)
    octets, at = array.view(np.uint8), 0
    for chunk in itertools.chain([start[offset:]], chunks):
        octets[at : at + len(chunk)] = np.frombuffer(chunk, np.uint8)
        at += len(chunk)
    array = tidy(array)
    return array.reshape(shape[::-1]).T if order == "F" else array.reshape(shape)


def _header(start: bytes, what: str) -> tuple[np.dtype[Any], str, tuple[int, ...], int]:
    """(dtype, "C" or "F", shape, where the numbers begin) of a .npy file."""
    if start[:6] != b"\x93NUMPY" or len(start) < 12 or start[6] not in (1, 2, 3):
        raise WeightsFileError(f"{what} is no NumPy array; is the file damaged?")
    width = 2 if start[6] == 1 else 4
    length = int.from_bytes(start[8 : 8 + width], "little")
    text = start[8 + width : 8 + width + length].decode("latin-1")
    if length > LONGEST_HEADER or len(text) != length:
        raise WeightsFileError(f"{what} has a header of {length} bytes; is the file damaged?")
    descr, fortran, shape = DESCR.search(text), FORTRAN.search(text), SHAPE.search(text)
    if re.search(r"""['"]\|?O['"]""", text):
        raise WeightsFileError(f"{what} holds pickled Python objects, which can run programs; save plain arrays.")
    if descr is None or fortran is None or shape is None:
        raise WeightsFileError(f"{what} has a header that is not one of a plain array; save arrays of numbers.")
    byte_order, kind, size = descr.groups()
    if kind not in SIZES or int(size) not in SIZES[kind]:
        raise WeightsFileError(f"{what} holds {descr[0]!r}; arrays of integers, floats or bools can be read.")
    sizes = [int(number) for number in re.findall(r"\d+", shape[1][:600])]
    dtype = np.dtype(f"{byte_order}{kind}{size}")
    return dtype, "F" if fortran[1] == "True" else "C", checked_shape(sizes, what), 8 + width + length


def save_npz(path: str | Path, tensors: Mapping[str, Array]) -> None:
    """Write arrays by name to a `.npz` file, completely or not at all; `np.load` and `read_npz` read it.

    Raises SettingError if `tensors` is no dict of numeric arrays, WeightsFileError if the file cannot be written.
    """
    arrays = checked_tensors(tensors, "save_npz")
    with atomic_write(path, WeightsFileError) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            # A fixed date, so that the same arrays always give the same bytes.
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            with archive.open(entry, "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
