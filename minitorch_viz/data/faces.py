"""The Olivetti faces: 400 grey pictures of 64 x 64 pixels, ten of each of 40 people (the ORL database, 1994)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from minitorch_viz.data.dataset import Dataset
from minitorch_viz.data.find import find_folder
from minitorch_viz.errors import DataFileError, WeightsFileError
from minitorch_viz.io.files import open_file
from minitorch_viz.io.npz import read_npz

FILE = "olivetti_faces.npz"
SEED = 0


def load_faces(folder: str | Path | None = None) -> tuple[Dataset, Dataset]:
    """Return (training, test): eight and two pictures of each person, always the same split.

    folder: with olivetti_faces.npz, arrays `images` (N, H, W) uint8 and `labels` (N,); default:
        $MINITORCH_VIZ_HOME/data/faces.

    Raises DataFileError if the file is missing or holds something else.
    """
    path = find_folder(folder, "faces", FILE.__eq__, FILE, download=False) / FILE
    with open_file(path, "file of faces", DataFileError):
        pass  # it is there, it is a file, and it may be read
    try:
        arrays = read_npz(path)
    except WeightsFileError as problem:
        raise DataFileError(f"{path} is no sound .npz file: {problem}") from problem
    if set(arrays) != {"images", "labels"}:
        raise DataFileError(f"{path} must hold the arrays images and labels, but holds {', '.join(sorted(arrays))}.")
    images, labels = arrays["images"], arrays["labels"]
    if images.ndim != 3 or images.dtype != np.uint8 or 0 in images.shape:
        raise DataFileError(f"{path}: images must be (N, H, W) of uint8, but are {images.dtype} of {images.shape}.")
    if labels.shape != images.shape[:1] or labels.dtype.kind not in "iu":
        raise DataFileError(
            f"{path}: labels must be {len(images)} whole numbers, but are {labels.dtype} of {labels.shape}."
        )
    people = np.unique(labels)
    if not np.array_equal(people, np.arange(len(people))):
        raise DataFileError(f"{path}: labels must count people from 0 without a gap, but they are {people[:10]} ...")
    names = tuple(f"person {index + 1}" for index in people.tolist())
    faces = Dataset(images, labels, names, "Olivetti faces")
    if np.bincount(faces.labels).min() < 2:
        raise DataFileError(f"{path}: every person needs at least two pictures, one of them for testing.")
    return faces.split(0.2, SEED)
