"""npz: NumPy's files are read, ours are read by NumPy, pickled objects and impossible sizes are refused."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from minitorch_viz.errors import SettingError, WeightsFileError
from minitorch_viz.io.npz import read_npz, save_npz
from tests.io.samples import npy, zip_file

DTYPES = ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?", "c8", "c16", ">f4", ">i8", ">c8"]


def arrays() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    made = {dtype.replace(">", "big "): (rng.normal(size=(2, 3)) * 50).astype("i4").astype(dtype) for dtype in DTYPES}
    made |= {"scalar": np.array(3.5, "f4"), "nothing": np.zeros((0, 4)), "a/b.c": np.arange(5.0)}
    return made | {"columns": np.asfortranarray(rng.normal(size=(3, 4, 5))), "large": rng.normal(size=(300, 1000))}


def same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> None:
    assert a.keys() == b.keys()
    for name in a:
        assert a[name].dtype == b[name].dtype.newbyteorder("="), name
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
def test_reads_what_numpy_writes(write: object, tmp_path: Path) -> None:
    write(tmp_path / "a.npz", **arrays())
    same(read_npz(tmp_path / "a.npz"), arrays())


def test_numpy_reads_what_we_write(tmp_path: Path) -> None:
    save_npz(tmp_path / "a.npz", arrays())
    with np.load(tmp_path / "a.npz", allow_pickle=False) as file:
        same({name: array.astype(array.dtype.newbyteorder("=")) for name, array in file.items()}, arrays())
    same(read_npz(tmp_path / "a.npz"), arrays())
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


def test_the_same_arrays_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save_npz(tmp_path / name, arrays())
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_all_header_versions(version: tuple[int, int], tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive, archive.open("a.npy", "w") as member:
        np.lib.format.write_array(member, np.arange(6.0).reshape(2, 3), version=version)
    assert read_npz(tmp_path / "a.npz")["a"].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_python_2_shapes_and_written_in_a_stream(tmp_path: Path) -> None:
    data = npy(np.arange(6.0), shape="(2L, 3L)")
    (tmp_path / "a.npz").write_bytes(zip_file({"a.npy": data}))
    assert read_npz(tmp_path / "a.npz")["a"].shape == (2, 3)


def test_dtype_changes_floats_only(tmp_path: Path) -> None:
    save_npz(tmp_path / "a.npz", arrays())
    tensors = read_npz(tmp_path / "a.npz", dtype="float64")
    assert {tensors[name].dtype for name in ("f2", "f4", "f8", "big f4")} == {np.dtype("f8")}
    assert tensors["i8"].dtype == np.int64


def test_shared_files_agree_with_numpy(shared_data: Path) -> None:
    for path in [shared_data / "weights" / "reference_logits.npz", shared_data / "faces" / "olivetti_faces.npz"]:
        with np.load(path) as file:
            same(read_npz(path), dict(file))


def with_member(data: bytes, **changes: str) -> bytes:
    return zip_file({"a.npy": data, **{name: value.encode() for name, value in changes.items()}})


def damaged(offset: int, value: bytes) -> bytes:
    """A sound file with bytes overwritten, counted from its end if negative."""
    data = bytearray(zip_file({"a.npy": npy(np.arange(4.0))}))
    at = offset % len(data)
    data[at : at + len(value)] = value
    return bytes(data)


DIRECTORY = zip_file({"a.npy": npy(np.arange(4.0))}).index(b"PK\x01\x02")
BAD = {  # the file, words that the sentence must hold
    "objects": (with_member(npy(np.zeros(1), descr="'|O'")), "pickled Python objects", "'a.npy'"),
    "records": (with_member(npy(np.zeros(1), descr="[('x', '<f8')]")), "plain array"),
    "records of objects": (with_member(npy(np.zeros(1), descr="[('x', '|O')]")), "pickled Python objects"),
    "texts": (with_member(npy(np.array(["abc"]))), "'<U3'", "integers, floats or bools"),
    "float128": (with_member(npy(np.zeros(2), descr="'<f16'", shape="(1,)")), "'<f16'"),
    "dates": (with_member(npy(np.zeros(1), descr="'<M8[s]'")), "plain array"),
    "code in the shape": (with_member(npy(np.zeros(1), shape="(__import__('os').getpid(),)")), "plain array"),
    "negative": (with_member(npy(np.zeros(1), shape="(-1,)")), "plain array"),
    "larger": (with_member(npy(np.zeros(4), shape="(5,)")), "needs 40 bytes", "32 are there"),
    "smaller": (with_member(npy(np.zeros(4), shape="(3,)")), "needs 24 bytes", "32 are there"),
    "huge": (with_member(npy(np.zeros(4), shape="(99999999999999999999,)")), "impossible shape"),
    "many axes": (with_member(npy(np.zeros(1), shape="(" + "1," * 99 + ")")), "99 axes"),
    "no header": (with_member(b"\x93NUMPY\x01\x00"), "no NumPy array"),
    "header length": (with_member(b"\x93NUMPY\x01\x00\xff\xff{}"), "header of 65535 bytes"),
    "version": (with_member(b"\x93NUMPY\x09\x00\x02\x00{}  "), "no NumPy array"),
    "no array": (with_member(b"hello, world"), "no NumPy array"),
    "other members": (zip_file({"readme.txt": b"hello"}), "readme.txt"),
    "mixed members": (with_member(npy(np.zeros(1)), readme="x"), "readme"),
    "no members": (zip_file({}), "empty"),
    "cut off": (zip_file({"a.npy": npy(np.arange(99.0))})[:500], "cut off"),
    "lzma": (zip_file({"a.npy": npy(np.arange(4.0))}, zipfile.ZIP_LZMA), "method 14"),
    "checksum": (damaged(DIRECTORY - 5, b"\x55"), "wrong checksum", "'a.npy'"),
    "encrypted": (damaged(DIRECTORY + 8, b"\x01"), "encrypted"),
    "stored size": (damaged(DIRECTORY + 20, b"\x01\x02"), "do not fit", "'a.npy'"),
    "offset": (damaged(DIRECTORY + 42, b"\xff\xff\xff\x7f"), "do not fit"),
    "count": (damaged(-12, b"\x07\x00"), "1 of 7 members"),
    "local header": (damaged(0, b"PKxx"), "local header"),
    "table offset": (damaged(-6, b"\xff\xff\xff\x7f"), "table of contents"),
    "zip64": (damaged(-6, b"\xff\xff\xff\xff"), "zip64"),
    "no zip": (b"hello, this is a text", "zip file"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files(name: str, tmp_path: Path) -> None:
    data, *words = BAD[name]
    (tmp_path / "bad.npz").write_bytes(data)
    with pytest.raises(WeightsFileError) as caught:
        read_npz(tmp_path / "bad.npz")
    for word in [*words, "bad.npz"]:
        assert word in str(caught.value)


x = np.ones(2)
BAD_CALLS = {
    "None": (lambda d: save_npz(d / "a", None), SettingError, "dict of arrays", "None"),
    "list": (lambda d: save_npz(d / "a", [x]), SettingError, "dict of arrays", "a list"),
    "array": (lambda d: save_npz(d / "a", x), SettingError, "dict of arrays", "(2,)"),
    "text": (lambda d: save_npz(d / "a", "x"), SettingError, "dict of arrays", "'x'"),
    "number name": (lambda d: save_npz(d / "a", {3: x}), SettingError, "name", "3 (int)"),
    "empty name": (lambda d: save_npz(d / "a", {"": x}), SettingError, "name", "''"),
    "list as array": (lambda d: save_npz(d / "a", {"w": [1.0]}), SettingError, "'w'", "a list"),
    "number as array": (lambda d: save_npz(d / "a", {"w": 1.0}), SettingError, "'w'", "1.0 (float)"),
    "objects": (lambda d: save_npz(d / "a", {"w": np.array([None])}), SettingError, "'w'", "object"),
    "texts": (lambda d: save_npz(d / "a", {"w": np.array(["a"])}), SettingError, "'w'", "<U1"),
    "dates": (lambda d: save_npz(d / "a", {"w": np.zeros(1, "M8[s]")}), SettingError, "'w'", "datetime64"),
    "records": (lambda d: save_npz(d / "a", {"w": np.zeros(1, "f4,f4")}), SettingError, "'w'", "numbers"),
    "path None": (lambda d: save_npz(None, {}), WeightsFileError, "path", "None"),
    "path int": (lambda d: save_npz(7, {}), WeightsFileError, "path", "7 (int)"),
    "folder": (lambda d: save_npz(d, {}), WeightsFileError, "folder"),
    "no folder": (lambda d: save_npz(d / "b" / "a", {}), WeightsFileError, "no folder"),
    "dtype int": (lambda d: read_npz(d / "a", dtype=int), SettingError, "dtype", "int64", "float32"),
    "dtype text": (lambda d: read_npz(d / "a", dtype="real"), SettingError, "dtype", "'real'"),
}


@pytest.mark.parametrize("name", BAD_CALLS)
def test_bad_calls(name: str, tmp_path: Path) -> None:
    action, error, *words = BAD_CALLS[name]
    with pytest.raises(error) as caught:
        action(tmp_path)
    for word in words:
        assert word in str(caught.value)
    assert list(tmp_path.iterdir()) == []
