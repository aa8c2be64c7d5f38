"""Turn a picture about its middle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from minitorch_viz._types import Array, Generator, Pair
from minitorch_viz.errors import SettingError
from minitorch_viz.layers.fields import NumberField
from minitorch_viz.optimize.maps import LinearMap, SameSize
from minitorch_viz.optimize.transforms.base import Transform


@dataclass(frozen=True)
class Rotate(Transform):
    """Turn counter-clockwise by an angle drawn evenly from low..high, in degrees; corners get the mean colour.

    Paper: Lucid, Olah et al. 2017: -10 to 10 degrees, a third of the draws 0 (`still` = 1/3, near enough).
    """

    low: NumberField = NumberField(-10.0)
    high: NumberField = NumberField(10.0)
    still: NumberField = NumberField(0.0, least=0, most=1)

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise SettingError(f"An angle needs low <= high, but got {self.low:g} to {self.high:g} degrees.")

    def draw(self, rng: Generator, size: Pair) -> LinearMap:
        angle, is_still = rng.uniform(self.low, self.high), rng.random() < self.still
        return Turned(size, turning(size, 0.0 if is_still else angle))

    @classmethod
    def examples(cls) -> list[Self]:
        return [cls(10, 20), cls(0, 0), cls(-90, -90), cls(100, 200, 0.5)]


@dataclass(frozen=True, eq=False)
class Turned(SameSize):
    """Apply a sparse matrix (H W, H W) to the pixels of each channel; its adjoint is its transpose."""

    matrix: Any

    def forward(self, x: Array) -> Array:
        return self._applied(self.matrix, x)

    def adjoint(self, dy: Array) -> Array:
        return self._applied(self.matrix.T, dy)

    def _applied(self, matrix: Any, x: Array) -> Array:
        y: Array = (matrix.astype(x.dtype) @ x.reshape(-1, x.shape[-2] * x.shape[-1]).T).T
        return np.ascontiguousarray(y).reshape(x.shape)


def turning(size: Pair, angle: float) -> Any:
    """Return the sparse (H W, H W) matrix of a turn by `angle` degrees: each row reads four neighbouring pixels.

    A place outside reads 0, one between the last pixel and outside a share of that pixel.
    """
    from scipy.sparse import csr_array

    height, width = size
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    down, right = np.mgrid[:height, :width]
    down, right = down.ravel() - (height - 1) / 2, right.ravel() - (width - 1) / 2
    row = cosine * down + sine * right + (height - 1) / 2  # where each pixel of the turned picture is read
    column = cosine * right - sine * down + (width - 1) / 2
    top, left = np.floor(row).astype(int), np.floor(column).astype(int)
    weights, targets, sources = [], [], []
    for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
        weight = (1 - np.abs(row - top - i)) * (1 - np.abs(column - left - j))
        inside = (top + i >= 0) & (top + i < height) & (left + j >= 0) & (left + j < width)
        weights.append(weight[inside])
        targets.append(np.flatnonzero(inside))
        sources.append(((top + i) * width + left + j)[inside])
    places = np.concatenate(targets), np.concatenate(sources)
    return csr_array((np.concatenate(weights), places), shape=(height * width, height * width))
