"""Pictures of one's own as data for training: how large, grey or coloured, and in which two parts."""

from __future__ import annotations

import statistics
from dataclasses import replace
from pathlib import Path

import numpy as np

from minitorch_viz.data.dataset import Dataset
from minitorch_viz.data.folders import load_folder
from minitorch_viz.data.picture_files import picture_files
from minitorch_viz.errors import DataFileError, ImageFileError, need_whole
from minitorch_viz.io.files import as_path
from minitorch_viz.io.images import load_image
from minitorch_viz.models.readers.preprocessing import LUMA, Preprocessing

SMALLEST, USUAL, LARGEST = 8, 64, 256  # pixels of a side
PROBED = 24  # pictures that are looked at for their size


def own_pictures(folder: str | Path, size: int | None = None, seed: int = 0) -> tuple[Dataset, Dataset, Preprocessing]:
    """Return (training, test, how a net reads them) of a folder that has a folder of pictures for each class.

    size: pixels a side; default: the usual shorter side of the pictures, at most 64. Every picture is stretched to a
    square of it, so that a net's maps cover the whole picture. The channels are 1 if every picture is grey, else 3;
    mean and std are those of the training pictures. A fifth of each class is for testing, drawn with `seed`, unless
    the folder has the parts train and test itself.

    Raises DataFileError with what is missing, SettingError for an impossible size or seed.
    """
    place = as_path(folder, "folder of pictures", DataFileError)
    need_whole("seed", seed, 0)
    side = usual_side(place) if size is None else need_whole("size", size, SMALLEST, LARGEST)
    training, test = load_folder(place, side, how="stretch", seed=seed)
    _need_classes(training, place)
    if _is_grey(training) and _is_grey(test):
        training, test = (replace(part, images=np.ascontiguousarray(part.images[..., 0])) for part in (training, test))
    pixels = training.images.reshape(-1, training.channels)
    mean, std = pixels.mean(axis=0, dtype=np.float64), pixels.std(axis=0, dtype=np.float64)
    if (std < 0.5).all():
        raise DataFileError(f"Every pixel of the pictures in {place} is the same, so there is nothing to learn.")
    mean, std = mean.round(1), std.clip(1).round(1)
    return training, test, Preprocessing((side, side), training.channels, tuple(mean.tolist()), tuple(std.tolist()))


def pictures_for(folder: str | Path, preprocessing: Preprocessing, seed: int = 0) -> tuple[Dataset, Dataset]:
    """Return (training, test) of such a folder as a trained net reads pictures: at its size, in its channels.

    Raises as `own_pictures` does.
    """
    need_whole("seed", seed, 0)
    training, test = load_folder(folder, preprocessing.size, how=preprocessing.resize, seed=seed)
    _need_classes(training, as_path(folder, "folder of pictures", DataFileError))
    if preprocessing.channels == 1:
        luma = np.array(LUMA, np.float32)
        training, test = (
            replace(part, images=np.rint(part.images @ luma).astype(np.uint8)) for part in (training, test)
        )
    return training, test


def _need_classes(training: Dataset, place: Path) -> None:
    if len(training.class_names) < 2:
        raise DataFileError(
            f"{place} has a single class, {training.class_names[0]!r}; a net needs at least two to tell apart: one "
            "folder for each."
        )


def usual_side(place: Path) -> int:
    """Return the median of the shorter sides of some pictures, in pixels, from 8 to 64."""
    if not place.is_dir():
        raise DataFileError(f"There is no folder {place}; give one that has a folder of pictures for each class.")
    files = picture_files(place).files
    sides = []
    for file in files[:: max(1, len(files) // PROBED)]:
        try:
            sides.append(min(load_image(file).shape[:2]))
        except ImageFileError:  # named when all are read
            continue
    return int(np.clip(statistics.median_low(sides), SMALLEST, USUAL)) if sides else USUAL


def _is_grey(data: Dataset) -> bool:
    first = data.images[..., :1]
    return bool((data.images == first).all())
