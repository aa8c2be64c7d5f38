"""Pixels, pictures, and the numbers that a net takes: three units, and the ways between them.

    pixel    0..255, what a person sees
    picture  x = pixel - mean, in the same steps: what this package moves, blurs and penalizes
    net      x / std: what the net's first node gets

Why pictures have a unit of their own: published rates, weights and radii are in steps of 0..255 about the mean (nets
of Caffe have std = 1, and their x is this x), so a preset means the same on every net; on a net with std = 58 a step of
1.5 in its own units would be 87 grey levels. And 0 is the mean colour: that is what decay goes to, what a start from
nothing is, and what a rotation leaves in the corners.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError
from minitorch_viz.models.readers.base import Reader
from minitorch_viz.models.readers.preprocessing import Preprocessing

WHITE = 255.0


@dataclass(frozen=True)
class Units:
    """Go between pixels 0..255, pictures x = pixel - mean, and what the net takes, x / std.

    mean, std: one number a channel, on the scale 0..255. Arrays are (N, C, H, W) and keep their dtype.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.mean or len(self.mean) != len(self.std):
            raise SettingError(f"mean and std need one number a channel each, but got {self.mean} and {self.std}.")
        if not all(np.isfinite([*self.mean, *self.std])) or min(self.std) <= 0:
            raise SettingError(f"mean must be finite and std above 0, but got {self.mean} and {self.std}.")

    @classmethod
    def of(cls, reader: Reader) -> Self:
        """Return the units of a net that takes pictures. Raises SettingError for a net that takes something else."""
        if not isinstance(reader, Preprocessing):
            raise SettingError(f"Only a picture can be made by optimization, but this net takes {reader.noun}.")
        scale = WHITE if getattr(reader, "to_one", False) else 1.0  # bands are brought to 0..1 first
        return cls(tuple(scale * value for value in reader.mean), tuple(scale * value for value in reader.std))

    @property
    def channels(self) -> int:
        """Return the number of channels C."""
        return len(self.mean)

    def net(self, x: Array) -> Array:
        """Return what the net takes for a picture: x / std."""
        return x / _column(self.std, x.dtype)

    def from_net(self, values: Array) -> Array:
        """Return the picture of what a net took, such as a preprocessed photo: the inverse of `net`."""
        return values * _column(self.std, values.dtype)

    def gradient(self, gradient: Array) -> Array:
        """Carry a gradient by the net's input back to the picture: `net` is linear and its own adjoint."""
        return self.net(gradient)

    def pixels(self, x: Array) -> Array:
        """Return pixels for a picture, floats: 0..255 where the picture is within its bounds."""
        return x + _column(self.mean, x.dtype)

    def shown(self, x: Array) -> Array:
        """Return the pixels that are shown for pictures (N, C, H, W): (N, H, W, C) uint8, clipped and rounded."""
        return np.round(self.pixels(self.clip(x))).astype(np.uint8).transpose(0, 2, 3, 1)

    def picture(self, pixels: Array) -> Array:
        """Return the picture for pixels (N, C, H, W): the inverse of `pixels`."""
        return pixels - _column(self.mean, pixels.dtype)

    def bounds(self, dtype: npt.DTypeLike = np.float32) -> tuple[Array, Array]:
        """Return the pictures of black and of white, each (C, 1, 1)."""
        mean = _column(self.mean, dtype)
        return 0 - mean, np.asarray(WHITE, dtype) - mean

    def clip(self, x: Array) -> Array:
        """Return the nearest picture whose pixels lie in 0..255."""
        low, high = self.bounds(x.dtype)
        return np.clip(x, low, high)


def _column(values: tuple[float, ...], dtype: npt.DTypeLike) -> Array:
    """Return one number a channel as (C, 1, 1)."""
    return np.asarray(values, dtype).reshape(-1, 1, 1)


def coloured(pixels: Array) -> Array:
    """Return pixels (..., C) in three channels: grey three times, of other counts the first."""
    return pixels if pixels.shape[-1] == 3 else pixels[..., :1].repeat(3, axis=-1)
