"""MNIST: 70,000 handwritten digits of 28 x 28 pixels, in LeCun's idx files, packed or not."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.data.dataset import Dataset
from minitorch_viz.data.find import find_folder
from minitorch_viz.data.picture_files import entries
from minitorch_viz.data.unpack import Unpacked
from minitorch_viz.errors import DataFileError
from minitorch_viz.io.files import open_file

FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
# As they are called after unpacking by one program or another: train-images.idx3-ubyte, train-images-idx3-ubyte (1).gz
FILE_FORM = re.compile(
    r"(train|t10k|test)[-_. ](images|labels)[-_. ]idx[13][-_. ]ubyte( ?\(\d+\))?(\.gz)?", re.IGNORECASE
)
NAMES = tuple("0123456789")
LARGEST_BYTES = 2**28  # bytes of an unpacked file; MNIST's have 47 million


def load_mnist(folder: str | Path | None = None) -> tuple[Dataset, Dataset]:
    """Return (training, test): 60,000 and 10,000 grey pictures, 0 is paper and 255 is ink.

    folder: with the four files of FILES, with or without .gz; default: $MINITORCH_VIZ_HOME/data/mnist. Others in the
    same format (Fashion-MNIST) can be read, too, but get the digits as class names.

    Raises DataFileError if a file is missing, damaged, or does not fit the others.
    """
    place = _place(folder)
    return _load(place, "train", "MNIST train"), _load(place, "t10k", "MNIST test")


def files_in(folder: str | Path) -> dict[str, Path]:
    """Return the files that a folder has, by their official names."""
    place = _place(folder)
    paths = {name: _file(place, name.removesuffix(".gz")) for name in FILES}
    packed = {name: path.suffix.lower() == ".gz" for name, path in paths.items()}
    return {name if packed[name] else name.removesuffix(".gz"): path for name, path in paths.items() if path.is_file()}


def _place(folder: str | Path | None) -> Path:
    return find_folder(folder, "mnist", _is_data_file, f"{FILES[0]} and the three files beside it", download=True)


def _load(folder: Path, part: str, name: str) -> Dataset:
    images_file, labels_file = _file(folder, f"{part}-images-idx3-ubyte"), _file(folder, f"{part}-labels-idx1-ubyte")
    images, labels = read_idx(images_file), read_idx(labels_file)
    if images.ndim != 3:
        raise DataFileError(f"{images_file} should hold images, but holds an array of shape {images.shape}.")
    if labels.ndim != 1:
        raise DataFileError(f"{labels_file} should hold labels, but holds an array of shape {labels.shape}.")
    if len(images) != len(labels):
        raise DataFileError(
            f"{images_file} has {len(images)} images, but {labels_file.name} {len(labels)} labels; do they belong "
            "together?"
        )
    if labels.max() > 9:
        raise DataFileError(f"{labels_file} has the label {labels.max()}, but labels are 0 to 9; is it damaged?")
    return Dataset(images, labels, NAMES, name)


def _is_data_file(name: str) -> bool:
    return FILE_FORM.fullmatch(name) is not None


def _file(folder: Path, name: str) -> Path:
    """Return the file called `name` in one way or another, the packed one first; some unpackers make a folder for it.
    "each."""
    packed = folder / f"{name}.gz"
    if packed.is_file():
        return packed
    part, field = name.split("-")[:2]
    files: list[Path] = []
    for path in entries(folder):
        if _is_data_file(path.name):
            files += [path] if path.is_file() else [inner for inner in entries(path) if inner.is_file()]
    matches = {path: match for path in files if (match := FILE_FORM.fullmatch(path.name))}
    parts = ("t10k", "test") if part == "t10k" else (part,)
    fitting = [path for path, match in matches.items() if match[1].lower() in parts and match[2].lower() == field]
    return min(fitting, key=lambda path: (path.suffix.lower() != ".gz", path), default=packed)


def read_idx(path: str | Path) -> Array:
    """Return the array of unsigned bytes in an idx file, gzipped or not: images (N, H, W) or labels (N,), uint8.

    Its head is 0, 0, 8 (bytes), the number of axes, and each axis's length in four bytes, the highest first. Raises
    DataFileError if the file is missing, damaged, or of another kind.
    """
    with open_file(path, "idx file", DataFileError) as (file, _, place):
        stream = Unpacked(file, place, LARGEST_BYTES)
        magic = stream.read(4)
        if len(magic) < 4 or magic[:2] != b"\0\0" or not 1 <= magic[3] <= 4:
            raise DataFileError(f"{place} is no idx file: it begins with {magic.hex(' ') or 'nothing'}, not 00 00 08.")
        if magic[2] != 8:
            raise DataFileError(f"{place} holds numbers of type {magic[2]:#04x}; unsigned bytes (0x08) can be read.")
        head = stream.read(4 * magic[3])
        if len(head) < 4 * magic[3]:
            raise DataFileError(f"{place} is cut off in its head.")
        shape = tuple(int(length) for length in np.frombuffer(head, ">u4"))
        size = math.prod(shape)
        if not 1 <= size <= LARGEST_BYTES:
            raise DataFileError(f"{place} declares an array of shape {shape}; is it damaged?")
        data = stream.read(size)
        if len(data) < size:
            raise DataFileError(
                f"{place} is cut off: {size} bytes of shape {shape} are declared, {len(data)} are there."
            )
        if stream.read(1):
            raise DataFileError(f"{place} has more bytes than its shape {shape} says; is it damaged?")
    return np.frombuffer(data, np.uint8).reshape(shape)
