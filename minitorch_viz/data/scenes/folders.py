"""Generated scenes as files, one folder a class: what `minitorch-viz train` takes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.data.picture_files import entries
from minitorch_viz.data.scenes.generate import scene, scenes
from minitorch_viz.data.scenes.kinds import KINDS
from minitorch_viz.errors import DataFileError, ImageFileError, SettingError, need_whole
from minitorch_viz.io.files import as_path
from minitorch_viz.io.images import load_image, save_png
from minitorch_viz.progress import progress_bar

MOST_OBJECTS = 3  # in a scene: the main one, which is its class, and others of the classes
MOST_EACH = 100_000
CHUNK = 200  # scenes that are drawn at once to see of which class they are


def write_scenes(
    out: str | Path, classes: Sequence[str], each: int, seed: int = 0, *, size: int = 64, progress: bool = True
) -> list[Path]:
    """Write `each` scenes of every class to out/CLASS/NUMBER.png and return the files' names.

    classes: kinds of objects, of KINDS[1:]. A scene has one to three objects of these kinds; its class is the kind of
        the largest. NUMBER is that of the scene among those of its seed: the pictures are those of
        `scenes(count, seed, size=size, objects=(1, 3), kinds=classes)`, the first `each` of every class.
    size: pixels a side, 32 to 1024.

    A folder that is new is made, and its parent must be there. Pictures that are there already stay, so that a stopped
    run is gone on with and a larger `each` adds to it. Raises SettingError for a class or number that does not fit,
    DataFileError, before anything is written, if the folder holds anything else.
    """
    names = [classes] if isinstance(classes, str) else list(classes)
    need_whole("number of scenes of each class", each, 1, MOST_EACH)
    need_whole("seed", seed, 0)
    if not names:
        raise SettingError(f"Scenes are written for at least one class; there are {', '.join(KINDS[1:])}.")
    objects = 1, min(MOST_OBJECTS, len(names))
    scene(0, seed, size=size, objects=objects, kinds=names)  # for the sentences on classes and size
    place = as_path(out, "folder for the scenes", DataFileError)
    numbers = _numbers(names, each, seed, size, progress)
    files = {place / name / f"{number:06}.png": number for name in names for number in numbers[name]}

    def pixels(number: int) -> Array:
        return scene(number, seed, size=size, objects=objects, kinds=names).image

    _check_folder(place, files)
    present = [file for file in files if file.exists()]
    for file in present:
        if not _shows(file, pixels(files[file])):
            raise DataFileError(f"{file} is another picture than the scene of that name; give another folder.")
    missing = [file for file in files if not file.exists()]
    try:
        for folder in (place, *(place / name for name in names)):
            folder.mkdir(exist_ok=True)
    except OSError as problem:
        raise DataFileError(f"The folder {place} cannot be made: {problem.strerror or problem}.") from problem
    for count, file in enumerate(progress_bar(missing, desc="scenes", unit="scene", delay=2, show=progress)):
        try:
            save_png(pixels(files[file]), file)
        except KeyboardInterrupt:
            done = len(present) + count
            raise KeyboardInterrupt(
                f"interrupted; {done} of {len(files)} scenes are in {place}, and the same command goes on with them"
            ) from None
    return list(files)


def _numbers(names: Sequence[str], each: int, seed: int, size: int, progress: bool) -> dict[str, list[int]]:
    """Return for each class the numbers of the first `each` scenes of the seed that are of it."""
    numbers: dict[str, list[int]] = {name: [] for name in names}
    objects = 1, min(MOST_OBJECTS, len(names))
    with progress_bar(total=each * len(names), desc="choosing", unit="scene", delay=2, show=progress) as bar:
        start = 0
        while any(len(members) < each for members in numbers.values()):
            labels = scenes(CHUNK, seed, start=start, size=size, objects=objects, kinds=names).labels
            for name, members in numbers.items():
                members_here = start + np.flatnonzero(labels == KINDS.index(name) - 1)
                added = members_here[: each - len(members)].tolist()
                members += added
                bar.update(len(added))
            start += CHUNK
    return numbers


def _check_folder(place: Path, files: dict[Path, int]) -> None:
    """Raise DataFileError if `place` is no folder, cannot be made, or holds what is none of the files."""
    if not place.exists():
        if not place.parent.is_dir():
            raise DataFileError(f"There is no folder {place.parent} to make {place.name} in; make it first.")
        return
    if not place.is_dir():
        raise DataFileError(f"{place} is a file; give the name of a folder for the scenes.")
    folders = {file.parent for file in files}
    for path in entries(place):
        inner = entries(path) if path in folders and path.is_dir() else [path]
        for other in inner:
            if other not in files:
                raise DataFileError(
                    f"{place} holds {os.path.relpath(other, place)}, which is none of these scenes; give another "
                    "folder."
                )
    if not os.access(place, os.W_OK):
        raise DataFileError(f"The folder {place} may not be written to; give another.")


def _shows(file: Path, pixels: Array) -> bool:
    """Return whether a file is a picture with exactly these pixels."""
    try:
        return np.array_equal(load_image(file), pixels)
    except ImageFileError:
        return False
