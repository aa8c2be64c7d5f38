"""PyTorch's .pth files, built by hand: the instructions of the pickle, the storages, and the two forms around them."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.io.samples import zip_file


@dataclass
class Global:
    """A name that the pickle imports."""

    module: str
    name: str


@dataclass
class Call:
    """A call of the imported function with arguments."""

    function: Any
    arguments: tuple[Any, ...]


@dataclass
class Outside:
    """A thing kept outside the pickle: a storage."""

    identifier: Any


@dataclass
class State:
    """An object with attributes set on it (BUILD)."""

    target: Any
    state: Any


def encode(value: Any) -> bytes:
    """The instructions that build a value."""
    match value:
        case Global():
            return f"c{value.module}\n{value.name}\n".encode()
        case Call():
            return encode(value.function) + encode(value.arguments) + b"R"
        case Outside():
            return encode(value.identifier) + b"Q"
        case State():
            return encode(value.target) + encode(value.state) + b"b"
        case None:
            return b"N"
        case bool():
            return b"\x88" if value else b"\x89"
        case int():
            return b"\x8a" + bytes([9]) + value.to_bytes(9, "little", signed=True)
        case float():
            return b"G" + struct.pack(">d", value)
        case str():
            data = value.encode()
            return b"X" + struct.pack("<I", len(data)) + data
        case tuple():
            return b"(" + b"".join(map(encode, value)) + b"t"
        case list():
            return b"](" + b"".join(map(encode, value)) + b"e"
        case dict():
            return b"}(" + b"".join(encode(key) + encode(item) for key, item in value.items()) + b"u"
    raise TypeError(type(value))


def pickled(value: Any) -> bytes:
    return b"\x80\x02" + encode(value) + b"."


def tensor(
    key: str,
    count: int,
    shape: Sequence[int],
    stride: Sequence[int] | None = None,
    offset: int = 0,
    kind: str = "FloatStorage",
) -> Call:
    """A tensor as torch.save describes it."""
    if stride is None:
        stride = [int(np.prod(shape[axis + 1 :])) for axis in range(len(shape))]
    storage = Outside(("storage", Global("torch", kind), key, "cpu", count))
    hooks = Call(Global("collections", "OrderedDict"), ())
    arguments = (storage, offset, tuple(shape), tuple(stride), False, hooks)
    return Call(Global("torch._utils", "_rebuild_tensor_v2"), arguments)


def torch_zip(value: Any, storages: Mapping[str, Any], order: bytes = b"little", **options: Any) -> bytes:
    """A .pth in zip form; `value` may be the bytes of a pickle."""
    members = {"net/data.pkl": value if isinstance(value, bytes) else pickled(value), "net/byteorder": order}
    members |= {f"net/data/{key}": np.asarray(data).tobytes() for key, data in storages.items()}
    return zip_file({**members, "net/version": b"3\n"}, **options)


MAGIC = 0x1950A86A20F9469CFC6C


def torch_legacy(value: Any, storages: Mapping[str, Any]) -> bytes:
    """A .pth in the older form; `value` may be the bytes of a pickle."""
    data = b"\x80\x02\x8a\x0a" + MAGIC.to_bytes(10, "little") + b"."
    data += pickled(1001) + pickled({"protocol_version": 1001, "little_endian": True})
    data += (value if isinstance(value, bytes) else pickled(value)) + pickled(list(storages))
    for array in storages.values():
        data += np.asarray(array).size.to_bytes(8, "little") + np.asarray(array).tobytes()
    return data


NUMBERS = np.arange(24, dtype="f4")
TORCH_VALUE = {
    "conv.weight": tensor("0", 24, (2, 3, 2, 2)),
    "conv.bias": Call(Global("torch._utils", "_rebuild_parameter"), (tensor("1", 2, (2,)), True, {})),
    "turned": tensor("0", 24, (6, 4), (1, 6)),
    "part": tensor("0", 24, (2, 3), (12, 2), offset=5),
    "steps": tensor("2", 1, (), kind="LongStorage"),
    "nothing": tensor("3", 0, (0, 4)),
    "half": tensor("4", 4, (4,), kind="BFloat16Storage"),
}
TORCH_STORAGES = {
    "0": NUMBERS,
    "1": np.array([0.5, -1], "f4"),
    "2": np.array([7], "i8"),
    "3": np.zeros(0, "f4"),
    "4": (np.array([1, -2, 0.5, 3], "f4").view("u4") >> 16).astype("u2"),
}
STATE_DICT = State({**TORCH_VALUE}, {"_metadata": Call(Global("collections", "OrderedDict"), ())})
