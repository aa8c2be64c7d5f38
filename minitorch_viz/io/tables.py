"""Tables in text: .csv files with commas, semicolons or tabs between numbers, or between words."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import DataFileError, SettingError
from minitorch_viz.io.files import open_file

LARGEST_BYTES = 16 * 2**20  # bytes of a file; a number of Python takes four times what it takes in the text


class Table(NamedTuple):
    """Hold a table of numbers, and what its columns are called."""

    names: tuple[str, ...]  # of the columns, from the first line; empty where that holds numbers already
    numbers: Array  # (rows, columns) float64


def read_csv(path: str | Path) -> Array:
    """Return a table of numbers (rows, columns) as float64; empty lines and a first line of names are passed over.

    Raises DataFileError if the file is missing, too long, no UTF-8 text, or holds anything but rows of one length.
    """
    return read_table(path).numbers


def read_table(path: str | Path, columns: Sequence[str] = ()) -> Table:
    """Return a table of numbers and the names of its columns.

    columns: the names of those that are wanted, in this order; the others may hold anything. None: all of them; so too
        of a table without a line of names. Raises DataFileError as `read_csv` does, and if a column is missing.
    """
    place, text = _text_of(path, "table of numbers", " Save it as .npy.")
    lines = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    names = _names(lines[0][1]) if len(lines) > 1 else ()
    wanted = _places(names, columns, str(place)) if names and columns else None
    rows: list[Array] = []
    for number, line in lines[1 if names else 0 :]:
        try:
            rows.append(np.array(numbers_of_line(line, f"{place}, line {number}", wanted)))
        except SettingError as problem:
            raise DataFileError(str(problem)) from problem
        if len(rows[-1]) != len(rows[0]):
            raise DataFileError(
                f"{place}, line {number} has {len(rows[-1])} numbers, but the first has {len(rows[0])}."
            )
    if not rows:
        raise DataFileError(f"{place} holds no numbers.")
    if wanted is not None:
        names = tuple(columns)
    return Table(names if len(names) == len(rows[0]) else (), np.stack(rows))


class Line(NamedTuple):
    """Hold one line of a table of words."""

    label: str  # the file and the line's number, for sentences on what is wrong in it
    cells: list[str]  # without the blanks around them


def read_lines(path: str | Path, noun: str) -> list[Line]:
    """Return the lines of a table of words that are not empty, with commas, semicolons or tabs between the cells.

    noun: what the file is called in sentences, "table of classes". A cell in quotes may hold the mark between cells.
    Raises DataFileError if the file is missing, too long, or no text of cells.
    """
    place, text = _text_of(path, noun)
    lines = text.splitlines()
    mark = max(",;\t", key="\n".join(lines[:20]).count)  # the most frequent one
    try:
        rows = [[cell.strip() for cell in cells] for cells in csv.reader(lines, delimiter=mark)]
    except csv.Error as problem:
        raise DataFileError(f"{place} cannot be read as a {noun}: {problem}.") from problem
    return [Line(f"{place}, line {number}", cells) for number, cells in enumerate(rows, start=1) if any(cells)]


def _text_of(path: str | Path, noun: str, advice: str = "") -> tuple[Path, str]:
    """Return a file's path and its text; advice: what to do with one that is too long."""
    with open_file(path, noun, DataFileError) as (file, size, place):
        if size > LARGEST_BYTES:
            raise DataFileError(
                f"{place} has {size} bytes; tables of at most {LARGEST_BYTES // 2**20} MB are read.{advice}"
            )
        data = file.read()
    try:
        return place, data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise DataFileError(
            f"{place} is no UTF-8 text: byte {problem.start} is {data[problem.start]:#04x}."
        ) from problem


def _names(line: str) -> tuple[str, ...]:
    """Return the names in a first line; none where it holds numbers."""
    try:
        numbers_of_line(line, "")
    except SettingError:
        return tuple(name.strip().strip('"').strip() for name in _cells(line))
    return ()


def _places(names: Sequence[str], columns: Sequence[str], label: str) -> list[int]:
    """Return where the wanted columns are; DataFileError with the first that is missing."""
    for column in columns:
        if column not in names:
            raise DataFileError(f"{label} has no column {column!r}; its columns are {', '.join(names)[:300]}.")
    return [names.index(column) for column in columns]


def _cells(line: str) -> list[str]:
    """Return what stands between commas, semicolons, tabs or blanks."""
    cells = [cell.strip() for cell in re.split(r"[,;\t]", line)] if re.search(r"[,;\t]", line) else line.split()
    return cells[:-1] if len(cells) > 1 and not cells[-1] else cells  # a comma at the end


def numbers_of_line(line: str, label: str, wanted: Sequence[int] | None = None) -> list[float]:
    """Return the numbers of a line, between commas, semicolons, tabs or blanks; SettingError for what is no number.

    wanted: the places of those that are read; None: all.
    """
    cells = _cells(line)
    numbers = []
    for place in range(len(cells)) if wanted is None else wanted:
        cell = cells[place] if place < len(cells) else ""
        try:
            numbers.append(float(cell))
        except ValueError as problem:
            raise SettingError(f"{label}: number {place + 1} is {cell!r:.40}, which is no number.") from problem
    return numbers
