"""Rows, series and prepared tensors: numbers as they are, from arrays, .npy and .csv files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, ShapeError
from minitorch_viz.io.files import is_whole, shown
from minitorch_viz.models.readers.base import Reader

SOME = 4  # how long an axis of any length is in `blank`
MOST_NUMBERS = 2**27  # numbers in an array
PLAIN = frozenset("0123456789+-.eE,; \t")  # what numbers written in a line are made of


@dataclass(frozen=True)
class Numbers(Reader):
    """Read numbers of a given shape, as (number - mean) / std.

    shape: without the batch axis; None for an axis of any length: (30,) is a row, (None, 4) a series of four numbers a
        step, (3, 8, 8) a prepared tensor; 30 is short for (30,).
    whole: True keeps whole numbers, such as the numbers of words; mean and std are then not used.
    mean, std: one number, or one for each place of the last axis.

    Raises SettingError if a value does not fit.

    >>> Numbers(3, mean=1.0).read([1, 2, 3])
    array([[0., 1., 2.]], dtype=float32)
    """

    shape: tuple[int | None, ...]
    whole: bool = False
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)

    name: ClassVar[str] = "numbers"
    noun: ClassVar[str] = "numbers"

    def __post_init__(self) -> None:
        given: Any = self.shape
        shape = tuple(given) if isinstance(given, (tuple, list)) else (given,)
        if not shape or not all(size is None or (is_whole(size) and 1 <= size <= MOST_NUMBERS) for size in shape):
            raise SettingError(
                f"shape must be whole numbers from 1, or None for any length, as (30,) or (None, 4): got {given!r:.60}."
            )
        if not isinstance(self.whole, bool):
            raise SettingError(f"whole must be True or False, but got {self.whole!r:.60}.")
        object.__setattr__(self, "shape", tuple(None if size is None else int(size) for size in shape))
        for name in ("mean", "std"):
            object.__setattr__(self, name, _one_or_each(getattr(self, name), self.shape[-1], name))
        if min(self.std) <= 0:
            raise SettingError(f"Numbers are divided by std, so each must be above 0, but got {self.std}.")

    def read(self, value: Any, dtype: npt.DTypeLike = np.float32) -> Array:
        """Return numbers as (1, *shape), in `dtype`; whole ones as int64.

        value: an array or nested lists, with or without a batch axis of 1; the path of a .npy file (never unpickled)
            or a .csv file (a first line of names is passed over); or numbers in a text, "1, 2.5, 3".
        Raises DataFileError if a file cannot be read, ShapeError or SettingError if the numbers do not fit.
        """
        array = self._fitted(_array_of(value))
        if not self.whole:
            mean, std = (np.array(numbers, np.float64) for numbers in (self.mean, self.std))
            return ((array.astype(np.float64) - mean) / std).astype(dtype)
        if array.dtype.kind == "f" and not np.array_equal(array, np.rint(array)):
            raise SettingError("Whole numbers are needed, but some of these have a fraction.")
        return array.astype(np.int64)

    def restore(self, x: Array) -> Array:
        """Return (1, *shape) as the numbers (*shape) that were given."""
        shape = tuple(getattr(x, "shape", ()))
        if shape[:1] != (1,) or not self._fits(shape[1:]):
            raise ShapeError(f"restore takes numbers (1, {self.words}), but got {shape or type(x).__name__}.")
        numbers: Array = kernels.to_cpu(x)[0]
        return numbers if self.whole else numbers * np.array(self.std) + np.array(self.mean)

    def blank(self, dtype: npt.DTypeLike = np.float32) -> Array:
        return np.zeros(
            (1, *(SOME if size is None else size for size in self.shape)), np.int64 if self.whole else dtype
        )

    @property
    def blank_words(self) -> str:
        return f"a value of {SOME} where any length will do" if None in self.shape else ""

    @property
    def words(self) -> str:
        sizes = " x ".join("any" if size is None else str(size) for size in self.shape)
        return f"{sizes} numbers" if len(self.shape) == 1 else sizes

    def description(self) -> dict[str, Any]:
        return {"shape": [*self.shape], "whole": self.whole, "mean": [*self.mean], "std": [*self.std]}

    @classmethod
    def example(cls) -> Self:
        return cls((1,))

    @classmethod
    def described(cls, description: Mapping[str, Any]) -> Self:
        shape, mean, std = (tuple(description[key]) for key in ("shape", "mean", "std"))
        return cls(shape, description["whole"], mean, std)

    def _fits(self, shape: tuple[int, ...]) -> bool:
        return len(shape) == len(self.shape) and all(
            size > 0 and wanted in (None, size) for size, wanted in zip(shape, self.shape, strict=True)
        )

    def _fitted(self, array: Array) -> Array:
        """Return the array with a batch axis of 1; a table of one row or one column can be a row."""
        if array.dtype.kind not in "biuf":
            raise SettingError(f"Numbers are needed, but got {shown(array)}.")
        if not np.isfinite(array).all():
            raise SettingError("Some of the numbers are not finite (NaN or infinity); fill them in first.")
        if array.shape[:1] == (1,) and self._fits(array.shape[1:]):
            return array
        if self._fits(array.shape):
            return array[None]
        if len(self.shape) == 1 and array.ndim == 2 and 1 in array.shape and self._fits((array.size,)):
            return array.reshape(1, -1)
        if self.shape[1:] == (1,) and self._fits((array.size, 1)):  # a series of single numbers, written as a row
            return array.reshape(1, -1, 1)
        raise ShapeError(f"Numbers of shape {self._shape_in_words} are needed, but got {array.shape}.")

    @property
    def _shape_in_words(self) -> str:
        sizes = ", ".join("any" if size is None else str(size) for size in self.shape)
        return f"({sizes},)" if len(self.shape) == 1 else f"({sizes})"


def _array_of(value: Any) -> Array:
    """Return the array that a user gives, by whatever means."""
    if isinstance(value, (str, Path)):
        text = str(value)
        if isinstance(value, str) and text.strip() and PLAIN.issuperset(text) and not Path(text).exists():
            return _of_text(text)
        return _of_file(value)
    try:
        return np.asarray(kernels.to_cpu(value) if hasattr(value, "shape") else value)
    except (ValueError, TypeError) as problem:  # rows of different lengths
        raise SettingError(f"An array of numbers is needed, but got {shown(value)}: {problem}.") from problem


def _of_text(text: str) -> Array:
    from minitorch_viz.io.tables import numbers_of_line

    return np.array(numbers_of_line(text, "The text of numbers"))


def _of_file(path: str | Path) -> Array:
    from minitorch_viz.io.npy import read_npy
    from minitorch_viz.io.tables import read_csv

    suffix = Path(path).suffix.lower()
    if suffix == ".npy":
        return read_npy(path)
    if suffix == ".csv":
        return read_csv(path)
    raise SettingError(
        f"Numbers are read from a .npy or .csv file, or from a text such as 1, 2.5, 3; got {path!s:.80}."
    )


def _one_or_each(value: object, count: int | None, name: str) -> tuple[float, ...]:
    """Return one float, or one for each place of the last axis."""
    numbers: list[Any] = list(value) if isinstance(value, (Sequence, np.ndarray)) else [value]
    fine = all(isinstance(n, (int, float, np.number)) and not isinstance(n, bool) and np.isfinite(n) for n in numbers)
    if not fine or not numbers or len(numbers) not in (1, count):
        each = "" if count is None else f", or one for each of the {count} places of the last axis"
        raise SettingError(f"{name} must be one finite number{each}: got {value!r:.60}.")
    return tuple(float(n) for n in numbers)
