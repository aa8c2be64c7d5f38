"""Reading and writing NumPy's `.npz`, a zip file of arrays; pickled objects in it are never opened."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from minitorch_viz._types import Array
from minitorch_viz.errors import WeightsFileError
from minitorch_viz.io.atomic import atomic_write
from minitorch_viz.io.files import ROOM_BYTES
from minitorch_viz.io.npy import LONGEST_HEADER, Header, NoNumbersError, header_of
from minitorch_viz.io.tensors import checked_tensors, float_dtype, in_dtype, tidy
from minitorch_viz.io.zip_ import Archive, Member, open_zip

LISTED = 8  # how many names a note lists


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


def _read_archive(path: str | Path, dtype: npt.DTypeLike | None) -> tuple[dict[str, Array], list[NoNumbersError]]:
    """Return the arrays of numbers, and one error for each other member."""
    if dtype is not None:
        float_dtype(dtype)
    problems: list[NoNumbersError] = []
    with open_zip(path) as archive:
        other_names = [name for name in archive.members if not name.endswith(".npy")]
        if not archive.members:
            raise WeightsFileError(f"{archive.path} is no .npz file of arrays: it is empty.")
        for name in other_names:
            sentence = f"{archive.path} is no .npz file of arrays: it holds {name!r:.120}."
            problems.append(NoNumbersError(sentence, f"the file {name!a:.80}"))
        headers: dict[str, tuple[Member, Header]] = {}
        for name, member in archive.members.items():
            if name not in other_names:
                try:
                    headers[name.removesuffix(".npy")] = member, _header_of(archive, member)
                except NoNumbersError as problem:
                    problems.append(problem)
        total = sum(member.size for member, _ in headers.values())
        if total > archive.size + ROOM_BYTES:
            raise WeightsFileError(
                f"{archive.path} has {archive.size} bytes but would unfold to {total}; at most "
                f"{ROOM_BYTES // 2**20} MB more than the file are unpacked. Save it with np.savez "
                "(not np.savez_compressed)."
            )
        tensors = {name: _read(archive, member, header) for name, (member, header) in headers.items()}
    return in_dtype(tensors, dtype), problems


def _header_of(archive: Archive, member: Member) -> Header:
    start = b""
    for chunk in archive.chunks(member):
        start += chunk
        if len(start) >= 12 + LONGEST_HEADER:
            break
    return header_of(start, f"{archive.path}: {member.name[:100]!r}", member.name.removesuffix(".npy")[:80])


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


def save_npz(path: str | Path, tensors: Mapping[str, Array], facts: Mapping[str, Array] | None = None) -> None:
    """Write arrays by name to a `.npz` file, completely or not at all; `np.load` and `read_npz` read it.

    facts: further entries, which may be texts, such as what the arrays are of; `read_npz` leaves texts out.

    Raises SettingError if `tensors` is no dict of numeric arrays, WeightsFileError if the file cannot be written.
    """
    arrays = checked_tensors(tensors, "save_npz")
    with atomic_write(path, WeightsFileError) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in {**arrays, **(facts or {})}.items():
            # A fixed date, so that the same arrays always give the same bytes.
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            with archive.open(entry, "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
