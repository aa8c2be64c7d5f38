"""Real pictures (or rows) as points of the space: where they lie, and how far from the plane."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.errors import ImageFileError, MinitorchVizError, SettingError
from minitorch_viz.models.readers import Numbers, Preprocessing
from minitorch_viz.models.readers.values import values_of
from minitorch_viz.techniques.optimization._natural import pictures_beside
from minitorch_viz.techniques.optimization._regions_space import Space

if TYPE_CHECKING:
    from minitorch_viz.models import Model


@dataclass(frozen=True, eq=False)
class Others:
    """Hold M real pictures beside the photo."""

    points: Array  # (M, D)
    names: tuple[str, ...]
    remarks: tuple[str, ...] = ()


def others_of(model: Model, space: Space, pictures: Any, most: int) -> Others:
    """Return `most` of the pictures, evenly spread over their order, that are not the photo itself.

    pictures: as `as_pictures` takes them; of a net of numbers a table of rows, (M, D) or its file. None: pictures of
    the kind that the net was trained on, where they are at hand, or else those that come with it.
    Raises SettingError for a table that does not fit.
    """
    inputs: list[Array] = []
    names: list[str] = []
    remarks: list[str] = []
    for name, x in _inputs(model, pictures, most, remarks):
        if len(inputs) == most:
            break
        point = space.aim.box.values(kernels.to_cpu(x)).reshape(-1)
        if point.shape != space.middle.shape:
            raise SettingError(
                f"{name} is of another size than what is looked at: {_size(x.shape[1:])} against {_size(space.shape)}."
            )
        if np.abs(point - space.middle).max() > 0:
            inputs.append(point)
            names.append(name)
    return Others(np.array(inputs).reshape(len(inputs), len(space.middle)), tuple(names), tuple(remarks))


def _inputs(model: Model, pictures: Any, most: int, remarks: list[str]) -> Iterator[tuple[str, Array]]:
    """Yield (name, the net's input (1, ...)) of each picture that can be read; say which cannot."""
    reader = model.reader()
    if isinstance(reader, Numbers):
        if pictures is not None:
            yield from _rows(model, reader, pictures, most)
        return
    assert isinstance(reader, Preprocessing)  # `Box.of` has asked
    source = pictures_beside(model, pictures)[0]
    if source is None:
        from minitorch_viz.models.samples import GENERATED, samples

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


def _size(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
