"""MNIST: the real files to the bit, and every way in which idx files go wrong."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest

from minitorch_viz.data import load_mnist
from minitorch_viz.data.mnist import read_idx
from minitorch_viz.errors import DataFileError
from tests.data.small_files import idx, mnist

MD5 = {  # of the unpacked files
    "train-images-idx3-ubyte.gz": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte.gz": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte.gz": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte.gz": "27ae3e4e09519cfbb04c329615203637",
}
IMAGES, LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"


def test_the_real_files(shared_data: Path) -> None:
    training, test = load_mnist(shared_data / "mnist")
    assert (len(training), len(test)) == (60000, 10000)
    assert training.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert test.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert training.class_names == tuple("0123456789")
    for part, data in (("train", training), ("t10k", test)):
        for what, array in (("images-idx3", data.images), ("labels-idx1", data.labels)):
            assert hashlib.md5(idx(array)).hexdigest() == MD5[f"{part}-{what}-ubyte.gz"]


def test_small_files_packed_and_not(tmp_path: Path) -> None:
    folder = mnist(tmp_path)
    training, test = load_mnist(folder)
    assert repr(test) == "Dataset(MNIST test: 4 pictures of 28 x 28, grey, 10 classes)"
    for file in list(folder.glob("*.gz")):
        (folder / file.stem).write_bytes(gzip.decompress(file.read_bytes()))
        file.unlink()
    np.testing.assert_array_equal(load_mnist(str(folder))[0].images, training.images)


def test_where_it_is_looked_for(home: Path, tmp_path: Path) -> None:
    mnist(home / "data" / "mnist", train=7)
    assert len(load_mnist()[0]) == 7
    mnist(tmp_path / "shared" / "mnist", train=8)
    assert len(load_mnist(tmp_path / "shared")[0]) == 8


def test_the_error_says_which_file_to_put_where(home: Path) -> None:
    with pytest.raises(DataFileError) as caught:
        load_mnist()
    for words in (str(home / "data" / "mnist"), IMAGES, "minitorch-viz download mnist", "MINITORCH_VIZ_HOME"):
        assert words in str(caught.value)


@pytest.mark.parametrize("shape", [(5,), (2, 3), (2, 3, 4), (2, 1, 2, 3)])
def test_any_idx_file_of_bytes(tmp_path: Path, shape) -> None:
    array = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    for name, data in (("a", idx(array)), ("b.gz", gzip.compress(idx(array))), ("c.gz", packed_in_two(idx(array)))):
        (tmp_path / name).write_bytes(data)
        np.testing.assert_array_equal(read_idx(tmp_path / name), array)


def packed_in_two(data: bytes) -> bytes:
    """gzip files may be joined, and padded with zeros."""
    return gzip.compress(data[:9]) + gzip.compress(data[9:]) + bytes(20)


SOUND = idx(np.zeros((3, 28, 28)))
PACKED = gzip.compress(SOUND + np.random.default_rng(0).bytes(0))
BIG = idx(np.random.default_rng(0).integers(0, 256, (400, 28, 28)))
BAD = {  # name of the file -> its bytes (None: no such file)
    "no file": (IMAGES, None, "There is no idx file"),
    "no labels": (LABELS, None, "There is no idx file .*labels"),
    "empty": (IMAGES, b"", "is empty"),
    "text": (IMAGES, b"hello world, this is no idx file", "no idx file: it begins with 68 65 6c 6c"),
    "a web page": (IMAGES, gzip.compress(b"<!DOCTYPE html>"), "begins with 3c 21"),
    "nothing packed": (IMAGES, gzip.compress(b""), "begins with nothing"),
    "floats": (IMAGES, gzip.compress(b"\0\0\x0d" + SOUND[3:]), "type 0x0d"),
    "no axes": (IMAGES, gzip.compress(b"\0\0\x08\0"), "no idx file"),
    "cut off in its head": (IMAGES, gzip.compress(SOUND[:9]), "cut off in its head"),
    "cut off": (IMAGES, gzip.compress(SOUND[:-1]), "2352 bytes of shape.*2351 are there"),
    "cut off when packed": (IMAGES, gzip.compress(BIG)[:-5000], "cut off: its packed contents do not end"),
    "sum cut off": (IMAGES, PACKED[:-4], "cut off"),
    "wrong packed sum": (IMAGES, PACKED[:-8] + b"\1\2\3\4" + PACKED[-4:], "cannot be unpacked"),
    "damaged in the middle": (IMAGES, PACKED[:12] + b"\xff\xff\xff" + PACKED[15:], "cannot be unpacked|cut off"),
    "too long": (IMAGES, gzip.compress(SOUND + b"x"), "more bytes than its shape"),
    "something behind": (IMAGES, PACKED + b"more", "goes on after its packed contents"),
    "no images": (IMAGES, gzip.compress(idx(np.zeros((0, 28, 28)))), r"shape \(0, 28, 28\)"),
    "terabytes declared": (IMAGES, gzip.compress(b"\0\0\x08\3" + b"\xff" * 12), "declares an array"),
    "a bomb": (IMAGES, gzip.compress(b"\0\0\x08\1\x08\0\0\0" + bytes(10**6)), "cut off|more bytes"),
    "labels in place of images": (IMAGES, gzip.compress(idx(np.zeros(6))), r"should hold images.*\(6,\)"),
    "images in place of labels": (LABELS, gzip.compress(SOUND), r"should hold labels.*\(3, 28, 28\)"),
    "labels of the other part": (LABELS, gzip.compress(idx(np.zeros(4))), "6 images, but .*4 labels"),
    "label 10": (LABELS, gzip.compress(idx(np.full(6, 10))), "label 10"),
}


@pytest.mark.parametrize(("name", "data", "message"), BAD.values(), ids=list(BAD))
def test_bad_files_are_told_in_a_sentence(tmp_path: Path, name, data, message) -> None:
    folder = mnist(tmp_path)
    (folder / name).unlink()
    if data is not None:
        (folder / name).write_bytes(data)
    with pytest.raises(DataFileError, match=message) as caught:
        load_mnist(folder)
    assert name.split(".")[0] in str(caught.value)


@pytest.mark.parametrize("given", ["", None, 3, b"x", "nowhere", "a\0b"])
def test_bad_paths(given, tmp_path: Path) -> None:
    with pytest.raises(DataFileError):
        load_mnist(given)
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(DataFileError, match="give the folder"):
        load_mnist(tmp_path / "file")


def test_a_limit_on_what_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("minitorch_viz.data.mnist.LARGEST_BYTES", 1000)
    (tmp_path / "a").write_bytes(gzip.compress(idx(np.zeros(990)) + bytes(10**7)))
    with pytest.raises(DataFileError, match="unfolds to more bytes"):
        read_idx(tmp_path / "a")


def test_mutated_files_raise_nothing_else(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for data in (SOUND[:200], gzip.compress(BIG[:3000])):
        for _ in range(300):
            changed = bytearray(data)
            for place in rng.integers(0, min(len(data), 60), rng.integers(1, 4)):
                changed[place] = rng.integers(256)
            (tmp_path / "a").write_bytes(changed[: rng.integers(1, len(data) + 1)])
            with pytest.raises(DataFileError):
                read_idx(tmp_path / "a")
