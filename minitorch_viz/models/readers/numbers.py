"""Rows, series and prepared tensors: numbers as they are, from arrays, .npy and .csv files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, ShapeError
from minitorch_viz.io.files import is_whole, shown
from minitorch_viz.models.readers.base import Reader
from minitorch_viz.models.readers.values import values_of

SOME = 4  # how long an axis of any length is in `blank`, where nothing else is said
MOST_NUMBERS = 2**27  # numbers in an array


@dataclass(frozen=True)
class Numbers(Reader):
    """Read numbers of a given shape, as (number - mean) / std.

    shape: without the batch axis; None for an axis of any length: (30,) is a row, (None, 4) a series of four numbers a
        step, (3, 8, 8) a prepared tensor; 30 is short for (30,).
    whole: True keeps whole numbers, such as the numbers of words; mean and std are then not used.
    mean, std: one number, or one for each place of the last axis.
    names: what the numbers are called, for pictures: the columns of a row, or the numbers of each step of a series. Of
        a table with a first line of names these columns are taken, whatever others there are.
    some: how long an axis of any length is in `blank`, with which the shapes inside a net are found.

    Raises SettingError if a value does not fit.

    >>> Numbers(3, mean=1.0).read([1, 2, 3])
    array([[0., 1., 2.]], dtype=float32)
    """

    shape: tuple[int | None, ...]
    whole: bool = False
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    names: tuple[str, ...] = ()
    some: int = SOME

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
        names: Any = self.names
        if isinstance(names, str) or not isinstance(names, Sequence) or not all(isinstance(n, str) for n in names):
            raise SettingError(f"names must be a list of texts, but got {names!r:.60}.")
        if names and len(names) not in self.shape:
            raise SettingError(f"There are {len(names)} names, but the numbers have the shape {self._shape_in_words}.")
        object.__setattr__(self, "names", tuple(names))
        if not is_whole(self.some) or not 1 <= self.some <= MOST_NUMBERS:
            raise SettingError(f"some must be a whole number from 1, but got {self.some!r:.60}.")

    def read(self, value: Any, dtype: npt.DTypeLike = np.float32) -> Array:
        """Return numbers as (1, *shape), in `dtype`; whole ones as int64.

        value: an array or nested lists, with or without a batch axis of 1; the path of a .npy file (never unpickled)
            or a .csv file, whose third row is "FILE:3"; a row of a pandas table; or numbers in a text, "1, 2.5, 3".
        Raises DataFileError if a file cannot be read, ShapeError or SettingError if the numbers do not fit.
        """
        array = self._fitted(values_of(value, self.names).numbers)
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
            (1, *(self.some if size is None else size for size in self.shape)), np.int64 if self.whole else dtype
        )

    @property
    def blank_words(self) -> str:
        return f"a value of {self.some} where any length will do" if None in self.shape else ""

    @property
    def words(self) -> str:
        sizes = " x ".join("any" if size is None else str(size) for size in self.shape)
        return f"{sizes} numbers" if len(self.shape) == 1 else sizes

    def description(self) -> dict[str, Any]:
        described = {"shape": [*self.shape], "whole": self.whole, "mean": [*self.mean], "std": [*self.std]}
        names = {"names": [*self.names]} if self.names else {}  # without, as files were before there were any
        return described | names | ({"some": self.some} if self.some != SOME else {})

    @classmethod
    def example(cls) -> Self:
        return cls((1,))

    @classmethod
    def described(cls, description: Mapping[str, Any]) -> Self:
        shape, mean, std = (tuple(description[key]) for key in ("shape", "mean", "std"))
        names = description.get("names", ())
        if not isinstance(names, (list, tuple)):
            raise SettingError(f"names must be a list of texts, but got {names!r:.60}.")
        return cls(shape, description["whole"], mean, std, tuple(names), description.get("some", SOME))

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
        if len(self.shape) == 1 and array.ndim == 2 and self._fits(array.shape[1:]) and len(array) > 1:
            raise ShapeError(
                f"One row is looked at, but got {len(array)} of them, {array.shape}: give one, rows[0], or of a file "
                "FILE:1 for its first row."
            )
        if len(self.shape) == 2 and self.shape[0] == 1 and array.ndim == 1 and self._fits((1, array.size)):
            return array.reshape(1, 1, -1)
        if self.shape[1:] == (1,) and self._fits((array.size, 1)):  # a series of single numbers, written as a row
            return array.reshape(1, -1, 1)
        raise ShapeError(
            f"Numbers of shape {self._shape_in_words} are needed, but got {array.shape}.{self._hint(array)}"
        )

    def _hint(self, array: Array) -> str:
        """Say what may have been meant by numbers that do not fit."""
        if array.ndim == len(self.shape) == 2 and self._fits(array.shape[::-1]):
            return " Turn them: array.T."
        if len(self.shape) == 1 and array.size and array.ndim in (1, 2):
            columns = f" ({', '.join(self.names[:8])}{' ...' if len(self.names) > 8 else ''})" if self.names else ""
            return f" The net takes {self.shape[0]} columns{columns}, and these are {array.shape[-1]}."
        return ""

    @property
    def _shape_in_words(self) -> str:
        sizes = ", ".join("any" if size is None else str(size) for size in self.shape)
        return f"({sizes},)" if len(self.shape) == 1 else f"({sizes})"


def _one_or_each(value: object, count: int | None, name: str) -> tuple[float, ...]:
    """Return one float, or one for each place of the last axis."""
    numbers: list[Any] = list(value) if isinstance(value, (Sequence, np.ndarray)) else [value]
    fine = all(isinstance(n, (int, float, np.number)) and not isinstance(n, bool) and np.isfinite(n) for n in numbers)
    if not fine or not numbers or len(numbers) not in (1, count):
        each = "" if count is None else f", or one for each of the {count} places of the last axis"
        raise SettingError(f"{name} must be one finite number{each}: got {value!r:.60}.")
    return tuple(float(n) for n in numbers)
