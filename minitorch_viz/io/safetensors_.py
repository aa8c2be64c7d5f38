"""Reading and writing `.safetensors`: eight bytes of length, a JSON header, then the arrays one after the other."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, WeightsFileError
from minitorch_viz.io.atomic import write_bytes_atomically
from minitorch_viz.io.files import is_whole, open_file, parse_json, read_exactly, shown
from minitorch_viz.io.tensors import checked_shape, checked_tensors, float_dtype, from_bfloat16, in_dtype, read_array

DTYPES = {
    **{"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "BOOL": "?", "C64": "<c8"},
    **{"I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1", "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1"},
}
LONGEST_HEADER = 4 * 2**20  # about 40,000 tensors; parsed, it takes up to 30 times as much


def read_safetensors(path: str | Path, dtype: npt.DTypeLike | None = None) -> dict[str, Array]:
    """Return the arrays of a `.safetensors` file by name.

    dtype: float32 (say) brings all floating-point arrays to it; None leaves them as they are in the file. bfloat16,
    which NumPy does not have, becomes float32 in any case.

    Every declared offset, shape and size is checked against the size of the file before memory is taken. Raises
    WeightsFileError if the file is missing, damaged or of another kind.
    """
    return read_safetensors_and_metadata(path, dtype)[0]


def read_safetensors_and_metadata(
    path: str | Path, dtype: npt.DTypeLike | None = None
) -> tuple[dict[str, Array], dict[str, str]]:
    """Return the arrays by name, and the file's own `__metadata__` (text by name)."""
    if dtype is not None:
        float_dtype(dtype)
    with open_file(path, "safetensors file", WeightsFileError) as (file, size, place):
        header, start = _header(file, size, place)
        metadata = header.pop("__metadata__", {})
        if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
            raise WeightsFileError(f"{place}: its __metadata__ must be a JSON object of texts; is the file damaged?")
        parts = {name: _part(name, entry, place) for name, entry in header.items()}
        _check_layout(parts, size - start, place)
        tensors = {}
        for name, (kind, shape, begin, _) in parts.items():
            array = read_array(file, start + begin, shape, DTYPES[kind], f"{place}: {name!r}")
            tensors[name] = from_bfloat16(array) if kind == "BF16" else array
    return in_dtype(tensors, dtype), metadata


def _header(file: BinaryIO, size: int, place: Path) -> tuple[dict[str, Any], int]:
    """Return the header as a dict, and where the arrays begin."""
    if size < 10:
        raise WeightsFileError(f"{place} has {size} bytes, which is too short for a safetensors file.")
    length = int.from_bytes(read_exactly(file, 0, 8, str(place)), "little")
    if length > size - 8:
        raise WeightsFileError(
            f"{place} is no safetensors file, or it is cut off: its header should have {length} bytes, but only "
            f"{size - 8} follow."
        )
    if length > LONGEST_HEADER:
        raise WeightsFileError(f"{place} has a header of {length} bytes; at most {LONGEST_HEADER} are read.")
    return parse_json(read_exactly(file, 8, length, str(place)), f"The header of {place}"), 8 + length


Part = tuple[str, tuple[int, ...], int, int]  # kind, shape, begin, end


def _part(name: str, entry: object, place: Path) -> Part:
    label = f"{place}: {name[:100]!r}"
    if not isinstance(entry, dict) or not {"dtype", "shape", "data_offsets"} <= entry.keys():
        raise WeightsFileError(f"{label} has no dtype, shape and data_offsets in the header; is the file damaged?")
    kind, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(kind, str) or kind not in DTYPES:
        raise WeightsFileError(f"{label} has the dtype {shown(kind)}; {', '.join(DTYPES)} can be read.")
    if not isinstance(shape, list) or not isinstance(offsets, list) or len(offsets) != 2:
        raise WeightsFileError(f"{label} needs a list as shape and a pair as data_offsets; is the file damaged?")
    if not all(is_whole(offset) and 0 <= offset <= 2**62 for offset in offsets) or offsets[0] > offsets[1]:
        raise WeightsFileError(f"{label} has impossible data_offsets in the header; is the file damaged?")
    sizes = checked_shape(shape, label)
    nbytes = math.prod(sizes) * np.dtype(DTYPES[kind]).itemsize
    if nbytes != offsets[1] - offsets[0]:
        raise WeightsFileError(
            f"{label}: {kind} {sizes} needs {nbytes} bytes, but {offsets[1] - offsets[0]} are given."
        )
    return kind, sizes, offsets[0], offsets[1]


def _check_layout(parts: Mapping[str, Part], room: int, place: Path) -> None:
    """Raise WeightsFileError unless the arrays fill the file without holes or overlaps, as the format demands."""
    spans = sorted((begin, end) for _, _, begin, end in parts.values())
    last = spans[-1][1] if spans else 0
    if last != room:
        hint = "it is cut off" if last > room else "something is appended, or its header is damaged"
        raise WeightsFileError(f"{place}: the arrays need {last} bytes, but {room} follow the header; {hint}.")
    if (spans and spans[0][0] != 0) or any(a[1] != b[0] for a, b in itertools.pairwise(spans)):
        raise WeightsFileError(f"{place}: the arrays overlap or leave holes; is the header damaged?")


def save_safetensors(path: str | Path, tensors: Mapping[str, Array], metadata: Mapping[str, str] | None = None) -> None:
    """Write arrays by name to a `.safetensors` file, completely or not at all.

    tensors: {"conv1.weight": array}; metadata: texts by name, kept in the header. Raises SettingError for things that
    the format cannot hold, WeightsFileError if the file cannot be written.
    """
    from safetensors.numpy import save

    arrays = checked_tensors(tensors, "save_safetensors")
    if "__metadata__" in arrays:
        raise SettingError("save_safetensors: no array may be called '__metadata__'; the format needs that name.")
    if metadata is not None and not (
        isinstance(metadata, Mapping) and all(isinstance(text, str) for pair in metadata.items() for text in pair)
    ):
        raise SettingError(f"save_safetensors: metadata must map texts to texts, but got {shown(metadata)}.")
    for name, array in arrays.items():
        if array.dtype.newbyteorder("<").str.replace("|", "").lstrip("<") not in {d.lstrip("<") for d in _WRITABLE}:
            raise SettingError(f"save_safetensors: the format holds no {array.dtype}, the dtype of {name!r}.")
        arrays[name] = np.asarray(array, array.dtype.newbyteorder("="), order="C")
    data = save(arrays, dict(metadata) if metadata else None)
    write_bytes_atomically(path, data, WeightsFileError)


_WRITABLE = {np.dtype(code).str.replace("|", "") for kind, code in DTYPES.items() if kind != "C64"} | {"<c8"}
