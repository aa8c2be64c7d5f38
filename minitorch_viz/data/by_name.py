"""Data sets by name, as pictures: "digits", "faces", "mnist" and "cifar10"; "mnist:500" is its first 500 pictures."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from minitorch_viz.data import cifar10, mnist
from minitorch_viz.data.dataset import Dataset
from minitorch_viz.data.digits import load_digits
from minitorch_viz.data.faces import FILE as FACES
from minitorch_viz.data.faces import load_faces
from minitorch_viz.errors import DataFileError, need_whole

LOADERS: dict[str, Callable[[], tuple[Dataset, Dataset]]] = {
    "digits": load_digits,
    "faces": load_faces,
    "mnist": mnist.load_mnist,
    "cifar10": cifar10.load_cifar10,
}
NAME = re.compile(rf"({'|'.join(LOADERS)})(?::(train|test))?(?::(\d+))?")


def named_data(name: str) -> Dataset | None:
    """Return the pictures of a data set that are for testing, of "mnist:train" the others; None for another name.

    "mnist:500" and "mnist:train:500" are so many of them, the first ones; fewer where there are fewer.

    Raises DataFileError, which says where the files belong, if the data set is not at hand; SettingError for a count
    below 1.
    """
    match = NAME.fullmatch(name)
    if match is None:
        return None
    loader, part, count = match.groups()
    most = None if count is None else need_whole(f"number of pictures of {loader}", int(count), 1)
    return LOADERS[loader]()[part != "train"][:most]


def data_in(folder: Path) -> Dataset | None:
    """Return the pictures for testing of the data set whose own files a folder has; None if it has none.

    Raises DataFileError if such files are damaged.
    """
    for find, load in ((mnist.files_in, mnist.load_mnist), (cifar10.files_in, cifar10.load_cifar10)):
        try:
            find(folder)
        except DataFileError:
            continue
        return load(folder)[1]
    return load_faces(folder)[1] if (folder / FACES).is_file() else None
