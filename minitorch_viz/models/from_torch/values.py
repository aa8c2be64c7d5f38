"""What stands for torch's tensors while a module is followed: nodes to come, values, and what could not be mapped."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from minitorch_viz.layers import Flatten, Layer, Permute, Reshape


class UnmappedError(Exception):
    """Carry the reason why an operator, as it was called, has no layer; the user sees it in a NetError."""


@dataclass(eq=False)
class Entry:
    """Hold a node to come; its name is given when its operator is mapped. An input of the net has no layer."""

    layer: Layer | None
    inputs: tuple[Entry, ...] = ()
    name: str = ""


@dataclass(frozen=True, eq=False)
class Value:
    """Stand for a tensor that depends on the net's input.

    shape: torch's. batch: the axis of the images in torch's tensor; in ours it is always the first, before the others
    in torch's order (so a tensor (T, N, D) is (N, T, D) here).
    """

    entry: Entry
    shape: tuple[int, ...]
    batch: int = 0

    def axis(self, axis: int) -> int:
        """Return where one of torch's axes stands in ours."""
        axis %= len(self.shape)
        return 0 if axis == self.batch else axis + (axis < self.batch)

    @property
    def image(self) -> tuple[int, ...]:
        """Return the axes of one image."""
        return self.shape[: self.batch] + self.shape[self.batch + 1 :]


@dataclass(frozen=True)
class Lost:
    """Stand for a tensor that depends on the net's input in a way that no layer computes."""

    operator: str
    node: str
    reason: str


@dataclass
class Call:
    """Be what an operator's mapping writes to: the nodes of one call, in order.

    shapes: of torch's results. images: how many the example has. dtype: the net's precision.
    """

    shapes: tuple[tuple[int, ...], ...]
    images: int
    dtype: npt.DTypeLike
    entries: list[Entry] = field(default_factory=list)
    main: Entry | None = None  # which of them bears the module's name, if it is not the last

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the shape of torch's (first) result."""
        return self.shapes[0]

    def emit(self, layer: Layer, *values: Value, image: Sequence[int] | None = None) -> Value:
        """Add a node that reads the values; image: the axes of one image of its output, by default the first's."""
        entry = Entry(layer, tuple(value.entry for value in values))
        self.entries.append(entry)
        first = values[0]
        axes = list(first.image if image is None else image)
        batch = min(first.batch, len(axes))
        return Value(entry, (*axes[:batch], first.shape[first.batch], *axes[batch:]), batch)

    def reshape(self, value: Value, image: Sequence[int], batch: int = 0) -> Value:
        """Count each image into other axes; the images' axis of the result is `batch`."""
        axes = tuple(image)
        if math.prod(axes) != math.prod(value.image):
            raise UnmappedError("it moves numbers from one image into another")
        entry = value.entry
        if axes != value.image:
            entry = Entry(Flatten() if len(axes) == 1 else Reshape(axes), (value.entry,))
            self.entries.append(entry)
        return Value(entry, (*axes[:batch], value.shape[value.batch], *axes[batch:]), batch)

    def permute(self, value: Value, dims: Sequence[int]) -> Value:
        """Order torch's axes anew, as torch.permute does."""
        dims = [dim % len(value.shape) for dim in dims]
        batch = dims.index(value.batch)
        order = (0, *(value.axis(dim) for dim in dims if dim != value.batch))
        entry = value.entry
        if order != tuple(range(len(order))):
            entry = Entry(Permute(order), (value.entry,))
            self.entries.append(entry)
        return Value(entry, tuple(value.shape[dim] for dim in dims), batch)

    def constant(self, number: Any, value: Value) -> np.ndarray[Any, np.dtype[Any]]:
        """Return a number or array that is the same for every image, with the axes of one image of `value`."""
        array = np.asarray(number).astype(self.dtype)
        array = array.reshape((1,) * (len(value.shape) - array.ndim) + array.shape)
        if array.ndim != len(value.shape) or any(
            few not in (1, many) for few, many in zip(array.shape, value.shape, strict=True)
        ):
            raise UnmappedError(f"it widens the values {value.shape} by an array {array.shape}")
        if np.any(array != array.take([0], value.batch)):
            raise UnmappedError("its array is another for each image of the batch")
        return np.ascontiguousarray(array.take(0, value.batch))
