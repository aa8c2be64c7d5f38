"""safetensors: the library's files are read, ours are read by the library, damaged headers are refused."""

from __future__ import annotations

import stat
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from minitorch_viz.errors import SettingError, WeightsFileError
from minitorch_viz.io.safetensors_ import read_safetensors, read_safetensors_and_metadata, save_safetensors
from tests.io.samples import entry, safetensors_file

DTYPES = ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?", "c8"]


def arrays() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    made = {dtype: (rng.normal(size=(2, 3)) * 50).astype("i4").astype(dtype) for dtype in DTYPES}
    return made | {"scalar": np.array(3.5, "f4"), "nothing": np.zeros((0, 4)), "vector": np.arange(5.0)}


def same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> None:
    assert a.keys() == b.keys()
    for name in a:
        assert a[name].dtype == b[name].dtype, name
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


def test_round_trip(tmp_path: Path) -> None:
    save_safetensors(tmp_path / "a.safetensors", arrays(), {"made": "here"})
    tensors, metadata = read_safetensors_and_metadata(tmp_path / "a.safetensors")
    same(tensors, arrays())
    assert metadata == {"made": "here"}
    assert [path.name for path in tmp_path.iterdir()] == ["a.safetensors"]
    assert stat.S_IMODE((tmp_path / "a.safetensors").stat().st_mode) != 0o600


def test_the_library_reads_ours_and_we_read_the_librarys(tmp_path: Path) -> None:
    save_safetensors(tmp_path / "a", arrays())
    same(safetensors.numpy.load_file(tmp_path / "a"), arrays())
    safetensors.numpy.save_file(arrays(), tmp_path / "b", metadata={"x": "y"})
    same(read_safetensors(tmp_path / "b"), arrays())


def test_an_empty_file_of_arrays(tmp_path: Path) -> None:
    save_safetensors(tmp_path / "a", {})
    assert read_safetensors(tmp_path / "a") == {}


@pytest.mark.parametrize("make", [np.asfortranarray, lambda a: a.astype(">f4"), lambda a: a[:, ::2], lambda a: a.T])
def test_arrays_in_any_layout_are_written_right(make: object, tmp_path: Path) -> None:
    array = make(np.random.default_rng(0).normal(size=(4, 6)).astype("f4"))
    save_safetensors(tmp_path / "a", {"a": array})
    np.testing.assert_array_equal(read_safetensors(tmp_path / "a")["a"], array)


def test_bfloat16_becomes_float32(tmp_path: Path) -> None:
    numbers = np.array([1, -2.5, 3e38, 2e-38, 0, np.inf], "f4")
    data = (numbers.view("u4") >> 16).astype("<u2").tobytes()
    (tmp_path / "a").write_bytes(safetensors_file({"a": entry("BF16", (2, 3), 0, 12)}, data))
    got = read_safetensors(tmp_path / "a")["a"]
    assert got.dtype == np.float32
    np.testing.assert_allclose(got.reshape(-1), numbers, rtol=2**-7)
    assert got[0].tolist()[:2] == [1, -2.5]


def test_dtype_changes_floats_only(tmp_path: Path) -> None:
    save_safetensors(tmp_path / "a", arrays())
    tensors = read_safetensors(tmp_path / "a", dtype=np.float32)
    assert {tensors[name].dtype for name in ("f2", "f4", "f8", "scalar")} == {np.dtype("f4")}
    assert tensors["i8"].dtype == np.int64


def test_bools_are_zeros_and_ones(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(safetensors_file({"a": entry("BOOL", (3,), 0, 3)}, bytes([0, 1, 7])))
    assert read_safetensors(tmp_path / "a")["a"].view("u1").tolist() == [0, 1, 1]


def test_shared_files_agree_with_the_library(shared_data: Path) -> None:
    for path in sorted((shared_data / "weights").glob("*.safetensors")):
        same(read_safetensors(path), safetensors.numpy.load_file(path))


ONE = entry("F32", (2,), 0, 8)
BAD = {  # the file, words that the sentence must hold
    "short": (b"12345", "5 bytes", "too short"),
    "length": ((2**40).to_bytes(8, "little") + b"{}" + bytes(9), "cut off", "1099511627776"),
    "not JSON": (safetensors_file(b"{'a': 1}"), "not sound JSON"),
    "not an object": (safetensors_file(b"[1, 2]"), "JSON object", "list"),
    "not UTF-8": (safetensors_file(b'{"\xff": 1}'), "not sound JSON"),
    "NaN": (safetensors_file(b'{"a": NaN}'), "NaN"),
    "entry": (safetensors_file({"a": 3}), "'a'", "dtype, shape and data_offsets"),
    "no offsets": (safetensors_file({"a": {"dtype": "F32", "shape": [1]}}), "'a'", "data_offsets"),
    "dtype": (safetensors_file({"a": entry("F8_E4M3", (8,), 0, 8)}, bytes(8)), "F8_E4M3", "BF16"),
    "dtype list": (safetensors_file({"a": {**ONE, "dtype": ["F32"]}}, bytes(8)), "a list"),
    "shape text": (safetensors_file({"a": {**ONE, "shape": "2"}}, bytes(8)), "list as shape"),
    "negative size": (safetensors_file({"a": entry("F32", (-2,), 0, 8)}, bytes(8)), "impossible shape"),
    "float size": (safetensors_file({"a": entry("F32", (2.0,), 0, 8)}, bytes(8)), "impossible shape"),
    "bool size": (safetensors_file({"a": entry("F32", (True, 2), 0, 8)}, bytes(8)), "impossible shape"),
    "huge size": (safetensors_file({"a": entry("F32", (2**60, 2**60), 0, 8)}, bytes(8)), "impossible shape"),
    "huge with 0": (safetensors_file({"a": entry("F32", (2**40, 0, 2**40), 0, 0)}), "impossible shape"),
    "many axes": (safetensors_file({"a": entry("F32", [1] * 99, 0, 4)}, bytes(4)), "99 axes"),
    "offset order": (safetensors_file({"a": entry("F32", (2,), 8, 0)}, bytes(8)), "impossible data_offsets"),
    "offset float": (safetensors_file({"a": entry("F32", (2,), 0.0, 8)}, bytes(8)), "impossible data_offsets"),
    "size and shape": (safetensors_file({"a": entry("F32", (3,), 0, 8)}, bytes(8)), "needs 12 bytes", "8 are given"),
    "cut off": (safetensors_file({"a": ONE}, bytes(7)), "need 8 bytes", "cut off"),
    "appended": (safetensors_file({"a": ONE}, bytes(9)), "9 follow", "appended"),
    "overlap": (safetensors_file({"a": ONE, "b": entry("F32", (2,), 4, 12)}, bytes(12)), "overlap"),
    "hole": (safetensors_file({"a": ONE, "b": entry("F32", (1,), 12, 16)}, bytes(16)), "holes"),
    "metadata": (safetensors_file({"__metadata__": {"a": 1}}), "__metadata__", "texts"),
    "web page": (b"<!DOCTYPE html><html><body>404</body></html>", "no safetensors file"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files(name: str, tmp_path: Path) -> None:
    data, *words = BAD[name]
    (tmp_path / "bad.safetensors").write_bytes(data)
    with pytest.raises(WeightsFileError) as caught:
        read_safetensors(tmp_path / "bad.safetensors")
    for word in [*words, "bad.safetensors"]:
        assert word in str(caught.value)


x = np.ones(2)
BAD_CALLS = {
    "None": (lambda d: save_safetensors(d / "a", None), SettingError, "dict of arrays", "None"),
    "list": (lambda d: save_safetensors(d / "a", [x]), SettingError, "dict of arrays", "a list"),
    "array": (lambda d: save_safetensors(d / "a", x), SettingError, "dict of arrays", "(2,)"),
    "number name": (lambda d: save_safetensors(d / "a", {3: x}), SettingError, "name", "3 (int)"),
    "empty name": (lambda d: save_safetensors(d / "a", {"": x}), SettingError, "name", "''"),
    "metadata name": (lambda d: save_safetensors(d / "a", {"__metadata__": x}), SettingError, "__metadata__"),
    "list as array": (lambda d: save_safetensors(d / "a", {"w": [1.0]}), SettingError, "'w'", "a list"),
    "number as array": (lambda d: save_safetensors(d / "a", {"w": 1.0}), SettingError, "'w'", "1.0 (float)"),
    "objects": (lambda d: save_safetensors(d / "a", {"w": np.array([None])}), SettingError, "'w'", "object"),
    "texts": (lambda d: save_safetensors(d / "a", {"w": np.array(["a"])}), SettingError, "'w'", "<U1"),
    "dates": (lambda d: save_safetensors(d / "a", {"w": np.zeros(1, "M8[s]")}), SettingError, "'w'", "datetime64"),
    "complex128": (lambda d: save_safetensors(d / "a", {"w": x + 1j}), SettingError, "'w'", "complex128"),
    "longdouble": (lambda d: save_safetensors(d / "a", {"w": x.astype("g")}), SettingError, "'w'", "float128"),
    "records": (lambda d: save_safetensors(d / "a", {"w": np.zeros(1, "f4,f4")}), SettingError, "'w'", "numbers"),
    "metadata": (lambda d: save_safetensors(d / "a", {}, {"a": 1}), SettingError, "metadata", "texts"),
    "metadata list": (lambda d: save_safetensors(d / "a", {}, ["a"]), SettingError, "metadata", "a list"),
    "path": (lambda d: save_safetensors(None, {}), WeightsFileError, "path", "None"),
    "folder": (lambda d: save_safetensors(d, {}), WeightsFileError, "folder"),
    "no folder": (lambda d: save_safetensors(d / "b" / "a", {}), WeightsFileError, "no folder"),
    "dtype int": (lambda d: read_safetensors(d / "a", dtype=int), SettingError, "dtype", "int64", "float32"),
    "dtype text": (lambda d: read_safetensors(d / "a", dtype="real"), SettingError, "dtype", "'real'"),
    "dtype object": (lambda d: read_safetensors(d / "a", dtype=object()), SettingError, "dtype", "object"),
}


@pytest.mark.parametrize("name", BAD_CALLS)
def test_bad_calls(name: str, tmp_path: Path) -> None:
    action, error, *words = BAD_CALLS[name]
    with pytest.raises(error) as caught:
        action(tmp_path)
    for word in words:
        assert word in str(caught.value)
    assert list(tmp_path.iterdir()) == []
