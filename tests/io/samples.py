"""Small files of every format, built byte by byte, to test the readers without the libraries that write them."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

# --- PNG ---------------------------------------------------------------------------------------------------------


def png(rows: Any, color: int, bits: int, extra: Sequence[tuple[bytes, bytes]] = (), size: Any = None) -> bytes:
    """A PNG whose rows are given as packed bytes (bits < 8) or as an array of 8- or 16-bit numbers."""
    array = np.asarray(rows)
    array = array.astype(">u2" if bits == 16 else np.uint8)
    height, width = size or array.shape[:2]
    raw = b"".join(b"\0" + row.tobytes() for row in array.reshape(len(array), -1))
    head = struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, 0)
    chunks = [(b"IHDR", head), *extra, (b"IDAT", zlib.compress(raw)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(map(_chunk, chunks))


def _chunk(chunk: tuple[bytes, bytes]) -> bytes:
    kind, data = chunk
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def encoded(image: Any, kind: str, **options: Any) -> bytes:
    """A Pillow image as the bytes of a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


# --- safetensors -------------------------------------------------------------------------------------------------


def safetensors_file(header: Mapping[str, Any] | bytes, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def entry(dtype: str, shape: Sequence[Any], begin: Any, end: Any) -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}


# --- npz ---------------------------------------------------------------------------------------------------------


def zip_file(members: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def npy(array: Any, **changes: str) -> bytes:
    """A .npy file; `descr`, `fortran_order` and `shape` may be changed in its header."""
    array = np.asarray(array)
    fields = {"descr": repr(array.dtype.str), "fortran_order": "False", "shape": repr(array.shape)} | changes
    text = "{" + ", ".join(f"'{key}': {value}" for key, value in fields.items()) + ", }\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + array.tobytes()


# --- caffemodel --------------------------------------------------------------------------------------------------


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def field(number: int, value: int | bytes | str) -> bytes:
    """A varint or a length-delimited field."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def blob(array: Any, *, packed: bool = True, legacy: bool = False, double: bool = False, shape: Any = None) -> bytes:
    """A BlobProto."""
    array = np.asarray(array, "<f8" if double else "<f4")
    sizes = list(array.shape if shape is None else shape)
    number, wire = (8, 1) if double else (5, 5)
    if packed:
        data = field(number, array.tobytes())
    else:
        data = b"".join(varint(number << 3 | wire) + one.tobytes() for one in array.reshape(-1))
    if legacy:
        sizes = [1] * (4 - len(sizes)) + sizes
        return b"".join(field(axis + 1, size) for axis, size in enumerate(sizes)) + data
    return data + field(7, field(1, b"".join(map(varint, sizes))))


def layer(name: str, kind: str | int, *blobs: bytes) -> bytes:
    """A layer as the NetParameter holds it; an int as kind makes it one of V1."""
    if isinstance(kind, int):
        return field(2, field(4, name) + field(5, kind) + b"".join(field(6, one) for one in blobs))
    parts = field(1, name) + field(2, kind) + field(3, "data") + field(4, name)
    return field(100, parts + b"".join(field(7, one) for one in blobs))


# --- ConvNetJS ---------------------------------------------------------------------------------------------------


def volume(array: Any, as_dict: bool = True) -> dict[str, Any]:
    """(y, x, depth) as a volume."""
    array = np.asarray(array, float)
    flat = array.reshape(-1).tolist()
    sizes = {"sy": array.shape[0], "sx": array.shape[1], "depth": array.shape[2]}
    return {**sizes, "w": {str(n): value for n, value in enumerate(flat)} if as_dict else flat}


def convnetjs(rng: np.random.Generator, as_dict: bool = True) -> tuple[dict[str, Any], dict[str, Any]]:
    """(the JSON object of a net: 4x5 pixels, conv 3x3 to 3 channels, pool to 2x3, fc to 2; its raw arrays)."""
    raw = {"conv": rng.normal(size=(3, 3, 3, 2)), "fc": rng.normal(size=(2, 2 * 3 * 3))}  # (out, y, x, in), (out, yxd)
    raw |= {"conv_bias": rng.normal(size=3), "fc_bias": rng.normal(size=2)}
    filters = [volume(one, as_dict) for one in raw["conv"]]
    rows = [volume(one[None, None], as_dict) for one in raw["fc"]]
    layers = [
        {"layer_type": "input", "out_depth": 2, "out_sx": 5, "out_sy": 4},
        {"layer_type": "conv", "sx": 3, "sy": 3, "stride": 1, "pad": 1, "in_depth": 2, "out_depth": 3, "out_sx": 5}
        | {"out_sy": 4, "filters": filters, "biases": volume(raw["conv_bias"][None, None], as_dict)},
        {"layer_type": "relu", "out_depth": 3, "out_sx": 5, "out_sy": 4},
        {"layer_type": "pool", "sx": 2, "sy": 2, "stride": 2, "pad": 0, "out_depth": 3, "out_sx": 3, "out_sy": 2},
        {"layer_type": "fc", "out_depth": 2, "out_sx": 1, "out_sy": 1, "num_inputs": 18, "filters": rows}
        | {"biases": volume(raw["fc_bias"][None, None], as_dict)},
        {"layer_type": "softmax", "out_depth": 2, "out_sx": 1, "out_sy": 1, "num_inputs": 2},
    ]
    return {"layers": layers}, raw
