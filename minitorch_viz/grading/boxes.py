"""Reading boxes: a JSON or CSV file that says what is where on which photo."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from minitorch_viz.errors import DataFileError, near
from minitorch_viz.grading.localize import Box

FIELDS = ("file", "class", "x0", "y0", "x1", "y1")
EXAMPLE = '[{"file": "cat.jpg", "class": "tiger cat", "x0": 30, "y0": 12, "x1": 210, "y1": 180}]'
LARGEST_BYTES = 50_000_000  # bytes of a file that is read


class Labelled(NamedTuple):
    """Hold one box on one photo, in the photo's own pixels."""

    file: str  # the photo's name inside its folder
    label: str  # the class, by number, name, or part of a name
    box: Box


def read_boxes(path: str | Path) -> list[Labelled]:
    """Return the boxes in a .json file (a list of objects) or a .csv file (with a header).

    Each has file, class, x0, y0, x1, y1: whole or broken pixels of the photo, from its upper left corner, x1 and y1 not
    included. Raises DataFileError, with a sentence, for whatever is no such file.
    """
    path = Path(path)
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise DataFileError(
                f"{path} has {path.stat().st_size:,} bytes; a file of boxes has less than {LARGEST_BYTES:,}."
            )
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise DataFileError(f"The file of boxes {str(path)[:200]!r} cannot be read: {error}.") from error
    if path.suffix.lower() == ".csv":
        entries: Iterable[Any] = csv.DictReader(text.splitlines())
    elif path.suffix.lower() == ".json":
        entries = _json(text, path)
    else:
        raise DataFileError(f"Boxes are read from .json or .csv, but the file is called {path.name!r}.")
    try:
        boxes = [_labelled(entry, f"{path}, entry {number}") for number, entry in enumerate(entries, 1)]
    except csv.Error as error:
        raise DataFileError(f"{path} is no CSV file: {error}.") from error
    if not boxes:
        raise DataFileError(f"{path} holds no boxes; it should look like {EXAMPLE}.")
    return boxes


def _json(text: str, path: Path) -> list[Any]:
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataFileError(f"{path} is no JSON file: {error}.") from error
    if not isinstance(entries, list):
        raise DataFileError(f"{path} must hold a list such as {EXAMPLE}, but holds a {type(entries).__name__}.")
    return entries


def _labelled(entry: Any, label: str) -> Labelled:
    if not isinstance(entry, Mapping):
        raise DataFileError(f"{label} must be an object with {', '.join(FIELDS)}, but is {str(entry)[:60]!r}.")
    for name in FIELDS:
        if entry.get(name) in (None, ""):
            fields = [str(key) for key in entry if key is not None]
            raise DataFileError(f"{label} has no {name!r}; {near(name, fields, 'field')}.")
    try:
        numbers = [float(entry[name]) for name in FIELDS[2:]]
        box = Box(*(round(number) for number in numbers))
    except (TypeError, ValueError, OverflowError) as error:
        values = [entry[name] for name in FIELDS[2:]]
        raise DataFileError(f"{label}: x0, y0, x1 and y1 must be numbers of pixels, but are {values}.") from error
    if not (0 <= box.x0 < box.x1 and 0 <= box.y0 < box.y1):
        raise DataFileError(f"{label}: a box needs 0 <= x0 < x1 and 0 <= y0 < y1, but has {tuple(box)}.")
    return Labelled(str(entry["file"]), str(entry["class"]), box)
