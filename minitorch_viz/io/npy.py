"""Reading NumPy's `.npy`, one array; pickled objects in it are never opened."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import DataFileError, WeightsFileError
from minitorch_viz.io.files import open_file
from minitorch_viz.io.tensors import checked_shape, read_array

# A header is the text of a dict. It is matched, not evaluated.
DESCR = re.compile(r"""['"]descr['"]\s*:\s*['"]([<>|=]?)([a-zA-Z])(\d{1,9})['"]""")
FORTRAN = re.compile(r"""['"]fortran_order['"]\s*:\s*(True|False)""")
SHAPE = re.compile(r"""['"]shape['"]\s*:\s*\(\s*((?:\d+L?\s*,\s*)*(?:\d+L?)?)\s*\)""")
LONGEST_HEADER = 10_000  # NumPy's own limit
KINDS = {"U": "text", "S": "text", "a": "text", "V": "raw bytes"}
Header = tuple[np.dtype[Any], str, tuple[int, ...], int]  # dtype, "C" or "F", shape, where the numbers begin
FIELDS = re.compile(r"""['"]descr['"]\s*:\s*\[""")
DATES = re.compile(r"""['"]descr['"]\s*:\s*['"][<>|=]?[mM]8""")
OBJECTS = re.compile(r"""['"]\|?O['"]""")
SIZES = {"b": (1,), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "f": (2, 4, 8), "c": (8, 16)}


class NoNumbersError(WeightsFileError):
    """Report a sound array without numbers that can be read; `kind` says what it holds."""

    def __init__(self, message: str, kind: str) -> None:
        super().__init__(message)
        self.kind = kind


def header_of(start: bytes, label: str, name: str) -> Header:
    """Return what a .npy file begins with; WeightsFileError if it is damaged, or no array of numbers follows."""
    if start[:6] != b"\x93NUMPY" or len(start) < 12 or start[6] not in (1, 2, 3):
        raise WeightsFileError(f"{label} is no NumPy array; is the file damaged?")
    width = 2 if start[6] == 1 else 4
    length = int.from_bytes(start[8 : 8 + width], "little")
    text = start[8 + width : 8 + width + length].decode("latin-1")
    if length > LONGEST_HEADER or len(text) != length:
        raise WeightsFileError(f"{label} has a header of {length} bytes; is the file damaged?")
    descr, fortran, shape = DESCR.search(text), FORTRAN.search(text), SHAPE.search(text)
    if OBJECTS.search(text):
        sentence = f"{label} holds pickled Python objects, which can run programs; save plain arrays."
        raise NoNumbersError(sentence, f"{name!a} (pickled Python objects)")
    other = "records" if FIELDS.search(text) else "dates or times" if DATES.search(text) else ""
    if other:
        sentence = f"{label} has a header that is not one of a plain array; save arrays of numbers."
        raise NoNumbersError(sentence, f"{name!a} ({other})")
    if descr is None or fortran is None or shape is None:
        raise WeightsFileError(f"{label} has a header that is not one of a plain array; save arrays of numbers.")
    byte_order, kind, size = descr.groups()
    if kind not in SIZES or int(size) not in SIZES[kind]:
        sentence = f"{label} holds {descr[0]!r}; arrays of integers, floats or bools can be read."
        raise NoNumbersError(sentence, f"{name!a} ({KINDS.get(kind, descr[0])})")
    sizes = [int(number) for number in re.findall(r"\d+", shape[1][:600])]
    dtype = np.dtype(f"{byte_order}{kind}{size}")
    return dtype, "F" if fortran[1] == "True" else "C", checked_shape(sizes, label), 8 + width + length


def read_npy(path: str | Path) -> Array:
    """Return the array of a `.npy` file.

    Its declared size is checked against the file's before memory is taken. Raises DataFileError if the file is missing,
    damaged, or holds anything but numbers.
    """
    with open_file(path, "array file", DataFileError) as (file, size, place):
        try:
            dtype, order, shape, offset = header_of(file.read(12 + LONGEST_HEADER), str(place), place.stem)
            needed = math.prod(shape) * dtype.itemsize
            if size - offset != needed:
                raise WeightsFileError(
                    f"{place}: {dtype} {shape} needs {needed} bytes, but {size - offset} are there; is it damaged?"
                )
            array = read_array(file, offset, shape[::-1] if order == "F" else shape, dtype, str(place))
        except WeightsFileError as problem:
            raise DataFileError(str(problem)) from problem
    return array.T if order == "F" else array
