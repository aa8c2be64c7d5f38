"""Tables of numbers in text: .csv files with commas, semicolons or tabs between the numbers."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import DataFileError, SettingError
from minitorch_viz.io.files import open_file

LARGEST_BYTES = 16 * 2**20  # bytes of a file; a number of Python takes four times what it takes in the text


def read_csv(path: str | Path) -> Array:
    """Return a table of numbers (rows, columns) as float64; empty lines and a first line of names are passed over.

    Raises DataFileError if the file is missing, too long, no UTF-8 text, or holds anything but rows of one length.
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
    rows: list[Array] = []
    for place_in_text, (number, line) in enumerate(lines):
        try:
            rows.append(np.array(numbers_of_line(line, f"{place}, line {number}")))
        except SettingError as problem:
            if place_in_text == 0 and len(lines) > 1:  # a line of names
                continue
            raise DataFileError(str(problem)) from problem
        if len(rows[-1]) != len(rows[0]):
            raise DataFileError(
                f"{place}, line {number} has {len(rows[-1])} numbers, but the first has {len(rows[0])}."
            )
    if not rows:
        raise DataFileError(f"{place} holds no numbers.")
    return np.stack(rows)


def numbers_of_line(line: str, label: str) -> list[float]:
    """Return the numbers of a line, between commas, semicolons, tabs or blanks; SettingError for what is no number."""
    cells = [cell.strip() for cell in re.split(r"[,;\t]", line)] if re.search(r"[,;\t]", line) else line.split()
    if len(cells) > 1 and not cells[-1]:  # a comma at the end
        cells = cells[:-1]
    numbers = []
    for column, cell in enumerate(cells, start=1):
        try:
            numbers.append(float(cell))
        except ValueError as problem:
            raise SettingError(f"{label}: number {column} is {cell!r:.40}, which is no number.") from problem
    return numbers
