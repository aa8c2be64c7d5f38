"""Numbers by any name: an array, a table of pandas, a file and which of its rows, or a text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, ShapeError
from minitorch_viz.models.readers.arrays import numbers_in

PLAIN = frozenset("0123456789+-.eE,; \t")  # what numbers written in a line are made of
ROW_OF_FILE = re.compile(r"(.+\.(?:csv|npy)):([1-9][0-9]{0,8})", re.IGNORECASE | re.DOTALL)


class Values(NamedTuple):
    """Hold numbers, and what their columns are called where that is known."""

    numbers: Array
    names: tuple[str, ...] = ()


def values_of(value: Any, columns: Sequence[str] = ()) -> Values:
    """Return the numbers that a user gives, by whatever means.

    value: an array, a tensor, nested lists, a table or a row of pandas, the path of a .npy or .csv file ("FILE:3" is
        its third row), or numbers in a text.
    columns: of a table with names the columns that are wanted; empty: all.

    Raises DataFileError if a file cannot be read, SettingError for what holds no numbers, ShapeError if a file has
    fewer rows.
    """
    if isinstance(value, (str, Path)):
        text = str(value)
        if isinstance(value, str) and text.strip() and PLAIN.issuperset(text) and not Path(text).exists():
            from minitorch_viz.io.tables import numbers_of_line

            return Values(np.array(numbers_of_line(text, "The text of numbers")))
        return _of_file(text, columns)
    names = tuple(str(name) for name in _names_of(value))
    if columns and names and set(columns) <= set(names) and tuple(columns) != names:
        value, names = value[list(columns)], tuple(columns)
    return Values(numbers_in(value), names)


def _names_of(table: Any) -> Sequence[Any]:
    """Return the names that a table or a row of pandas has."""
    if not callable(getattr(table, "to_numpy", None)):
        return ()
    names = list(table.columns if table.ndim == 2 else table.index)
    return names if all(isinstance(name, str) for name in names) else ()


def _of_file(path: str, columns: Sequence[str]) -> Values:
    from minitorch_viz.io.npy import read_npy
    from minitorch_viz.io.tables import read_table

    match = None if Path(path).exists() else ROW_OF_FILE.fullmatch(path)
    file, row = (match[1], int(match[2])) if match else (path, 0)
    suffix = Path(file).suffix.lower()
    if suffix == ".npy":
        values = Values(read_npy(file))
    elif suffix == ".csv":
        names, table = read_table(file, columns)
        values = Values(table, names)
    else:
        raise SettingError(
            f"Numbers are read from a .npy or .csv file, or from a text such as 1, 2.5, 3; got {path!s:.80}."
        )
    if not row:
        return values
    if values.numbers.ndim < 2 or row > len(values.numbers):
        raise ShapeError(f"There is no row {row} in {file}: it holds numbers of shape {values.numbers.shape}.")
    return values._replace(numbers=values.numbers[row - 1])
