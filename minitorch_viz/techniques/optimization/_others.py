"""Other pictures (or rows) beside the one that is looked at, as a net takes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.errors import ImageFileError, MinitorchVizError, SettingError
from minitorch_viz.models.readers import Numbers
from minitorch_viz.models.readers.values import values_of
from minitorch_viz.models.samples import GENERATED, samples
from minitorch_viz.techniques.optimization._natural import pictures_beside

if TYPE_CHECKING:
    from minitorch_viz.models import Model


@dataclass(frozen=True, eq=False)
class Others:
    """Hold M inputs beside the one that is looked at."""

    inputs: Array  # (M, ...): as the reader gives them
    names: tuple[str, ...]
    remarks: tuple[str, ...] = ()  # what was left out


def others_of(model: Model, x: Array, pictures: Any, most: int) -> Others:
    """Return `most` of the pictures, evenly spread over their order, that are not what is looked at, x (1, ...).

    pictures: as `as_pictures` takes them; of a net of numbers a table of rows, (M, D) or its file. None: pictures of
    the kind that the net was trained on, where they are at hand, or else those that come with it; of numbers none.
    Raises SettingError for inputs of another size.
    """
    inputs: list[Array] = []
    names: list[str] = []
    remarks: list[str] = []
    for name, raw in _inputs(model, pictures, most, remarks):
        if len(inputs) == most:
            break
        other = kernels.to_cpu(raw)
        if other.shape != x.shape:
            sizes = (" x ".join(map(str, array.shape[1:])) for array in (other, x))
            raise SettingError(f"{name} is of another size than what is looked at: {' against '.join(sizes)}.")
        if not np.array_equal(other, x):
            inputs.append(other[0])
            names.append(name)
    stacked = np.stack(inputs) if inputs else np.zeros((0, *x.shape[1:]), x.dtype)
    return Others(stacked, tuple(names), tuple(remarks))


def _inputs(model: Model, pictures: Any, most: int, remarks: list[str]) -> Iterator[tuple[str, Array]]:
    """Yield (name, the net's input (1, ...)) of each picture that can be read; say which cannot."""
    reader = model.reader()
    if isinstance(reader, Numbers):
        if pictures is not None:
            yield from _rows(model, reader, pictures, most)
        return
    source = pictures_beside(model, pictures)[0]
    if source is None:
        for sample in samples(model):
            if sample.note != GENERATED:
                yield sample.name, model.read(sample.image)
        return
    for number in _spread(len(source), most):
        try:
            x = model.read(source[number])
        except ImageFileError as error:
            remarks.append(f"Left out: {error}")
            continue
        yield source.title(number), x


def _rows(model: Model, reader: Numbers, table: Any, most: int) -> Iterator[tuple[str, Array]]:
    numbers = values_of(table, reader.names).numbers
    if numbers.ndim != len(reader.shape) + 1:
        raise SettingError(
            f"pictures= of a net of numbers are several inputs, one behind the other, each {reader.words}, but got an "
            f"array of shape {numbers.shape}."
        )
    for number in _spread(len(numbers), most):
        try:
            yield f"row {number + 1}", model.read(numbers[number])
        except MinitorchVizError as error:
            raise SettingError(f"pictures=, row {number + 1}: {error}") from error


def _spread(count: int, most: int) -> list[int]:
    """Return numbers from 0 to count - 1, evenly spread: one more than are wanted, since the photo may be among them.

    Folders and tables are often in the order of their classes.
    """
    numbers: list[int] = np.linspace(0, count - 1, min(count, most + 1)).round().astype(int).tolist()
    return numbers
