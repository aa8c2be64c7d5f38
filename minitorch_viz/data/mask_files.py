"""Pictures with masks beside them, as people keep them: which files belong together, and the numbers in a mask.

    photos/cat.jpg            the pictures: in photos, images or pictures, or beside the folder masks
    masks/cat.png             what each pixel shows: its grey value, or its index in a palette, is a concept's number
    concepts.csv              number,name,category, a line a concept

or, where concepts overlap, a mask of black and white for each concept that a picture shows:

    masks/ear/cat.png         white where the ear is; concepts.csv (name,category) only says the categories
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array, Pair
from minitorch_viz.data.picture_files import picture_files
from minitorch_viz.errors import DataFileError, ImageFileError
from minitorch_viz.io.tables import read_lines

MASKS, LIST = "masks", "concepts.csv"
PICTURES = ("photos", "images", "pictures")  # one of these, or the folder itself
SUFFIXES = (".png", ".tif", ".tiff", ".bmp", ".gif")  # of masks: formats that keep every number
VOID = 255  # in a mask of numbers: not labelled, unless it is listed
CATEGORY = "concept"  # of a concept whose category nobody says
UPRIGHT = (0, 1, 2, 3, 4)  # EXIF orientations that leave height and width in their places
ORIENTATION = 274  # EXIF's number of it


class Listed(NamedTuple):
    """Hold one line of concepts.csv."""

    number: int | None  # None in a list of (name, category)
    name: str
    category: str


@dataclass(frozen=True)
class MaskFolder:
    """Hold which mask files belong to the pictures of a folder."""

    place: Path  # the folder of both
    pictures: tuple[Path, ...]
    base: Path  # the folder that the pictures lie in
    masks: tuple[tuple[Path | None, ...], ...]  # for each picture a file for each folder of masks; None: there is none
    folders: tuple[str, ...]  # "" for masks of numbers, else the concepts that have a folder of masks
    unused: tuple[Path, ...]  # masks without a picture


def picture_base(place: Path) -> Path | None:
    """Return where the pictures lie in a folder that has masks beside them; None if it has no folder of masks.

    A folder "masks" among others, without pictures or a list of concepts beside it, is a class like these.
    """
    if not (place / MASKS).is_dir():
        return None
    present = [place / name for name in PICTURES if (place / name).is_dir()]
    if not present and not (place / LIST).exists() and not picture_files(place, nested=False).files:
        return None
    if len(present) > 1:
        names = " and ".join(path.name for path in present)
        raise DataFileError(f"{place} has a folder {MASKS}, and pictures in {names}: keep the pictures in one of them.")
    return present[0] if present else place


def mask_folder(place: Path, pictures: tuple[Path, ...]) -> MaskFolder | None:
    """Return which masks of a folder belong to these pictures of it; None if it has no folder of masks.

    Raises DataFileError if no mask belongs to any of the pictures, or if there are masks of both kinds.
    """
    base = picture_base(place)
    if base is None:
        return None
    root = place / MASKS
    files = picture_files(root).files
    masks = {path.relative_to(root).with_suffix(""): path for path in files if path.suffix.lower() in SUFFIXES}
    stems = [picture.relative_to(base).with_suffix("") for picture in pictures]
    plain = [stem for stem in stems if stem in masks]
    groups = sorted({stem.parts[0] for stem in masks if len(stem.parts) > 1 and stem not in stems})
    folders = tuple(name for name in groups if any(Path(name) / stem in masks for stem in stems))
    if plain and folders:
        raise DataFileError(
            f"{root} has masks of numbers, such as {masks[plain[0]].name}, and folders of masks, such as {folders[0]}; "
            "one of the two is needed."
        )
    if not plain and not folders:
        lossy = next((path for path in files if path not in masks.values()), None)
        if lossy is not None and not masks:
            raise DataFileError(
                f"{lossy} is no mask that keeps every number ({', '.join(SUFFIXES)} do); save masks as PNG."
            )
        raise DataFileError(
            f"No mask in {root} belongs to a picture: the mask of {pictures[0].name} would be "
            f"{MASKS}/{stems[0].as_posix()}.png, or {MASKS}/CONCEPT/{stems[0].as_posix()}.png."
        )
    columns = [Path(name) for name in folders] or [Path()]
    rows = tuple(tuple(masks.get(column / stem) for column in columns) for stem in stems)
    used = {path for row in rows for path in row}
    unused = tuple(path for path in masks.values() if path not in used)
    return MaskFolder(place, pictures, base, rows, folders or ("",), unused)


def read_concepts(place: Path) -> tuple[Listed, ...] | None:
    """Return the lines of the list of concepts in a folder; None if there is none.

    A line is number,name,category or name,category; the category may be left out, a first line of these words too.
    Raises DataFileError with the line that is wrong: no number, a name twice.
    """
    path = place / LIST
    if not path.exists():
        return None
    lines = read_lines(path, "list of concepts")
    has_head = bool(lines) and "name" in map(str.lower, lines[0].cells)
    listed = [_line(words, label) for label, words in lines[has_head:]]
    if not listed:
        raise DataFileError(f"{path} is empty; a line a concept is needed: number,name,category.")
    for field in ("name", "number"):
        values = [getattr(entry, field) for entry in listed if getattr(entry, field) is not None]
        twice = next((value for value in values if values.count(value) > 1), None)
        if twice is not None:
            raise DataFileError(f"{path} has the {field} {twice} twice; each concept has one of its own.")
    if len({entry.number is None for entry in listed}) > 1:
        raise DataFileError(
            f"{path} has lines with a number in front and lines without; a line is number,name,category."
        )
    return tuple(listed)


def _line(words: list[str], label: str) -> Listed:
    numbered = words[0].isdigit()
    name, *rest = words[1:] if numbered else words
    if len(rest) > 1 or not name:
        raise DataFileError(f"{label} is {','.join(words)!r:.60}; it must be number,name,category.")
    return Listed(int(words[0]) if numbered else None, name, (rest[0] if rest else "") or CATEGORY)


def read_mask(path: Path) -> Array:
    """Return the numbers in a mask file, (H, W) uint8, uint16 or int32: grey values, or the indices of a palette.

    Raises ImageFileError if it cannot be read, or is coloured without a palette.
    """
    from PIL import Image

    from minitorch_viz.io.formats import most_pixels

    try:
        with Image.open(path) as image:
            if image.width * image.height > most_pixels(None):
                raise ImageFileError(f"{path} has {image.height} x {image.width} pixels, more than are read.")
            if image.mode in ("P", "L", "1", "I", "I;16", "I;16B"):
                values = np.asarray(image)
                return values.astype(np.uint8) * 255 if values.dtype == bool else values
            layers = np.asarray(image.convert("RGB"))
    except ImageFileError:
        raise
    except Exception as problem:  # on damaged files Pillow raises a dozen kinds of exceptions
        raise ImageFileError(f"The mask {path} cannot be read: {problem!s:.120}. Is it damaged?") from problem
    if (layers != layers[..., :1]).any():
        raise ImageFileError(
            f"The mask {path} is coloured; its numbers are grey values or the indices of a palette: save it so."
        )
    return layers[..., 0]


def picture_size(path: Path) -> Pair:
    """Return (height, width) of a picture as it is read, upright, without decoding it."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            upright = image.getexif().get(ORIENTATION, 1) in UPRIGHT
            return (image.height, image.width) if upright else (image.width, image.height)
    except Exception as problem:
        raise ImageFileError(f"{path} cannot be read: {problem!s:.120}. Is it damaged?") from problem
