"""PyTorch's .pth, read from files built by hand: windows on storages come out right, and nothing is ever executed."""

from __future__ import annotations

import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minitorch_viz.errors import SettingError, WeightsFileError
from minitorch_viz.io import pickle_reader
from minitorch_viz.io.torch_pth import read_torch
from tests.io.samples import zip_file
from tests.io.torch_samples import (
    NUMBERS,
    STATE_DICT,
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


def used(value: Any) -> dict[str, Any]:
    """The storages that a value speaks of: the older form lists no others."""
    return {key: TORCH_STORAGES[key] for key in ("0", "1") if encode(key) in encode(value)}


@pytest.mark.parametrize("form", FORMS)
def test_a_state_dict(form: Form, tmp_path: Path) -> None:
    tensors, notes = read_torch(write(tmp_path, form(STATE_DICT, TORCH_STORAGES)))
    assert notes == ()
    expected = {
        "conv.weight": NUMBERS.reshape(2, 3, 2, 2),
        "conv.bias": np.array([0.5, -1], "f4"),
        "turned": NUMBERS.reshape(4, 6).T,
        "part": NUMBERS.reshape(2, 12)[:, 5:11:2],
        "steps": np.array(7),
        "nothing": np.zeros((0, 4), "f4"),
        "half": np.array([1, -2, 0.5, 3], "f4"),
    }
    assert list(tensors) == list(expected)
    for name, array in expected.items():
        assert tensors[name].dtype == array.dtype, name
        np.testing.assert_array_equal(tensors[name], array, err_msg=name)
    assert np.shares_memory(tensors["conv.weight"], tensors["turned"])


@pytest.mark.parametrize("form", FORMS)
def test_every_kind_of_storage(form: Form, tmp_path: Path) -> None:
    kinds = {"Float": "f4", "Double": "f8", "Half": "f2", "Long": "i8", "Int": "i4", "Short": "i2", "Char": "i1"}
    kinds |= {"Byte": "u1", "Bool": "?", "ComplexFloat": "c8", "ComplexDouble": "c16"}
    storages = {kind: np.array([1, 0, 1]).astype(code) for kind, code in kinds.items()}
    value = {kind: tensor(kind, 3, (3,), kind=f"{kind}Storage") for kind in kinds}
    tensors, _ = read_torch(write(tmp_path, form(value, storages)))
    for kind, array in storages.items():
        assert tensors[kind].dtype == array.dtype
        np.testing.assert_array_equal(tensors[kind], array)


def test_dtypes_that_have_no_storage_of_their_own(tmp_path: Path) -> None:
    storage = Outside(("storage", Global("torch.storage", "UntypedStorage"), "0", "cpu", 6))
    hooks = Call(Global("collections", "OrderedDict"), ())
    arguments = (storage, 1, (2,), (1,), False, hooks, Global("torch", "uint16"))
    value = {"a": Call(Global("torch._utils", "_rebuild_tensor_v3"), arguments)}
    tensors, _ = read_torch(write(tmp_path, torch_zip(value, {"0": np.array([1, 2, 65535], "u2")})))
    assert tensors["a"].tolist() == [2, 65535]


def test_big_endian(tmp_path: Path) -> None:
    value = {"a": tensor("0", 3, (3,))}
    path = write(tmp_path, torch_zip(value, {"0": np.array([1, 2, 3], ">f4")}, b"big"))
    assert read_torch(path)[0]["a"].tolist() == [1, 2, 3]


def test_without_checksums_and_without_byte_order(tmp_path: Path) -> None:
    data = torch_zip({"a": tensor("0", 3, (3,))}, {"0": np.ones(3, "f4")})
    with zipfile.ZipFile(write(tmp_path, data)) as archive:
        for info in archive.infolist():  # what torch.serialization.set_crc32_options(False) writes
            data = data.replace(struct.pack("<I", info.CRC), bytes(4))
    assert read_torch(write(tmp_path, data))[0]["a"].tolist() == [1, 1, 1]
    members = {"x/data.pkl": pickled({"a": tensor("0", 3, (3,))}), "x/data/0": np.ones(3, "f4").tobytes()}
    assert read_torch(write(tmp_path, zip_file(members)))[0]["a"].tolist() == [1, 1, 1]


@pytest.mark.parametrize("form", FORMS)
def test_a_repeated_number_is_laid_out(form: Form, tmp_path: Path) -> None:
    value = {"a": tensor("0", 2, (2, 3), (1, 0)), "b": tensor("0", 2, (2, 3), (1, 0))}
    tensors, _ = read_torch(write(tmp_path, form(value, {"0": np.array([5, 6], "f4")})))
    assert tensors["a"].tolist() == [[5] * 3, [6] * 3]
    assert tensors["a"].flags.c_contiguous
    assert tensors["a"] is tensors["b"]


ONE, TWO = tensor("0", 24, (24,)), tensor("1", 2, (2,))
SHAPES: dict[str, tuple[Any, list[str], list[str]]] = {  # what is saved, names, words in the notes
    "plain": ({"a": ONE, "b": TWO}, ["a", "b"], []),
    "state_dict": ({"epoch": 3, "state_dict": {"a": ONE}, "best": 0.5}, ["a"], ["'state_dict'"]),
    "model": ({"model": {"a": ONE}, "optimizer": {"state": {0: {"avg": TWO}}}}, ["a"], ["'model'"]),
    "nested": ({"net": {"state_dict": {"a": ONE}}}, ["a"], ["'net'", "'state_dict'"]),
    "DataParallel": ({"module.a": ONE, "module.b": TWO}, ["a", "b"], ["'module.'"]),
    "both": ({"state_dict": {"module.a": ONE}}, ["a"], ["'state_dict'", "'module.'"]),
    "half DataParallel": ({"module.a": ONE, "b": TWO}, ["module.a", "b"], []),
    "beside others": ({"a": ONE, "lr": 0.1, "name": "x"}, ["a"], ["lr, name"]),
    "groups": ({"G": {"a": ONE}, "D": {"a": TWO}, "optim_G": {"s": TWO}}, ["G.a", "D.a"], ["optim_G"]),
    "numbers": ({0: ONE, 1: TWO}, ["0", "1"], []),
    "one tensor": (ONE, ["tensor"], ["single tensor"]),
    "list": ([ONE, TWO], ["0", "1"], ["list of tensors"]),
    "size": ({"a": ONE, "shape": Call(Global("torch", "Size"), ((2, 3),))}, ["a"], ["shape"]),
    "old OrderedDict": (Call(Global("collections", "OrderedDict"), ([("a", ONE)],)), ["a"], []),
    "model that is a tensor": ({"model": ONE}, ["model"], []),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", SHAPES)
def test_where_the_tensors_are_found(name: str, form: Form, tmp_path: Path) -> None:
    value, names, words = SHAPES[name]
    tensors, notes = read_torch(write(tmp_path, form(value, used(value))))
    assert list(tensors) == names
    for word in words:
        assert word in " ".join(notes)
    assert bool(notes) == bool(words)


def test_all_protocols_of_pickle_agree() -> None:
    value = {
        "a": [1, -1, 300, 70_000, 2**40, -(2**70)],
        "b": (0.5, None, True, "é" * 300, b"x" * 300),
        "c": {},
        "d": (),
    }
    value["e"] = [(n, str(n)) for n in range(2000)]
    value["f"] = value["e"]
    for protocol in range(2, 6):
        data = pickle.dumps(value, protocol)
        reader = pickle_reader.PickleReader(data, 0, "it", {("_codecs", "encode"): _ENCODE}, lambda _: None)
        got = reader.read()
        assert got == value
        assert got["e"] is got["f"]
        assert reader.at == len(data)


_ENCODE = pickle_reader.Function("encode", (2, 2), lambda text, name: text.encode(name))  # how protocol 2 writes bytes


@pytest.mark.parametrize("dtype", [int, "real", object(), "complex64", "O", bool])
def test_bad_dtype(dtype: object, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="dtype must be float16, float32, float64 or None"):
        read_torch(tmp_path / "net.pth", dtype=dtype)


def test_a_shared_dict_that_contains_itself(tmp_path: Path) -> None:
    loop = b"\x80\x02}q\x00" + encode("a") + encode(ONE) + b"s" + encode("self") + b"h\x00s."
    assert list(read_torch(write(tmp_path, torch_zip(loop, {"0": NUMBERS})))[0]) == ["a"]
    endless = b"\x80\x02]q\x00h\x00a."
    with pytest.raises(WeightsFileError, match="no tensors"):
        read_torch(write(tmp_path, torch_zip(endless, {})))
