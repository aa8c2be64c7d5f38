"""The numbers that are changed in the units of those that gave them: grey levels of 0 to 255, or the numbers' own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.models.readers import Bands, Preprocessing
from minitorch_viz.optimize.units import WHITE, Units

if TYPE_CHECKING:
    from minitorch_viz.models import Model
    from minitorch_viz.techniques.explain.view import View


ROUNDING = 1e-3  # grey levels by which the net's precision may have moved a whole one


@dataclass(frozen=True, eq=False)
class OwnUnits:
    """Go between a net's input and the numbers as they were given: net = (number - mean) / std.

    Arrays are the net's input with or without its batch axis, in double precision.
    """

    numbers: Array  # those of the input that is looked at, in its own shape
    mean: Array  # broadcasts to that shape
    std: Array
    low: Array  # the input's shape: what a number may not fall below; -inf where nothing is known
    high: Array

    @property
    def is_grey(self) -> bool:
        """Return whether the numbers are grey levels of 0 to 255."""
        return bool(np.isfinite(self.high).all())

    def net(self, numbers: Array) -> Array:
        """Return what the net takes for numbers."""
        return (numbers - self.mean) / self.std

    def gradient(self, gradient: Array) -> Array:
        """Carry a gradient by the net's input back to the numbers."""
        return gradient / self.std

    def within(self, numbers: Array) -> Array:
        """Return the nearest numbers within the bounds."""
        return np.clip(numbers, self.low, self.high)


def units_of(model: Model, seen: View) -> OwnUnits:
    """Return the units of what a net looks at.

    Pictures are in grey levels, whatever the net's mean and std; of a prepared tensor what lies outside 0 to 255 may
    stay where it is. Rows, series and channels that are no bytes have no bounds.
    """
    reader = model.reader()
    is_bytes = not isinstance(reader, Bands) or (reader.to_one and seen.source is None and seen.photo.dtype == np.uint8)
    x = kernels.to_cpu(seen.x)[0].astype(np.float64)
    if isinstance(reader, Preprocessing) and is_bytes:
        units = Units.of(reader)
        mean, std = (np.array(values, np.float64).reshape(-1, 1, 1) for values in (units.mean, units.std))
        numbers = x * std + mean
        whole = numbers.round()
        snapped = np.where(np.abs(numbers - whole) < ROUNDING, whole, numbers)
        return OwnUnits(snapped, mean, std, np.minimum(snapped, 0), np.maximum(snapped, WHITE))
    shape = (-1, 1, 1) if isinstance(reader, Preprocessing) else (-1,)
    middle, unit = (np.array(getattr(reader, name), np.float64).reshape(shape) for name in ("mean", "std"))
    return OwnUnits(x * unit + middle, middle, unit, np.full(x.shape, -np.inf), np.full(x.shape, np.inf))
