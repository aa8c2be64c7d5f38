"""The picture itself as the parameter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from minitorch_viz._types import Array, Generator
from minitorch_viz.layers.fields import NumberField
from minitorch_viz.optimize.parametrizations.base import GREY, RGB, Parameters, Parametrization


@dataclass(frozen=True)
class Pixels(Parametrization):
    """Move the pixels themselves; nothing keeps them in 0..255 (`Units.clip` does, as a step).

    spread: standard deviation of the noise to start from, in steps of 0..255.
    background: the pixel value, 0..255, that the noise is about; None is the mean colour.
    Paper: Simonyan et al. 2013 start from 0, Yosinski et al. 2015 from noise of 10, Øygard 2015 from 200 with 8.
    """

    spread: NumberField = NumberField(0.0, least=0)
    background: float | None = None

    def start(self, rng: Generator, number: int = 1, dtype: npt.DTypeLike = np.float32) -> dict[str, Array]:
        noise = rng.standard_normal(self.shape(number)) * self.spread
        if self.background is not None:
            noise = noise + self.units.picture(np.full(self.shape(number), self.background))
        return {"pixels": noise.astype(dtype)}

    def image(self, parameters: Parameters) -> Array:
        return parameters["pixels"]

    def gradient(self, parameters: Parameters, dx: Array) -> dict[str, Array]:  # noqa: ARG002  # the base's signature
        return {"pixels": dx}

    def inverse(self, x: Array) -> dict[str, Array]:
        return {"pixels": self.fitting(x).copy()}

    @classmethod
    def examples(cls) -> list[Self]:
        return [cls(RGB, (4, 5), 10.0), cls(GREY, (3, 3)), cls(RGB, (3, 4), 8.0, 200.0)]
