"""download_data: bring a data set's official files here, checked against their SHA-256 sums, resumable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minitorch_viz.data import cifar10, mnist
from minitorch_viz.data.cifar10 import JPEGS, OFFICIAL, load_cifar10
from minitorch_viz.data.find import data_folder
from minitorch_viz.data.mnist import load_mnist
from minitorch_viz.errors import DataFileError, SettingError, near
from minitorch_viz.models.fetch import copy_in, fetch, finish, taking, wrong_sum


@dataclass(frozen=True)
class Source:
    """Hold a data set's official address, its files with their sums, and the function that reads them."""

    address: str
    sums: dict[str, str]  # file name -> SHA-256
    load: Callable[..., Any]
    files_in: Callable[[Path], dict[str, Path]]  # what may be taken from a folder of this machine, by official names


SOURCES = {
    "mnist": Source(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        {
            "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        },
        load_mnist,
        mnist.files_in,
    ),
    "cifar10": Source(
        "https://www.cs.toronto.edu/~kriz/",
        {OFFICIAL: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"},
        load_cifar10,
        cifar10.files_in,
    ),
}


def download_data(
    name: str, source: str | Path | None = None, home: str | Path | None = None, *, progress: bool = True
) -> Path:
    """Fetch the files of "mnist" or "cifar10" into home/data/NAME and return that folder.

    source: another http or https address at which the same files lie, or a folder of this machine; its files are
        read before they are taken, so that damaged ones are not. Default: the official address.
    home: default $MINITORCH_VIZ_HOME, else the user's cache folder.

    Fetched files must have the known SHA-256 sums, are resumed after an interruption, and not fetched again. Raises
    SettingError for an unknown name, DataFileError if the files cannot be had.
    """
    if name not in SOURCES:
        raise SettingError(f"There is no data set {name!r} to download; {near(name, SOURCES, 'data set')}.")
    official = SOURCES[name]
    folder = data_folder(name) if home is None else Path(home).expanduser() / "data" / name
    place = official.address if source is None else str(source).strip()
    if not place.lower().startswith(("http://", "https://")):
        _copy(official, name, Path(place).expanduser(), folder, progress)
        return folder
    with taking("files", folder, DataFileError):
        folder.mkdir(parents=True, exist_ok=True)
        for file, sha in official.sums.items():
            target, digest = folder / file, f"sha256:{sha}"
            if target.is_file() and wrong_sum(target, digest) is None:
                continue
            by_hand = f"Without a network: fetch it elsewhere and put it there as {target}."
            part = target.with_name(f"{file}.part")
            fetch(f"{place.rstrip('/')}/{file}", part, digest, by_hand, progress, DataFileError)
            finish(part, target)
    return folder


def _copy(official: Source, name: str, source: Path, folder: Path, progress: bool) -> None:
    """Take the files that a folder has, if they can be read."""
    if not source.is_dir():
        raise DataFileError(f"{source} is neither an http or https address nor a folder with the files of {name}.")
    files = official.files_in(source)
    if name == "cifar10":
        official.load(source, lossless=JPEGS not in files, progress=progress)
    else:
        official.load(source)
    with taking("files", folder, DataFileError):
        folder.mkdir(parents=True, exist_ok=True)
        for file, path in files.items():
            copy_in(path, folder / file)
