"""Which class each picture of a data set is of: from a table, the data set itself, folders, or the files' names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.data.pictures import Pictures
from minitorch_viz.errors import DataFileError
from minitorch_viz.io.tables import read_lines

if TYPE_CHECKING:
    from minitorch_viz.models import Model

HEAD = ("file", "picture", "name", "image", "filename")  # what the first cell of a line of names says
ANIMALS = 398  # ImageNet's classes below this one are animals
FEWEST = 3  # pictures of a class, on average, for words in files' names to be classes


class Classes(NamedTuple):
    """Hold the classes of n pictures."""

    labels: Array  # (n,) int; -1: none
    names: tuple[str, ...]
    words: str  # where they come from; "" if there are none
    notes: tuple[str, ...] = ()


def classes_of_pictures(model: Model, pictures: Pictures, numbers: Array, table: Path | str | None = None) -> Classes:
    """Return the class of each of the pictures `numbers` (n,).

    table: a .csv file whose lines say a picture's file and its class. Without one, the data set's own classes; in a
        flat folder the word that is beside the number in the files' names (cat_01.jpg), where a word has three pictures
        or more; of files that are called as ImageNet's classes are (008_hen.jpg), animals and other things.

    Raises DataFileError if the table cannot be read or names none of the pictures.
    """
    titles = [pictures.title(number) for number in numbers.tolist()]
    if table is not None:
        return _from_table(Path(table), titles, numbers)
    if pictures.class_names:
        labels = [pictures.label(number) for number in numbers.tolist()]
        return Classes(
            np.array([-1 if label is None else label for label in labels]), pictures.class_names, "the data set"
        )
    words = [re.sub(r"^[\W\d_]+|[\W\d_]+$", "", PurePath(title).stem) for title in titles]
    if all(words) and 2 <= len(set(words)) <= len(words) / FEWEST:
        return Classes(*_numbered(words), "the words in the files' names")
    return _halves(model, titles) or Classes(np.full(len(titles), -1), (), "")


def _numbered(words: Sequence[str]) -> tuple[Array, tuple[str, ...]]:
    """Return the numbers of words, "" being none, and the different ones in their order."""
    names = tuple(sorted(set(words) - {""}))
    places = {name: number for number, name in enumerate(names)}
    return np.array([places.get(word, -1) for word in words], np.int64), names


def _halves(model: Model, titles: Sequence[str]) -> Classes | None:
    """Return animals and other things, if the files are called as ImageNet's classes; else None."""
    if len(model.class_names) != 1000:
        return None
    full = model.class_synonyms or model.class_names
    matches = [re.fullmatch(r"(\d{1,3})_(.+)", PurePath(title).stem) for title in titles]
    labels = []
    for match in matches:
        if match is None or _letters(match[2]) not in map(
            _letters, (*full[int(match[1])].split(","), full[int(match[1])])
        ):
            labels.append(-1)
        else:
            labels.append(int(int(match[1]) >= ANIMALS))
    if labels.count(-1) > len(labels) / 10:
        return None
    where = "the ImageNet class in the files' names: below 398 an animal"
    return Classes(np.array(labels), ("animals", "other things"), where)


def _letters(text: str) -> str:
    return re.sub(r"[\W_]", "", text.lower())


def _from_table(table: Path, titles: Sequence[str], numbers: Array) -> Classes:
    rows = _rows(table)
    by_name = dict(rows)
    words = [_word_of(by_name, title, number) for title, number in zip(titles, numbers.tolist(), strict=True)]
    if not any(words):
        raise DataFileError(
            f"{table} names none of the {len(titles)} pictures: it says {rows[0][0]!r:.60}, and a picture is called "
            f"{titles[0]!r:.60}. Each line holds a file and its class, cat.jpg,animal."
        )
    labels, names = _numbered(words)
    missing = words.count("")
    notes = (f"{missing} of {len(words)} pictures have no class in {table.name}; they are grey.",) if missing else ()
    return Classes(labels, names, table.name, notes)


def _word_of(by_name: dict[str, str], title: str, number: int) -> str:
    """Return a picture's class: by its file, without the ending, or by its number."""
    return next((by_name[key] for key in (title, PurePath(title).stem, str(number)) if key in by_name), "")


def _rows(table: Path) -> list[tuple[str, str]]:
    """Return the lines (file without its folders, class) of a table."""
    rows: list[tuple[str, str]] = []
    for label, cells in read_lines(table, "table of classes"):
        if not rows and cells[0].lower() in HEAD:
            continue
        if len(cells) < 2 or not cells[0] or not cells[1]:
            raise DataFileError(f"{label}: a file and its class are needed, cat.jpg,animal, not {cells}.")
        rows.append((PurePath(cells[0].replace("\\", "/")).name, cells[1]))
    if not rows:
        raise DataFileError(f"{table} holds no line with a file and its class, cat.jpg,animal.")
    return rows
