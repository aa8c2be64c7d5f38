"""CIFAR-10 as an archive of JPEGs, decoded once and kept in the home folder."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.data.unpack import sum_of, tar_members
from minitorch_viz.errors import DataFileError, MinitorchVizError
from minitorch_viz.io.npz import read_npz, save_npz
from minitorch_viz.models.home import home_folder
from minitorch_viz.progress import progress_bar

MEMBER = re.compile(r"(train|test)/(\d{5})_([a-z]{1,20})\.jpg")
DESCRIPTION = "archive of JPEGs"
LARGEST_ARCHIVE, LARGEST_JPEG = 2**29, 2**16  # bytes when unpacked


def load_jpegs(place: Path, names: tuple[str, ...], progress: bool) -> dict[str, tuple[Array, Array]]:
    """Return {"train": (images (N, 32, 32, 3) uint8, labels (N,) int64), "test": ...} of train/00000_frog.jpg ...

    The pixels are kept as .npz in home/cache under the archive's SHA-256 sum, where that can be written. Raises
    DataFileError if the archive is damaged, incomplete or names unknown classes.
    """
    cache_file = home_folder() / "cache" / f"cifar10-{sum_of(place, DESCRIPTION)[:16]}.npz"
    if cache_file.is_file():
        with contextlib.suppress(MinitorchVizError, KeyError):  # damaged: decode again
            arrays = read_npz(cache_file)
            return {part: _checked(arrays[f"{part}_images"], arrays[f"{part}_labels"]) for part in ("train", "test")}
    decoded = _decode(place, names, progress)
    with contextlib.suppress(MinitorchVizError, OSError):  # a home that cannot be written costs seconds next time
        cache_file.parent.mkdir(parents=True, exist_ok=True)
        pairs = {
            f"{part}_{field}": array for part in decoded for field, array in zip(ARRAYS, decoded[part], strict=True)
        }
        save_npz(cache_file, pairs)
    return decoded


ARRAYS = ("images", "labels")


def _checked(images: Array, labels: Array) -> tuple[Array, Array]:
    valid = images.dtype == np.uint8 and images.shape[1:] == (32, 32, 3) and labels.shape == images.shape[:1]
    if not valid or labels.dtype != np.int64 or not len(labels):
        raise DataFileError("The kept pixels are not what they should be.")
    return images, labels


def _decode(place: Path, names: tuple[str, ...], progress: bool) -> dict[str, tuple[Array, Array]]:
    """Decode every picture of the archive into its place."""
    pictures_by_part: dict[str, dict[int, tuple[Array, int]]] = {"train": {}, "test": {}}
    members = tar_members(place, DESCRIPTION, LARGEST_ARCHIVE, LARGEST_JPEG)
    for path, data in progress_bar(members, desc="CIFAR-10", unit="picture", delay=2, show=progress):
        match = MEMBER.fullmatch(path)
        if match is None or match[3] not in names:
            raise DataFileError(f"{place}: {path[:100]!r} is no picture of CIFAR-10, such as train/00000_frog.jpg.")
        part, index = match[1], int(match[2])
        if index in pictures_by_part[part]:
            raise DataFileError(f"{place}: there are two pictures {part}/{match[2]}.")
        pictures_by_part[part][index] = _pixels(data, f"{place}: {path}"), names.index(match[3])
    arrays = {}
    for part, pictures in pictures_by_part.items():
        missing = next((index for index in range(len(pictures)) if index not in pictures), None)
        if missing is not None or not pictures:
            raise DataFileError(f"{place}: there is no picture {part}/{missing or 0:05d}; is the archive complete?")
        order = [pictures[index] for index in range(len(pictures))]
        arrays[part] = np.stack([image for image, _ in order]), np.array([label for _, label in order], np.int64)
    return arrays


def _pixels(data: bytes, label: str) -> Array:
    """Return the pixels (32, 32, 3) of a JPEG; a short way, for there are 60,000."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
            if image.size != (32, 32) or image.mode != "RGB":
                raise DataFileError(f"{label} is {image.size} {image.mode}, not 32 x 32 RGB; is it the right archive?")
            return np.asarray(image)
    except DataFileError:
        raise
    except Exception as problem:  # on damaged files Pillow raises OSError, SyntaxError, ValueError, struct.error ...
        raise DataFileError(f"{label} cannot be decoded; is the archive damaged?") from problem
