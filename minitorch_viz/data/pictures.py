"""Pictures: any number of pictures by number, each read when it is looked at; what PICTURES techniques run over.

They may have any sizes, and labels or none. `pictures[number]` is the same picture in every pass, so that a technique
can keep numbers and places and come back for the pixels of those that it shows.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minitorch_viz._types import Array, Pair
from minitorch_viz.data.archive_pictures import ARCHIVES, archive_pictures
from minitorch_viz.data.by_name import data_in, named_data
from minitorch_viz.data.dataset import Dataset
from minitorch_viz.data.mask_files import LIST, MASKS, picture_base
from minitorch_viz.data.picture_base import Pictures, classes_of, inside
from minitorch_viz.data.picture_files import SUFFIXES, picture_files
from minitorch_viz.data.scenes import KINDS, Change, Scene, scene
from minitorch_viz.errors import DataFileError, ImageFileError, SettingError, need_whole
from minitorch_viz.io.files import as_path
from minitorch_viz.io.images import load_image

__all__ = [
    "ArrayPictures",
    "DatasetPictures",
    "FilePictures",
    "Pictures",
    "ScenePictures",
    "as_pictures",
    "folder_pictures",
]


@dataclass(frozen=True, eq=False, repr=False)
class FilePictures(Pictures):
    """Read image files one at a time; the folder that a file lies in is its class where there are several."""

    files: tuple[Path, ...]
    name: str = "files"
    labels: tuple[int, ...] = ()  # one a file, or none
    class_names: tuple[str, ...] = ()
    place: Path | None = None  # the folder that was given; masks beside the pictures lie in it, too

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, number: int) -> Array:
        return load_image(self.files[inside(number, len(self))])

    def title(self, number: int) -> str:
        return self.files[number].name

    def label(self, number: int) -> int | None:
        return self.labels[number] if self.labels else None

    @property
    def fingerprint(self) -> str:
        """Hash the files' names, sizes and dates, not their bytes: a folder may hold a hundred thousand.

        Masks beside the pictures, and the list of what they show, belong to them.
        """
        state = hashlib.sha256()
        beside: list[Path] = []
        if self.place is not None and picture_base(self.place) is not None:
            beside = [self.place / LIST, *sorted(picture_files(self.place / MASKS).files)]
        for file in (*self.files, *beside):
            try:
                facts = file.stat()
            except OSError:
                continue
            state.update(f"{file.name}\0{facts.st_size}\0{facts.st_mtime_ns}\n".encode())
        return state.hexdigest()


@dataclass(frozen=True, eq=False, repr=False)
class DatasetPictures(Pictures):
    """Give the pictures of a `Dataset`, which lie in memory."""

    data: Dataset

    @property
    def name(self) -> str:  # type: ignore[override]  # a data set has one
        return self.data.name

    @property
    def class_names(self) -> tuple[str, ...]:  # type: ignore[override]
        return self.data.class_names

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, number: int) -> Array:
        image: Array = self.data.images[inside(number, len(self))]
        return image

    def label(self, number: int) -> int | None:
        return int(self.data.labels[number])

    @property
    def fingerprint(self) -> str:
        state = hashlib.sha256(repr((self.data.images.shape, self.class_names)).encode())
        state.update(np.ascontiguousarray(self.data.images).data)
        return state.hexdigest()


@dataclass(frozen=True, eq=False, repr=False)
class ArrayPictures(Pictures):
    """Give pictures that lie in memory, of any sizes; each is checked when it is looked at."""

    images: tuple[Array, ...]  # whatever `load_image` takes
    name: str = "arrays"

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, number: int) -> Array:
        try:
            return load_image(self.images[inside(number, len(self))])
        except ImageFileError as problem:
            raise ImageFileError(f"{self.title(number)}: {problem}") from problem

    @property
    def fingerprint(self) -> str:
        state = hashlib.sha256()
        for image in self.images:
            state.update(f"{image.dtype} {image.shape}\n".encode())
            state.update(np.ascontiguousarray(image).data)
        return state.hexdigest()


@dataclass(frozen=True, eq=False, repr=False)
class ScenePictures(Pictures):
    """Draw generated scenes, of which every pixel's object is known, each when it is looked at."""

    count: int
    seed: int = 0
    size: int = 64
    objects: Pair = (1, 3)  # the fewest and the most in a scene
    name: str = "scenes"
    class_names: tuple[str, ...] = KINDS[1:]

    def __len__(self) -> int:
        return self.count

    def scene(self, number: int) -> Scene:
        """Return scene `number` with its truth."""
        return _drawn(inside(number, self.count), self.seed, self.size, self.objects)

    def changed(self, number: int, *changes: Change) -> Scene:
        """Return scene `number` with objects drawn otherwise, or left out; all else stays as it is."""
        return scene(inside(number, self.count), self.seed, size=self.size, objects=self.objects, changes=changes)

    def __getitem__(self, number: int) -> Array:
        return self.picture_of(self.scene(number))

    def picture_of(self, scene: Scene) -> Array:
        """Return the picture of a scene, (H, W, 3) uint8."""
        return scene.image

    def label(self, number: int) -> int | None:
        return self.scene(number).label

    @property
    def fingerprint(self) -> str:
        return f"scenes {self.count} {self.seed} {self.size} {self.objects}"


@functools.lru_cache(maxsize=64)  # a picture is looked at, and then its label: it is drawn once
def _drawn(number: int, seed: int, size: int, objects: Pair) -> Scene:
    return scene(number, seed, size=size, objects=objects)


def as_pictures(source: object) -> Pictures:
    """Return what a user names as pictures.

    source: Pictures; a Dataset; a folder, flat or nested (the folders inside one are its classes), or an archive of one
        (.zip, .tar, .tar.gz, .tar.xz); a folder with a data set's own files (MNIST's, CIFAR-10's, faces); a list of
        files or of arrays; "scenes" or "scenes:500" for so many generated scenes; "digits", "faces", "mnist" or
        "cifar10", of which those for testing are taken ("mnist:500", the first 500; "mnist:train", the others). A
        folder of such a name comes first.

    Raises DataFileError if there is no such folder or data set or no picture in it, SettingError for anything else.
    """
    if isinstance(source, Pictures):
        return source
    if isinstance(source, Dataset):
        return DatasetPictures(source)
    if isinstance(source, str) and re.fullmatch(r"scenes(:\d+)?", source) and not Path(source).is_dir():
        count = int(source.partition(":")[2] or 500)
        return ScenePictures(need_whole("number of scenes", count, 1, 10**6))
    if isinstance(source, str) and not Path(source).is_dir() and (data := named_data(source)) is not None:
        return DatasetPictures(data)
    if isinstance(source, (str, Path)):
        place = as_path(source, "folder of pictures", DataFileError)
        is_archive = place.is_file() or (place.suffix.lower() in ARCHIVES and not place.is_dir())
        if is_archive:
            return archive_pictures(place)
        try:
            return folder_pictures(place)
        except DataFileError:
            data = data_in(place) if place.is_dir() else None
            if data is None:
                raise
            return DatasetPictures(data)
    if isinstance(source, Sequence) and source and all(isinstance(file, (str, Path)) for file in source):
        return FilePictures(tuple(map(Path, source)))
    images = tuple(source) if isinstance(source, (Sequence, np.ndarray)) else ()
    if images and all(isinstance(image, np.ndarray) for image in images):
        return ArrayPictures(images)
    raise SettingError(
        "pictures must be a folder, an archive, a data set, a list of image files or arrays, or a name (scenes:500, "
        f"digits, faces, mnist, cifar10), but got {source!r:.80}."
    )


def folder_pictures(folder: str | Path) -> FilePictures:
    """Return every image file below a folder, in the order of paths; the folders directly inside it are classes.

    Beside a folder "masks" the pictures are those in "photos", "images" or "pictures", or else all others; masks are
    none (`mask_files.py`). A file that turns out broken is found when it is looked at. Raises DataFileError if there
    is no folder or no picture in it.
    """
    place = as_path(folder, "folder of pictures", DataFileError)
    if not place.is_dir():
        raise DataFileError(f"There is no folder {place}; give one that has pictures in it.")
    base = picture_base(place)
    files = sorted(picture_files(base or place).files)
    if base == place:
        files = [file for file in files if file.relative_to(place).parts[0] != MASKS]
    if not files:
        raise DataFileError(
            f"{base or place} has no pictures ({', '.join(SUFFIXES)}) in it or in the folders inside it."
        )
    inside_of = base or place
    groups = [file.relative_to(inside_of).parts[0] if file.parent != inside_of else "" for file in files]
    return FilePictures(tuple(files), place.name or str(place), *classes_of(groups), place)
