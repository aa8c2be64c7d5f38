"""MNIST and CIFAR-10 as they lie after a download: layouts of other programs, or a sentence on what was found."""

from __future__ import annotations

import gzip
import re
import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minitorch_viz.data import download_data, load_cifar10, load_mnist
from minitorch_viz.data.cifar10 import BATCHES
from minitorch_viz.errors import DataFileError
from tests.data.small_files import mnist, official_members, records, tar

IMAGES = "train-images-idx3-ubyte"


def unpacked(folder: Path, rename=lambda name: name) -> Path:
    """The four files of MNIST without .gz, under other names."""
    with tempfile.TemporaryDirectory() as elsewhere:
        for file in mnist(Path(elsewhere)).iterdir():
            place = folder / rename(file.stem)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(gzip.decompress(file.read_bytes()))
    return folder


def renamed(folder: Path, rename) -> None:
    for file in list(mnist(folder).iterdir()):
        file.rename(folder / rename(file.name))


def dotted(name: str) -> str:
    return name.replace("-idx", ".idx")


LAYOUTS = {  # makes the files below a folder
    "dots": lambda d: unpacked(d, dotted),
    "dots, packed": lambda d: renamed(d, dotted),
    "torchvision": lambda d: unpacked(d / "MNIST" / "raw"),
    "torchvision, both": lambda d: (mnist(d / "MNIST" / "raw"), unpacked(d / "MNIST" / "raw")),
    "beside Fashion-MNIST": lambda d: (mnist(d / "FashionMNIST" / "raw", seed=5), mnist(d / "MNIST" / "raw")),
    "a folder for each": lambda d: unpacked(d, lambda name: f"{name}/{name}"),
    "files and folders": lambda d: (unpacked(d, lambda name: f"{name}/{name}"), unpacked(d, dotted)),
    "capitals": lambda d: unpacked(d, str.upper),
    "fetched twice": lambda d: renamed(d, lambda name: name.replace(".gz", " (1).gz")),
    "called test": lambda d: unpacked(d, lambda name: name.replace("t10k", "test")),
    "deep": lambda d: mnist(d / "a" / "b" / "c"),
    "underscores": lambda d: unpacked(d, lambda name: name.replace("-", "_")),
}


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts_of_mnist(name: str, tmp_path: Path) -> None:
    right = load_mnist(mnist(tmp_path / "right"))
    (tmp_path / "x").mkdir()
    LAYOUTS[name](tmp_path / "x")
    for folder in (load_mnist(tmp_path / "x"), load_mnist(download_data("mnist", tmp_path / "x"))):
        for part, expected in zip(folder, right, strict=True):
            np.testing.assert_array_equal(part.images, expected.images)
            np.testing.assert_array_equal(part.labels, expected.labels)


def test_two_of_one_kind_must_be_told_apart(tmp_path: Path) -> None:
    mnist(tmp_path / "EMNIST" / "raw")
    mnist(tmp_path / "FashionMNIST" / "raw")
    with pytest.raises(DataFileError, match=r"mnist in several folders: EMNIST.raw, FashionMNIST.raw; give one"):
        load_mnist(tmp_path)
    assert len(load_mnist(tmp_path / "EMNIST")[0]) == 6


def test_one_missing_file_is_named(tmp_path: Path) -> None:
    unpacked(tmp_path, dotted)
    (tmp_path / "t10k-labels.idx1-ubyte").unlink()
    with pytest.raises(DataFileError, match="t10k-labels-idx1-ubyte"):
        load_mnist(tmp_path)


def png(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (28, 28)).save(path)


OTHER_MNISTS = {  # what lies there, words of the sentence
    "Kaggle's tables": (["train.csv", "test.csv"], "but test.csv, train.csv .*tables .CSV. are not read"),
    "processed": (
        ["MNIST/processed/training.pt"],
        "but MNIST/ .*training.pt: they are tensors that PyTorch",
    ),
    "a pickle": (["mnist.pkl.gz"], "mnist.pkl.gz: they are pickles .*not opened"),
    "Keras": (["mnist.npz"], "NumPy's files"),
    "zipped": (["archive.zip"], "unpack the archive first"),
    "parquet": (["mnist/train-00000-of-00001.parquet"], "tables of that kind"),
    "pictures": (["training/0/1.png", "training/1/2.png"], "pictures such as 1.png: load_folder reads"),
    "many": ([f"{i}.bin" for i in range(9)], r"but 0.bin, 1.bin, 2.bin, 3.bin, 4.bin, 5.bin \.\.\."),
    "nothing": ([], "which is empty"),
}


@pytest.mark.parametrize("name", OTHER_MNISTS)
def test_what_was_found_instead_of_mnist_is_said(name: str, tmp_path: Path) -> None:
    files, words = OTHER_MNISTS[name]
    for file in files:
        png(tmp_path / file) if file.endswith("png") else (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        if not file.endswith("png"):
            (tmp_path / file).write_bytes(b"x")
    with pytest.raises(DataFileError) as caught:
        load_mnist(tmp_path)
    assert re.search(words, str(caught.value)), caught.value
    assert "Put train-images-idx3-ubyte.gz and the three files beside it there" in str(caught.value)


# ------------------------------------------------------------------ CIFAR-10


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """A complete batch has four records."""
    monkeypatch.setattr("minitorch_viz.data.cifar10.BATCH", 4)
    monkeypatch.setattr("minitorch_viz.data.cifar10.COUNTS", {"train": 20, "test": 4})


def write(folder: Path, members: dict[str, bytes]) -> None:
    for name, data in members.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


CIFARS = {
    "as unpacked": lambda d: write(d, official_members()),
    "in a folder of its own": lambda d: write(d / "data" / "cifar", official_members()),
    "the archive": lambda d: write(d, {"cifar-10-binary.tar.gz": tar(official_members(), "w:gz")}),
    "unpacked by the browser": lambda d: write(d, {"cifar-10-binary.tar": tar(official_members(), "w")}),
    "fetched twice": lambda d: write(d, {"cifar-10-binary (1).tar.gz": tar(official_members(), "w:gz")}),
    "shortened": lambda d: write(d / "Downloads", {"CIFAR10-binary.tgz": tar(official_members(), "w:gz")}),
    "beside the Python version": lambda d: write(
        d, official_members() | {"cifar-10-batches-py/data_batch_1": b"x", "cifar-10-python.tar.gz": b"x"}
    ),
}


@pytest.mark.usefixtures("small_batches", "home")
@pytest.mark.parametrize("name", CIFARS)
def test_layouts_of_cifar10(name: str, tmp_path: Path) -> None:
    CIFARS[name](tmp_path / "x")
    for training, test in (load_cifar10(tmp_path / "x"), load_cifar10(download_data("cifar10", tmp_path / "x"))):
        for number, file in enumerate(BATCHES):
            images, labels, _ = records(4, number)
            part, start = BATCHES[file]
            data = training if part == "train" else test
            first = number * 4 if part == "train" else start
            np.testing.assert_array_equal(data.images[first : first + 4], images)
            np.testing.assert_array_equal(data.labels[first : first + 4], labels)


OTHER_CIFARS = {
    "Python, unpacked": (["cifar-10-batches-py/data_batch_1"], "data_batch_1: they are pickles .*not opened"),
    "Python, packed": (["cifar-10-python.tar.gz"], "cifar-10-python.tar.gz: they are pickles .the Python version"),
    "one pickle": (["cifar10.pkl"], "cifar10.pkl: they are pickles"),
    "Matlab": (["cifar-10-batches-mat/data_batch_1.mat"], "they are the Matlab version"),
    "Kaggle's": (["trainLabels.csv", "train/1.png"], "tables .CSV. are not read"),
    "7z": (["train.7z"], "unpack the archive first"),
    "pictures": (["train/airplane/0001.png"], "load_folder reads folders of them"),
}


@pytest.mark.parametrize("name", OTHER_CIFARS)
def test_what_was_found_instead_of_cifar10_is_said(name: str, tmp_path: Path) -> None:
    files, words = OTHER_CIFARS[name]
    write(tmp_path, dict.fromkeys(files, b"x"))
    with pytest.raises(DataFileError) as caught:
        load_cifar10(tmp_path)
    assert re.search(words, str(caught.value)), caught.value
    assert "Put cifar-10-binary.tar.gz or cifar10_jpeg.tar.xz there" in str(caught.value)
