"""Which files below a folder are pictures: by their endings, and by their first bytes where an ending says nothing."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from minitorch_viz.errors import DataFileError
from minitorch_viz.io.formats import START, kind_of

SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".avif", ".gif", ".bmp", ".tif", ".tiff"),
    *(".ppm", ".pgm", ".pbm"),
    *(".heic", ".heif"),  # a telephone's, which are not read: each is named with what to do, not passed over
)
MOST_NAMED = 5  # how many kinds of files, or broken pictures, a note names


@dataclass
class PictureFiles:
    """List what lies below a folder."""

    files: list[Path] = field(default_factory=list)  # the pictures, in the order of their paths
    others: Counter[str] = field(default_factory=Counter)  # how many files of other kinds, by their endings

    def note(self) -> str:
        """Return a sentence on the files of other kinds; "" if there are none."""
        count = self.others.total()
        kinds = ", ".join(
            f"{number} {suffix or 'without ending'}" for suffix, number in self.others.most_common(MOST_NAMED)
        )
        remark = " ..." * (len(self.others) > MOST_NAMED)
        verb = "file of another kind was" if count == 1 else "files of other kinds were"
        return f"{count} {verb} passed over: {kinds}{remark}." if count else ""


def picture_files(place: Path, *, nested: bool = True) -> PictureFiles:
    """Find the pictures in a folder and, if `nested`, in the folders inside it; names with a dot in front are skipped.

    A file with one of SUFFIXES counts as a picture, whatever is in it; another one if it begins as a picture does.
    Raises DataFileError if a folder cannot be read.
    """
    result = PictureFiles()
    for path in _files(place, nested, set()):
        if path.suffix.lower() in SUFFIXES or _begins_as_picture(path):
            result.files.append(path)
        else:
            result.others[path.suffix.lower()] += 1
    return result


def entries(place: Path) -> list[Path]:
    """Return what is in a folder, by name, without names that begin with a dot; DataFileError if it cannot be read."""
    try:
        return [place / name for name in sorted(os.listdir(place)) if not name.startswith(".")]
    except OSError as problem:
        raise DataFileError(f"The folder {place} cannot be read: {problem.strerror or problem}.") from problem


def _files(place: Path, nested: bool, visited: set[str]) -> Iterator[Path]:
    """Yield all files, each folder once: a link may lead back to a folder above it."""
    visited.add(os.path.realpath(place))
    for path in entries(place):
        if not path.is_dir():
            yield path
        elif nested and os.path.realpath(path) not in visited:
            yield from _files(path, nested, visited)


def _begins_as_picture(path: Path) -> bool:
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return bool(kind_of(file.read(START)))
    except OSError:
        return False
