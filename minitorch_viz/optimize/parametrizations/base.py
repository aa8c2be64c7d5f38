"""What every parametrization is: arrays to start from, the picture they stand for, the gradient back to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self, TypeAlias

import numpy as np
import numpy.typing as npt

from minitorch_viz._types import Array, Generator, Pair
from minitorch_viz.errors import SettingError, ShapeError
from minitorch_viz.layers.fields import as_pair
from minitorch_viz.optimize.units import Units

Parameters: TypeAlias = Mapping[str, Array]  # by name, as optimizers take them; the first axis counts the N pictures


@dataclass(frozen=True)
class Parametrization:
    """Be the base of parametrizations: `start`, `image`, `gradient`, `inverse` where there is one, `examples`.

    units: of the net that looks at the picture. size: (H, W) of the picture.
    Parameters keep their dtype, and so does the picture. Nothing is remembered, and nothing changed in place.
    """

    units: Units
    size: Pair

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", as_pair(self.size, "The picture's size", 1))

    def start(self, rng: Generator, number: int = 1, dtype: npt.DTypeLike = np.float32) -> dict[str, Array]:
        """Return the parameters of `number` pictures to start from, drawn by `rng`."""
        raise NotImplementedError

    def image(self, parameters: Parameters) -> Array:
        """Return the pictures (N, C, H, W): pixel - mean, in steps of 0..255."""
        raise NotImplementedError

    def gradient(self, parameters: Parameters, dx: Array) -> dict[str, Array]:
        """Return the gradient by each parameter, given that by the picture, dx (N, C, H, W)."""
        raise NotImplementedError

    def inverse(self, x: Array) -> dict[str, Array]:  # noqa: ARG002  # what subclasses take
        """Return parameters whose picture is x (N, C, H, W), such as a photo that is to be accentuated.

        Raises SettingError where a picture has no such parameters, ShapeError for a picture of another size.
        """
        raise SettingError(f"{type(self).__name__} cannot start from a picture: most pictures have no such parameters.")

    @classmethod
    def examples(cls) -> list[Self]:
        """Return settings worth testing: even and odd sides, one channel and three."""
        raise NotImplementedError

    def shape(self, number: int) -> tuple[int, int, int, int]:
        """Return (N, C, H, W) of `number` pictures."""
        return (number, self.units.channels, *self.size)

    def fitting(self, x: Array) -> Array:
        """Return x, or raise ShapeError if it is no picture of these channels and this size."""
        if x.ndim != 4 or x.shape != self.shape(len(x)):
            wanted = ", ".join(map(str, self.shape(1)[1:]))
            raise ShapeError(f"This parametrization makes pictures (N, {wanted}), but got shape {x.shape}.")
        return x


# Of two nets that look at pictures, for `examples`.
GREY = Units((120.0,), (60.0,))
RGB = Units((123.0, 117.0, 104.0), (58.0, 57.0, 59.0))
