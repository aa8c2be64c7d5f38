"""The arrays of an ONNX file: inside it, or in a file that lies beside it."""

from __future__ import annotations

import math
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import WeightsFileError
from minitorch_viz.io.files import open_file, read_exactly
from minitorch_viz.models.from_onnx.file import onnx_package
from minitorch_viz.models.from_onnx.limits import MOST_AXES

RAW = {1: "f4", 2: "u1", 3: "i1", 4: "u2", 5: "i2", 6: "i4", 7: "i8", 9: "?", 10: "f2", 11: "f8", 12: "u4", 13: "u8"}
BFLOAT16 = 16
LISTS = {1: "float_data", 11: "double_data", 7: "int64_data", 12: "uint64_data", 13: "uint64_data"}  # else int32_data


def array_of(tensor: Any, folder: Path) -> Array:
    """Return the array of a TensorProto; external data comes from a file in `folder` alone.

    Raises WeightsFileError if it is damaged, of an unknown type, or its data lie anywhere else.
    """
    label = f"The array {tensor.name!r:.80}"
    dims = tuple(tensor.dims)
    if len(dims) > MOST_AXES or any(side < 0 for side in dims):
        raise WeightsFileError(f"{label} has the impossible shape {dims!s:.100}.")
    kind = tensor.data_type
    if kind not in RAW and kind != BFLOAT16:
        raise WeightsFileError(
            f"{label} holds {_type_name(kind)}; numbers of 8 to 64 bits, bfloat16 and true or false are read."
        )
    dtype = np.dtype(np.uint16 if kind == BFLOAT16 else RAW[kind]).newbyteorder("<")
    count = math.prod(dims)
    if tensor.data_location == tensor.EXTERNAL:
        array = np.frombuffer(_external(tensor, folder, count * dtype.itemsize, label), dtype)
    elif tensor.HasField("raw_data"):
        array = _from_bytes(tensor.raw_data, dtype, count, label)
    else:
        array = _from_list(getattr(tensor, LISTS.get(kind, "int32_data")), kind, dtype, count, label)
    if kind == BFLOAT16:
        array = (array.astype(np.uint32) << 16).view(np.float32)
    return array.reshape(dims).astype(array.dtype.newbyteorder("="))


def _from_bytes(data: bytes, dtype: np.dtype[Any], count: int, label: str) -> Array:
    if len(data) != count * dtype.itemsize:
        raise WeightsFileError(
            f"{label} needs {count * dtype.itemsize:,} bytes, but the file has {len(data):,} for it."
        )
    return np.frombuffer(data, dtype)


def _from_list(values: Any, kind: int, dtype: np.dtype[Any], count: int, label: str) -> Array:
    """Return an array from one of the lists of typed numbers; halves are stored in it as their bits."""
    if len(values) != count:
        raise WeightsFileError(f"{label} needs {count:,} numbers, but the file has {len(values):,} for it.")
    wide = np.array(values, np.float64 if kind in (1, 11) else np.uint64 if kind in (12, 13) else np.int64)
    if kind == 10:
        return wide.astype(np.uint16).view(np.float16)
    return wide.astype(dtype)


def _external(tensor: Any, folder: Path, count: int, label: str) -> bytes:
    """Return the bytes of an array that is kept in another file: a plain name, beside the ONNX file, no link away."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    name = entries.get("location", "")
    is_plain = bool(name) and not {"..", ""} & set(name.replace("\\", "/").split("/")) and "\0" not in name
    if not is_plain or PurePosixPath(name).is_absolute() or PureWindowsPath(name).drive:
        raise WeightsFileError(f"{label} is kept in {name!r:.100}; only files beside the ONNX file are read.")
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise WeightsFileError(f"{label} is kept in {name!r:.100}, a link to another place; put the file itself there.")
    offset, length = (_whole(entries.get(key, ""), default) for key, default in (("offset", 0), ("length", count)))
    if offset is None or length != count:
        raise WeightsFileError(f"{label} needs {count:,} bytes of {name!r}, but the file says {entries!r:.200}.")
    with open_file(path, "file with an ONNX net's arrays", WeightsFileError) as (file, size, _):
        if offset + count > size:
            raise WeightsFileError(
                f"{label} needs bytes {offset:,} to {offset + count:,} of {path}, which has {size:,}."
            )
        return read_exactly(file, offset, count, str(path))


def _whole(text: str, default: int) -> int | None:
    if not text:
        return default
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _type_name(kind: int) -> str:
    types = onnx_package().TensorProto.DataType
    return str(types.Name(kind)).lower() if kind in types.values() else f"an unknown type ({kind})"
