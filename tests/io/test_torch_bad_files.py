"""Damaged .pth files, and files that describe what cannot be, give a sentence."""

from __future__ import annotations

import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from minitorch_viz.errors import WeightsFileError
from minitorch_viz.io.torch_pth import read_torch
from tests.io.samples import zip_file
from tests.io.torch_samples import (
    NUMBERS,
    TORCH_STORAGES,
    Call,
    Global,
    Outside,
    encode,
    pickled,
    tensor,
    torch_legacy,
    torch_zip,
)

FORMS = [torch_zip, torch_legacy]
Form = Callable[..., bytes]


def write(tmp_path: Path, data: bytes) -> Path:
    (tmp_path / "net.pth").write_bytes(data)
    return tmp_path / "net.pth"


ONE, TWO = tensor("0", 24, (24,)), tensor("1", 2, (2,))


def used(value: Any) -> dict[str, Any]:
    """The storages that a value speaks of: the older form lists no others."""
    return {key: TORCH_STORAGES[key] for key in ("0", "1") if encode(key) in encode(value)}


def one(**changes: Any) -> dict[str, Any]:
    return {"a": tensor(**{"key": "0", "count": 24, "shape": (24,)} | changes)}


def called(function: str, *arguments: Any) -> dict[str, Any]:
    return {"a": Call(Global("torch._utils", function), arguments)}


def storage(*identifier: Any) -> dict[str, Any]:
    return called("_rebuild_tensor_v2", Outside(identifier), 0, (1,), (1,), False, {})


FLOAT = Global("torch", "FloatStorage")
BAD_VALUES: dict[str, tuple[Any, ...]] = {  # what is pickled, words that the sentence must hold
    "reaches beyond": (one(shape=(25,)), "number 24 of a storage of 24"),
    "offset beyond": (one(offset=1), "number 24 of a storage of 24"),
    "stride beyond": (one(shape=(3, 3), stride=(12, 1)), "number 26"),
    "negative offset": (one(offset=-1), "impossible strides or offset"),
    "negative stride": (one(stride=(-1,)), "impossible strides or offset"),
    "negative size": (one(shape=(-1,), stride=(1,)), "impossible shape"),
    "huge size": (one(shape=(2**62,), stride=(0,)), "impossible shape"),
    "huge with zero": (one(shape=(0, 2**40, 2**40), stride=(1, 1, 1)), "impossible shape"),
    "float size": (one(shape=(2.0,), stride=(1,)), "impossible shape"),
    "many axes": (one(shape=(1,) * 99), "99 axes"),
    "fewer strides": (one(shape=(4, 6), stride=(1,)), "impossible strides"),
    "float offset": (one(offset=0.5), "impossible strides or offset"),
    "count": (one(count=25, shape=(25,)), "storage '0'"),
    "negative count": (one(count=-1), "storage of -1 numbers"),
    "storage key": (storage("storage", FLOAT, 3, "cpu", 1), "without type, key or size"),
    "storage count": (storage("storage", FLOAT, "0", "cpu", 1.5), "without type, key or size"),
    "storage kind": (storage("storage", "FloatStorage", "0", "cpu", 1), "without type, key or size"),
    "storage word": (storage("stored", FLOAT, "0", "cpu", 1), "no storage"),
    "storage parts": (storage("storage", FLOAT, "0"), "no storage"),
    "storage view": (storage("storage", FLOAT, "0", "cpu", 24, ("1", 0, 1)), "PyTorch 0.3"),
    "two types": ([ONE, tensor("0", 24, (1,), kind="IntStorage")], "two types or sizes"),
    "no storage": (called("_rebuild_tensor_v2", "0", 0, (1,), (1,), False, {}), "no storage, shape or strides"),
    "shape as list": (
        called("_rebuild_tensor_v2", Outside(("storage", FLOAT, "0", "cpu", 24)), 0, [1], (1,), False, {}),
    ),
    "few arguments": (called("_rebuild_tensor_v2", 1, 2), "_rebuild_tensor_v2 with 2 arguments"),
    "parameter": (called("_rebuild_parameter", 3, True, {}), "parameter that holds 3"),
    "dtype": (called("_rebuild_tensor_v3", 1, 0, (), (), False, {}, "uint16"), "dtype"),
    "float8": (
        called("_rebuild_tensor_v3", 1, 0, (), (), False, {}, Global("torch", "float8_e5m2")),
        "torch.float8_e5m2",
    ),
    "quantized": (called("_rebuild_qtensor", 1), "torch._utils._rebuild_qtensor"),
    "OrderedDict of numbers": (Call(Global("collections", "OrderedDict"), ([1, 2],)), "names and values"),
    "Size of text": (Call(Global("torch", "Size"), ("ab",)), "torch.Size"),
    "no tensors": ({"epoch": 3, "lr": 0.1}, "no tensors", "epoch, lr"),
    "nothing": ({}, "no tensors", "empty dict"),
    "a number": (3, "no tensors", "a int"),
    "text": ("hello", "no tensors", "a str"),
    "empty list": ([], "no tensors", "a list"),
    "mixed list": ([ONE, 3], "no tensors", "a list"),
    "tuple keys": ({(1, 2): ONE}, "keys are not plain"),
    "long name": ({"a" * 301: ONE}, "300 characters"),
    "no name": ({"": ONE}, "300 characters"),
    "the same name twice": ({"a.b": ONE, "a": {"b": TWO}}, "two tensors called 'a.b'"),
    "only an optimizer": ({"optimizer": {"state": ONE}}, "no tensors"),
    "deeply nested": ({"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": ONE}}}}}}}}}}, "no tensors"),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", BAD_VALUES)
def test_bad_values(name: str, form: Form, tmp_path: Path) -> None:
    value, *words = BAD_VALUES[name]
    with pytest.raises(WeightsFileError) as caught:
        read_torch(write(tmp_path, form(value, used(value))))
    for word in words:
        assert word in str(caught.value)


def steps(*code: bytes) -> bytes:
    return torch_zip(b"\x80\x02" + b"".join(code), {})


SOUND = torch_zip({"a": ONE}, {"0": NUMBERS})
LEGACY = torch_legacy({"a": ONE}, {"0": NUMBERS})
BAD_FILES: dict[str, tuple[Any, ...]] = {
    "no stop": (steps(b"}"), "ends too early"),
    "no bytes": (torch_zip(b"", {}), "ends too early"),
    "empty stack": (steps(b"."), "empty stack"),
    "pop a mark": (steps(b"(."), "empty stack"),
    "no mark": (steps(b"N" + b"t."), "mark that is not there"),
    "no memory": (steps(b"h\x07."), "not remembered"),
    "remember nothing": (steps(b"q\x01."), "not there"),
    "unknown step": (steps(b"\xff."), "instruction (0xff)"),
    "half a number": (steps(b"J\x01"), "ends too early"),
    "half a text": (steps(b"X\xff\xff\xff\xffabc"), "ends too early"),
    "text of 16 EiB": (steps(b"\x8d" + b"\xff" * 8 + b"abc"), "ends too early"),
    "not UTF-8": (steps(b"X\x01\0\0\0\xff."), "not UTF-8"),
    "huge integer": (steps(b"\x8a\x11" + bytes(17) + b"."), "integer of 17 bytes"),
    "endless name": (steps(b"c" + b"a" * 300), "name without an end"),
    "name of numbers": (steps(b"K\x01K\x02\x93."), "not named by text"),
    "append to a dict": (steps(b"}Na."), "no list"),
    "items of a list": (steps(b"]NNs."), "no dict"),
    "odd items": (steps(b"}(Nu."), "keys are not plain"),
    "list as key": (steps(b"}]Ns."), "keys are not plain"),
    "missing storage": (torch_zip({"a": ONE}, {}), "storage '0' is missing"),
    "short storage": (torch_zip({"a": ONE}, {"0": NUMBERS[:5]}), "should have 96", "20"),
    "packed storage": (
        torch_zip({"a": ONE}, {"0": NUMBERS}, method=zipfile.ZIP_DEFLATED),
        "should have 96 plain bytes",
    ),
    "byte order": (torch_zip({"a": ONE}, {"0": NUMBERS}, b"middle"), "byte order"),
    "checksum": (SOUND.replace(NUMBERS.tobytes(), NUMBERS[::-1].tobytes()), "wrong checksum"),
    "cut off": (SOUND[:-30], "cut off"),
    "TorchScript": (zip_file({"x/data.pkl": b"\x80\x02}.", "x/code/a.py": b""}), "TorchScript", "state_dict"),
    "no data.pkl": (zip_file({"x/data/0": b""}), "no data.pkl"),
    "legacy cut off": (LEGACY[:-8], "announced", "cut off"),
    "legacy cut before": (LEGACY[: -24 * 4 - 4], "ends too early"),
    "legacy count": (LEGACY.replace(struct.pack("<Q", 24) + NUMBERS.tobytes(), bytes(200)), "but 0 are announced"),
    "legacy version": (LEGACY.replace(pickled(1001), pickled(1002), 1), "unknown version"),
    "legacy key": (torch_legacy({"a": ONE}, {"0": NUMBERS, "9": NUMBERS}), "'9'", "no tensor uses"),
    "legacy keys": (torch_legacy({"a": ONE}, {}), "'0' is missing"),
    "legacy half a pickle": (LEGACY[:60], "ends too early"),
    "text": (b"hello, world", "torch.save wrote"),
    "a pickle": (pickle.dumps({"a": 1}), "torch.save wrote"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files(name: str, tmp_path: Path) -> None:
    data, *words = BAD_FILES[name]
    with pytest.raises(WeightsFileError) as caught:
        read_torch(write(tmp_path, data))
    for word in [*words, "net.pth"]:
        assert word in str(caught.value)
