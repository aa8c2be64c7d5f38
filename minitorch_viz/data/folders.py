"""Pictures in folders, one folder a class: the way in which most people's own data lie."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np

from minitorch_viz._types import Pair
from minitorch_viz.data.dataset import Dataset
from minitorch_viz.data.picture_files import MOST_NAMED, SUFFIXES, PictureFiles, entries, picture_files
from minitorch_viz.errors import DataFileError, ImageFileError
from minitorch_viz.io.files import as_path, as_size
from minitorch_viz.io.images import load_image, resize_image
from minitorch_viz.progress import progress_bar

__all__ = ["SUFFIXES", "load_folder"]

TRAINING, TESTING = ("train", "training"), ("test", "testing", "val", "valid", "validation")
LARGEST_BYTES = 4 * 2**30  # bytes of all pictures together, resized


def load_folder(
    folder: str | Path,
    size: int | Pair = 64,
    *,
    how: str = "crop",
    test: float = 0.2,
    seed: int = 0,
    progress: bool = True,
) -> tuple[Dataset, Dataset]:
    """Return (training, test) from folder/CLASS/, with pictures in it or in folders inside it; its name is the class.

    size: pixels, an int or (H, W); every picture is brought to it.
    how: "crop" keeps proportions and cuts out the centre, "stretch" does not (see `resize_image`).
    test: the share of each class that is for testing, drawn with `seed`. Where folder/train/CLASS and folder/test/CLASS
        (or val) exist, these are the two parts instead.

    A picture is told by its contents. Broken ones are left out and named in `notes` of the data set, where the files of
    other kinds are counted, too; names that begin with a dot are passed over. A single folder in `folder` is opened.
    Raises DataFileError if there is no folder or no sound picture in one, SettingError for an impossible size or share.
    """
    place = as_path(folder, "folder of pictures", DataFileError)
    pair = as_size(size, "The pictures' size")
    place, notes = _folder_of_classes(place)
    subfolders = {path.name.lower(): path for path in _folders(place)}
    training = next((subfolders[name] for name in TRAINING if name in subfolders), None)
    testing = next((subfolders[name] for name in TESTING if name in subfolders), None)
    if training is None or testing is None:
        dataset = _read(place, None, pair, how, progress)
        return replace(dataset, notes=(*notes, *dataset.notes)).split(test, seed)
    other_names = [path.name for path in subfolders.values() if path not in (training, testing)]
    if other_names:
        notes.append(
            f"{training.name} and {testing.name} are read; passed over: {', '.join(other_names[:MOST_NAMED])}."
        )
    first = _read(training, None, pair, how, progress)
    second = _read(testing, first.class_names, pair, how, progress)
    return replace(first, notes=(*notes, *first.notes)), replace(second, notes=(*notes, *second.notes))


def _folders(place: Path) -> list[Path]:
    if not place.is_dir():
        raise DataFileError(f"There is no folder {place}; give one that has a folder of pictures for each class.")
    return sorted(path for path in entries(place) if path.is_dir())


def _folder_of_classes(place: Path) -> tuple[Path, list[str]]:
    """Return the folder that holds the classes: of an unpacked archive it often is the only one inside another."""
    outer = place
    while len(folders := _folders(place)) == 1 and _folders(folders[0]):
        if picture_files(folders[0], nested=False).files:
            break
        place = folders[0]
    notes = [f"The classes are the folders in {place}, since nothing else is in {outer}."] if place != outer else []
    return place, notes


def _read(place: Path, names: tuple[str, ...] | None, size: Pair, how: str, progress: bool) -> Dataset:
    """Read all pictures of one part; `names`: the classes it must not go beyond."""
    folders = _folders(place)
    if not folders:
        raise DataFileError(f"{place} has no folders; each class needs one, with its pictures in it.")
    classes = names or tuple(folder.name for folder in folders)
    loose_files = picture_files(place, nested=False)
    other_files = PictureFiles(others=loose_files.others)
    files: list[tuple[Path, int]] = []
    for folder in folders:
        if folder.name not in classes:
            raise DataFileError(f"{folder} is a class that the training pictures do not have: {', '.join(classes)}.")
        class_files = picture_files(folder)
        if not class_files.files:
            text = class_files.note().replace("passed over", "found")
            raise DataFileError(
                f"{folder} has no pictures (.png, .jpg, .webp ...); remove it or fill it. {text}".rstrip()
            )
        files += [(path, classes.index(folder.name)) for path in class_files.files]
        other_files.others += class_files.others
    if len(files) * 3 * math.prod(size) > LARGEST_BYTES:
        raise DataFileError(
            f"{place} has {len(files)} pictures, which take more than {LARGEST_BYTES // 2**30} GB at {size[0]} x "
            f"{size[1]} "
            "pixels; choose a smaller size."
        )
    images = np.empty((len(files), *size, 3), np.uint8)
    broken: dict[int, str] = {}
    animations: list[str] = []
    bar = progress_bar(files, desc=place.name, unit="picture", delay=2, show=progress)
    for number, (path, _) in enumerate(bar):
        try:
            pixels = load_image(path, notes=animations)
        except ImageFileError as problem:
            broken[number] = str(problem)
            continue
        images[number] = pixels if pixels.shape[:2] == size else resize_image(pixels, size, how)
    labels = np.array([label for _, label in files])
    sound = np.array([number not in broken for number in range(len(files))])
    for label in np.setdiff1d(labels, labels[sound]):
        first = next(text for number, text in broken.items() if labels[number] == label)
        raise DataFileError(f"None of the pictures of {classes[label]!r} can be read; the first: {first}")
    notes = [other_files.note(), _broken_note(list(broken.values())), _animations_note(animations)]
    if loose_files.files:
        count = len(loose_files.files)
        notes.append(f"{count} picture{'s lie' if count > 1 else ' lies'} in {place} itself, in no class: passed over.")
    name = place.name or str(place)
    return Dataset(images[sound], labels[sound], classes, name, tuple(note for note in notes if note))


def _broken_note(sentences: list[str]) -> str:
    count = len(sentences)
    remark = f" And {count - MOST_NAMED} more." if count > MOST_NAMED else ""
    verb = "picture was" if count == 1 else "pictures were"
    return f"{count} {verb} left out: {' '.join(sentences[:MOST_NAMED])}{remark}" if count else ""


def _animations_note(sentences: list[str]) -> str:
    remark = f" So do {len(sentences) - 1} more." if len(sentences) > 1 else ""
    return sentences[0] + remark if sentences else ""
