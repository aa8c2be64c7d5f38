"""A Laplacian pyramid as the parameter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from minitorch_viz._types import Array, Generator
from minitorch_viz.errors import SettingError
from minitorch_viz.layers.fields import NumberField, WholeField
from minitorch_viz.optimize.parametrizations.base import GREY, RGB, Parameters, Parametrization
from minitorch_viz.optimize.pyramid import merge, merge_adjoint, sizes, split


@dataclass(frozen=True)
class Pyramid(Parametrization):
    """Move the layers of a Laplacian pyramid: x is their sum, each enlarged to the full size.

    A pixel of a coarse layer moves many pixels of the picture, so that smooth changes are large ones: what blurring the
    gradient does to plain pixels. Nothing keeps the pixels in 0..255 (`Units.clip` does, as a step on the picture).

    levels: how many times the size is halved. spread: standard deviation of the noise to start from, in each layer.
    Paper: Burt and Adelson 1983; as a parametrization in Lucid (Olah et al. 2017).
    """

    levels: WholeField = WholeField(4, least=0)
    spread: NumberField = NumberField(0.0, least=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if 2**self.levels > max(self.size):
            height, width = self.size
            raise SettingError(
                f"A picture of {height} x {width} cannot be halved {self.levels} times; give less levels."
            )

    def start(self, rng: Generator, number: int = 1, dtype: npt.DTypeLike = np.float32) -> dict[str, Array]:
        shape = (number, self.units.channels)
        layers = [rng.standard_normal((*shape, *size)) * self.spread for size in sizes(self.size, self.levels)]
        return _named([layer.astype(dtype) for layer in layers])

    def image(self, parameters: Parameters) -> Array:
        return merge([parameters[_name(level)] for level in range(self.levels + 1)])

    def gradient(self, parameters: Parameters, dx: Array) -> dict[str, Array]:  # noqa: ARG002  # the base's signature
        return _named(merge_adjoint(dx, self.levels))

    def inverse(self, x: Array) -> dict[str, Array]:
        return _named(split(self.fitting(x), self.levels))

    @classmethod
    def examples(cls) -> list[Self]:
        return [cls(RGB, (8, 6), 2, 10.0), cls(GREY, (5, 7), 2, 1.0), cls(GREY, (3, 4), 0)]


def _name(level: int) -> str:
    return f"level{level}"


def _named(layers: list[Array]) -> dict[str, Array]:
    """Return {"level0": the finest (N, C, H, W), "level1": half its size, ...}."""
    return {_name(level): layer for level, layer in enumerate(layers)}
