"""Tables of numbers in text: .csv files with commas, semicolons or tabs between the numbers."""

from __future__ import annotations

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
    with open_file(path, "table of numbers", DataFileError) as (file, size, place):
        if size > LARGEST_BYTES:
            raise DataFileError(
                f"{place} has {size} bytes; tables of at most {LARGEST_BYTES // 2**20} MB are read. Save it as .npy."
            )
        data = file.read()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise DataFileError(
            f"{place} is no UTF-8 text: byte {problem.start} is {data[problem.start]:#04x}."
        ) from problem
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
