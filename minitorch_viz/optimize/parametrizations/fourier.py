"""Fourier coefficients as the parameter: smooth and fine detail at one rate, colours decorrelated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from minitorch_viz._types import Array, Generator
from minitorch_viz.layers.fields import NumberField
from minitorch_viz.optimize.parametrizations.base import GREY, RGB, Parameters, Parametrization
from minitorch_viz.optimize.parametrizations.colours import colour_matrix
from minitorch_viz.optimize.parametrizations.spectrum import frequencies, waves, waves_adjoint
from minitorch_viz.optimize.parametrizations.squashing import squashed, squashed_gradient, unsquashed

QUARTER = 0.25  # Lucid divides the waves by 4, so that a start of 0.01 is nearly grey


@dataclass(frozen=True)
class Fourier(Parametrization):
    """Move Fourier coefficients: x = 255 sigmoid(M waves(scale coefficients)) - mean.

    A coefficient is scaled by sqrt(H W) / max(f, 1 / max(H, W)) ** decay, f in cycles a pixel: as photos have it, slow
    waves are the tall ones, so that one step moves all frequencies by their natural share.

    decay: power of the frequency; 1 in Lucid, 1.5 in Horama. spread: standard deviation of the coefficients to start
    from. colours: "lucid", "maco" or "none", of nets with three channels.
    Parameters: "real" and "imaginary", (N, C, H, W // 2 + 1).
    Paper: Olah, Mordvintsev, Schubert 2017, "Feature Visualization".
    """

    decay: NumberField = NumberField(1.0, least=0)
    spread: NumberField = NumberField(0.01, least=0)
    colours: str = "lucid"

    def __post_init__(self) -> None:
        super().__post_init__()
        colour_matrix(self.colours, self.units.channels)

    def start(self, rng: Generator, number: int = 1, dtype: npt.DTypeLike = np.float32) -> dict[str, Array]:
        height, width = self.size
        shape = (number, self.units.channels, height, width // 2 + 1)
        names = ("real", "imaginary")
        return {name: (self.spread * rng.standard_normal(shape)).astype(dtype) for name in names}

    def image(self, parameters: Parameters) -> Array:
        return squashed(self._waves(parameters), self._matrix, self.units)

    def gradient(self, parameters: Parameters, dx: Array) -> dict[str, Array]:
        scale = self._scale(dx.dtype)
        real, imaginary = waves_adjoint(squashed_gradient(self._waves(parameters), self._matrix, dx))
        return {"real": scale * real, "imaginary": scale * imaginary}

    def inverse(self, x: Array) -> dict[str, Array]:
        """Return the coefficients of a picture; pixels near 0 and 255 are taken as 0.26 and 254.7."""
        coefficients = np.fft.rfft2(unsquashed(self.fitting(x), self._matrix, self.units)) / self._scale(x.dtype)
        return {"real": coefficients.real.copy(), "imaginary": coefficients.imag.copy()}

    @classmethod
    def examples(cls) -> list[Self]:
        return [
            cls(RGB, (6, 8)),
            cls(RGB, (5, 7), 1.5, 0.02, "maco"),
            cls(GREY, (4, 3)),
            cls(RGB, (1, 2), colours="none"),
        ]

    @property
    def _matrix(self) -> Array:
        return colour_matrix(self.colours, self.units.channels)

    def _scale(self, dtype: npt.DTypeLike) -> Array:
        """Return what each coefficient is multiplied by, (H, W // 2 + 1)."""
        slowest = 1 / max(self.size)
        fall = np.maximum(frequencies(self.size), slowest) ** self.decay
        scale: Array = (QUARTER * np.sqrt(self.size[0] * self.size[1]) / fall).astype(dtype)
        return scale

    def _waves(self, parameters: Parameters) -> Array:
        real, imaginary = parameters["real"], parameters["imaginary"]
        scale = self._scale(real.dtype)
        return waves(scale * real, scale * imaginary, self.size)
