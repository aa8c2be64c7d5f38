"""Reading and writing NumPy's `.npz`, a zip file of arrays; pickled objects in it are never opened."""

from __future__ import annotations

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
LISTED = 8  # how many names a note lists
KINDS = {"U": "text", "S": "text", "a": "text", "V": "raw bytes"}
Header = tuple[np.dtype[Any], str, tuple[int, ...], int]  # dtype, "C" or "F", shape, where the numbers begin
FIELDS = re.compile(r"""['"]descr['"]\s*:\s*\[""")
DATES = re.compile(r"""['"]descr['"]\s*:\s*['"][<>|=]?[mM]8""")
OBJECTS = re.compile(r"""['"]\|?O['"]""")
SIZES = {"b": (1,), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "f": (2, 4, 8), "c": (8, 16)}


class _NoNumbersError(WeightsFileError):
    """Report a sound array without numbers that can be read; `kind` says what it holds."""

    def __init__(self, message: str, kind: str) -> None:
        super().__init__(message)
        self.kind = kind


def read_npz(path: str | Path, dtype: npt.DTypeLike | None = None) -> dict[str, Array]:
    """Return the arrays of a `.npz` file by name.

    dtype: float32 (say) brings all floating-point arrays to it; None leaves them as they are.

    All declared sizes are checked before memory is taken: the arrays together may be 192 MB larger than the file, so
    that a small file cannot unfold to fill the memory. Raises WeightsFileError if the file is missing, damaged, too
    large, or holds anything but numbers (pickled objects, structured arrays, text).
    """
    tensors, problems = _read_archive(path, dtype)
    if problems:
        raise problems[0]
    return tensors


def read_npz_and_notes(
    path: str | Path, dtype: npt.DTypeLike | None = None
) -> tuple[dict[str, Array], tuple[str, ...]]:
    """Return the arrays of numbers in a `.npz` file by name, and notes on what else is in it and was left out.

    Text, dates, records and pickled objects are left out unopened. Raises WeightsFileError as `read_npz` does, but for
    them only if there is no array of numbers.
    """
    tensors, problems = _read_archive(path, dtype)
    if problems and not tensors:
        raise problems[0]
    kinds = [problem.kind for problem in problems]
    remark = f" and {len(kinds) - LISTED} more" if len(kinds) > LISTED else ""
    return tensors, (f"Left out, since they are no numbers: {', '.join(kinds[:LISTED])}{remark}.",) if kinds else ()


def _read_archive(path: str | Path, dtype: npt.DTypeLike | None) -> tuple[dict[str, Array], list[_NoNumbersError]]:
    """Return the arrays of numbers, and one error for each other member."""
    if dtype is not None:
        float_dtype(dtype)
    problems: list[_NoNumbersError] = []
    with open_zip(path) as archive:
        other_names = [name for name in archive.members if not name.endswith(".npy")]
        if not archive.members:
            raise WeightsFileError(f"{archive.path} is no .npz file of arrays: it is empty.")
        for name in other_names:
            sentence = f"{archive.path} is no .npz file of arrays: it holds {name!r:.120}."
            problems.append(_NoNumbersError(sentence, f"the file {name!a:.80}"))
        headers: dict[str, tuple[Member, Header]] = {}
        for name, member in archive.members.items():
            if name not in other_names:
                try:
                    headers[name.removesuffix(".npy")] = member, _header_of(archive, member)
                except _NoNumbersError as problem:
                    problems.append(problem)
        total = sum(member.size for member, _ in headers.values())
        if total > archive.size + ROOM:
            raise WeightsFileError(
                f"{archive.path} has {archive.size} bytes but would unfold to {total}; at most {ROOM // 2**20} MB more "
                "than the file are unpacked. Save it with np.savez (not np.savez_compressed)."
            )
        tensors = {name: _read(archive, member, header) for name, (member, header) in headers.items()}
    return in_dtype(tensors, dtype), problems


def _header_of(archive: Archive, member: Member) -> Header:
    start = b""
    for chunk in archive.chunks(member):
        start += chunk
        if len(start) >= 12 + LONGEST_HEADER:
            break
    return _header(start, f"{archive.path}: {member.name[:100]!r}", member.name.removesuffix(".npy")[:80])


def _read(archive: Archive, member: Member, header: Header) -> Array:
    """Return one array, unpacked straight into place."""
    label = f"{archive.path}: {member.name[:100]!r}"
    dtype, order, shape, offset = header
    needed = math.prod(shape) * dtype.itemsize
    if member.size - offset != needed:
        raise WeightsFileError(
            f"{label}: {dtype} {shape} needs {needed} bytes, but {member.size - offset} are there; is it damaged?"
        )
    array = np.empty(math.prod(shape), dtype)
    octets, at = array.view(np.uint8), -offset
    for chunk in archive.chunks(member):
        piece = chunk[-at:] if at < 0 else chunk
        octets[max(at, 0) : max(at + len(chunk), 0)] = np.frombuffer(piece, np.uint8)
        at += len(chunk)
    array = tidy(array)
    return array.reshape(shape[::-1]).T if order == "F" else array.reshape(shape)


def _header(start: bytes, label: str, name: str) -> Header:
    """Return what a .npy file begins with."""
    if start[:6] != b"\x93NUMPY" or len(start) < 12 or start[6] not in (1, 2, 3):
        raise WeightsFileError(f"{label} is no NumPy array; is the file damaged?")
    width = 2 if start[6] == 1 else 4
    length = int.from_bytes(start[8 : 8 + width], "little")
    text = start[8 + width : 8 + width + length].decode("latin-1")
    if length > LONGEST_HEADER or len(text) != length:
        raise WeightsFileError(f"{label} has a header of {length} bytes; is the file damaged?")
    descr, fortran, shape = DESCR.search(text), FORTRAN.search(text), SHAPE.search(text)
    if OBJECTS.search(text):
        sentence = f"{label} holds pickled Python objects, which can run programs; save plain arrays."
        raise _NoNumbersError(sentence, f"{name!a} (pickled Python objects)")
    other = "records" if FIELDS.search(text) else "dates or times" if DATES.search(text) else ""
    if other:
        sentence = f"{label} has a header that is not one of a plain array; save arrays of numbers."
        raise _NoNumbersError(sentence, f"{name!a} ({other})")
    if descr is None or fortran is None or shape is None:
        raise WeightsFileError(f"{label} has a header that is not one of a plain array; save arrays of numbers.")
    byte_order, kind, size = descr.groups()
    if kind not in SIZES or int(size) not in SIZES[kind]:
        sentence = f"{label} holds {descr[0]!r}; arrays of integers, floats or bools can be read."
        raise _NoNumbersError(sentence, f"{name!a} ({KINDS.get(kind, descr[0])})")
    sizes = [int(number) for number in re.findall(r"\d+", shape[1][:600])]
    dtype = np.dtype(f"{byte_order}{kind}{size}")
    return dtype, "F" if fortran[1] == "True" else "C", checked_shape(sizes, label), 8 + width + length


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
