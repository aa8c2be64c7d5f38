"""CIFAR-10: 60,000 colour pictures of 32 x 32 pixels, from the binary batches or an archive of JPEGs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.data.cifar10_jpeg import load_jpegs
from minitorch_viz.data.dataset import Dataset
from minitorch_viz.data.find import find_folder
from minitorch_viz.data.picture_files import entries
from minitorch_viz.data.unpack import tar_members
from minitorch_viz.errors import DataFileError
from minitorch_viz.io.files import open_file

NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
RECORD = 1 + 3 * 32 * 32  # a label, then the red, the green and the blue pixels, row by row
BATCH = 10_000  # records of a complete file
COUNTS = {"train": 5 * BATCH, "test": BATCH}
BATCHES = {**{f"data_batch_{k}.bin": ("train", (k - 1) * BATCH) for k in range(1, 6)}, "test_batch.bin": ("test", 0)}
OFFICIAL, JPEGS = "cifar-10-binary.tar.gz", "cifar10_jpeg.tar.xz"
# As browsers save the archive: unpacked by Safari, a second time, or shortened.
ARCHIVE = re.compile(r"cifar-?10-binary( ?\(\d+\))?\.(tar|tar\.gz|tgz)", re.IGNORECASE)
UNPACKED = "cifar-10-batches-bin"  # the folder in it
Records = tuple[Array, Array]  # images (n, 32, 32, 3) uint8 and labels (n,) int64


def load_cifar10(
    folder: str | Path | None = None, *, lossless: bool = False, progress: bool = True
) -> tuple[Dataset, Dataset]:
    """Return (training, test): 50,000 and 10,000 pictures in the original order.

    folder: with the official archive of the binary version, or the files data_batch_1.bin ... and test_batch.bin, or an
        archive of JPEGs (cifar10_jpeg.tar.xz), in it or below it; default: $MINITORCH_VIZ_HOME/data/cifar10. Where the
        .bin files hold only the first records, those replace their JPEGs: JPEG changes the pixels a little. The Python
        version is a pickle, which can run programs, and is not opened.
    lossless: only the pictures of which the exact pixels are at hand, be it all or a few thousand.
    progress: show a bar if it takes longer than two seconds. The decoded JPEGs are kept in the home folder.

    Raises DataFileError if files are missing, damaged, or disagree.
    """
    place = _place(folder)
    by_file = dict(_from_files(place)) or dict(_from_files(place / UNPACKED))
    archive = _archive(place)
    if _missing(by_file) and archive is not None:
        by_file = dict(_from_archive(archive))
    if lossless or not _missing(by_file):
        return _dataset("train", by_file, place), _dataset("test", by_file, place)
    if not (place / JPEGS).is_file():
        counts = ", ".join(f"{count} of the {part} pictures" for part, count in _missing(by_file).items())
        raise DataFileError(
            f"{place} lacks {counts}: put {JPEGS} there or run `minitorch-viz download cifar10`; lossless=True takes "
            "what is there."
        )
    parts = load_jpegs(place / JPEGS, NAMES, progress)
    for name, records in by_file.items():
        _replace(parts, name, records, place)
    return tuple(Dataset(*parts[part], NAMES, f"CIFAR-10 {part}") for part in COUNTS)  # type: ignore[return-value]  # two


def files_in(folder: str | Path) -> dict[str, Path]:
    """Return the files that a folder has, by their official names."""
    place = _place(folder)
    paths = {name: place / name if (place / name).is_file() else place / UNPACKED / name for name in BATCHES}
    archive = _archive(place)
    paths |= {JPEGS: place / JPEGS} | ({OFFICIAL: archive} if archive else {})
    return {name: path for name, path in paths.items() if path.is_file()}


def _place(folder: str | Path | None) -> Path:
    return find_folder(folder, "cifar10", _is_data_file, f"{OFFICIAL} or {JPEGS}", download=True)


def _archive(place: Path) -> Path | None:
    return next((path for path in entries(place) if ARCHIVE.fullmatch(path.name) and path.is_file()), None)


def _is_data_file(name: str) -> bool:
    return name in BATCHES or name == JPEGS or ARCHIVE.fullmatch(name) is not None


def read_records(data: bytes, label: str) -> Records:
    """Return the pictures and labels in the bytes of a binary batch; DataFileError if they are none."""
    if len(data) % RECORD or not data:
        hint = " It may be CIFAR-100." if data and len(data) % (RECORD + 1) == 0 else ""
        raise DataFileError(
            f"{label} has {len(data)} bytes, no multiple of {RECORD}, a record of CIFAR-10. Is it cut off?{hint}"
        )
    records = np.frombuffer(data, np.uint8).reshape(-1, RECORD)
    labels = records[:, 0].astype(np.int64)
    if labels.max() > 9:
        raise DataFileError(
            f"{label}: record {labels.argmax()} has the label {labels.max()}, but labels are 0 to 9; is it damaged, or "
            "CIFAR-100?"
        )
    return np.ascontiguousarray(records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)), labels


def _from_files(folder: Path) -> Iterator[tuple[str, Records]]:
    """Yield (file name, its records) of each batch file that is there."""
    for name in BATCHES:
        if (folder / name).is_file():
            with open_file(folder / name, "CIFAR-10 batch", DataFileError) as (file, size, place):
                if size > BATCH * RECORD:
                    raise DataFileError(f"{place} has {size} bytes; a batch has at most {BATCH * RECORD}.")
                yield name, read_records(file.read(), str(place))


def _from_archive(place: Path) -> Iterator[tuple[str, Records]]:
    """Yield (file name, its records) of each batch in the official archive, all of which must be there."""
    missing = set(BATCHES)
    for path, data in tar_members(place, "CIFAR-10 archive", 2**28, BATCH * RECORD):
        name = re.sub(rf"^(\./)?{UNPACKED}/", "", path)
        if name in missing:
            missing.remove(name)
            yield name, read_records(data, f"{place}: {name}")
    if missing:
        raise DataFileError(f"{place} has no {min(missing)}; is it {OFFICIAL} (not the Python or Matlab version)?")


def _missing(by_file: dict[str, Records]) -> dict[str, int]:
    """Return how many pictures of each part are not there."""
    counts = {part: sum(len(by_file[name][1]) for name in by_file if BATCHES[name][0] == part) for part in COUNTS}
    return {part: COUNTS[part] - count for part, count in counts.items() if count < COUNTS[part]}


def _dataset(part: str, by_file: dict[str, Records], place: Path) -> Dataset:
    parts = [by_file[name] for name in BATCHES if name in by_file and BATCHES[name][0] == part]
    if not parts:
        files = "data_batch_1.bin" if part == "train" else "test_batch.bin"
        raise DataFileError(f"{place} has no lossless {part} pictures: put {files} or {OFFICIAL} there.")
    images, labels = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return Dataset(images, labels, NAMES, f"CIFAR-10 {part}")


def _replace(parts: dict[str, Records], name: str, records: Records, place: Path) -> None:
    """Put exact pixels in the place of the JPEGs' and check that both are of the same pictures."""
    part, start = BATCHES[name]
    images, labels = parts[part]
    place_in_part = slice(start, start + len(records[1]))
    if not np.array_equal(labels[place_in_part], records[1]):
        raise DataFileError(
            f"{place / name} and {JPEGS} beside it disagree about the labels; they do not belong together."
        )
    images[place_in_part] = records[0]
