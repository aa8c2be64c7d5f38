"""Pictures in folders, one folder a class: the way in which most people's own data lie."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np

from minitorch_viz._types import Array, Pair
from minitorch_viz.data.dataset import Dataset
from minitorch_viz.errors import DataFileError, ImageFileError
from minitorch_viz.io.files import as_path, as_size
from minitorch_viz.io.images import load_image, resize_image

SUFFIXES = (".png", ".jpg", ".jpeg")
TRAINING, TESTING = ("train", "training"), ("test", "testing", "val", "valid", "validation")
LARGEST = 4 * 2**30  # bytes of all pictures together, resized


def load_folder(
    folder: str | Path,
    size: int | Pair = 64,
    *,
    how: str = "crop",
    test: float = 0.2,
    seed: int = 0,
    progress: bool = True,
) -> tuple[Dataset, Dataset]:
    """(training, test) from folder/CLASS/*.png and .jpg; a folder's name is its class's.

    size: pixels, an int or (H, W); every picture is brought to it.
    how: "crop" keeps proportions and cuts out the centre, "stretch" does not (see `resize_image`).
    test: the share of each class that is for testing, drawn with `seed`. Where folder/train/CLASS and folder/test/CLASS
        (or val) exist, these are the two parts instead.

    Names that begin with a dot, and files of other kinds, are passed over. Raises DataFileError if there is no folder
    or no picture in one, or a picture cannot be read; SettingError for an impossible size or share.
    """
    place = as_path(folder, "folder of pictures", DataFileError)
    pair = as_size(size, "The pictures' size")
    inside = {path.name.lower(): path for path in _folders(place)}
    training = next((inside[name] for name in TRAINING if name in inside), None)
    testing = next((inside[name] for name in TESTING if name in inside), None)
    if training is None or testing is None:
        return _read(place, None, pair, how, progress).split(test, seed)
    first = _read(training, None, pair, how, progress)
    return first, _read(testing, first.class_names, pair, how, progress)


def _folders(place: Path) -> list[Path]:
    if not place.is_dir():
        raise DataFileError(f"There is no folder {place}; give one that has a folder of pictures for each class.")
    return sorted(path for path in _entries(place) if path.is_dir())


def _entries(place: Path) -> list[Path]:
    try:
        return [place / name for name in sorted(os.listdir(place)) if not name.startswith(".")]
    except OSError as problem:
        raise DataFileError(f"The folder {place} cannot be read: {problem.strerror or problem}.") from problem


def _read(place: Path, names: tuple[str, ...] | None, size: Pair, how: str, progress: bool) -> Dataset:
    """All pictures of one part; `names`: the classes it must not go beyond."""
    from tqdm.auto import tqdm

    folders = _folders(place)
    if not folders:
        raise DataFileError(f"{place} has no folders; each class needs one, with its pictures in it.")
    classes = names or tuple(folder.name for folder in folders)
    files: list[tuple[Path, int]] = []
    for folder in folders:
        if folder.name not in classes:
            raise DataFileError(f"{folder} is a class that the training pictures do not have: {', '.join(classes)}.")
        pictures = [path for path in _entries(folder) if path.suffix.lower() in SUFFIXES]
        if not pictures:
            raise DataFileError(f"{folder} has no pictures (.png, .jpg); remove the folder or fill it.")
        files += [(path, classes.index(folder.name)) for path in pictures]
    if len(files) * 3 * math.prod(size) > LARGEST:
        raise DataFileError(
            f"{place} has {len(files)} pictures, which take more than {LARGEST // 2**30} GB at {size[0]} x {size[1]} "
            "pixels; choose a smaller size."
        )
    images = np.empty((len(files), *size, 3), np.uint8)
    bar = tqdm(files, desc=place.name, unit="picture", delay=2, disable=None if progress else True)
    for image, (path, _) in zip(images, bar, strict=True):
        image[:] = _picture(path, size, how)
    return Dataset(images, np.array([label for _, label in files]), classes, place.name or str(place))


def _picture(path: Path, size: Pair, how: str) -> Array:
    try:
        pixels = load_image(path)
    except ImageFileError as problem:
        raise DataFileError(str(problem)) from problem
    return pixels if pixels.shape[:2] == size else resize_image(pixels, size, how)
