"""Phases as the parameter: where the waves lie may change, how tall they are may not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import numpy as np
import numpy.typing as npt

from minitorch_viz._types import Array, Generator
from minitorch_viz.errors import ShapeError
from minitorch_viz.layers.fields import NumberField
from minitorch_viz.optimize.parametrizations.base import GREY, RGB, Parameters, Parametrization
from minitorch_viz.optimize.parametrizations.colours import colour_matrix
from minitorch_viz.optimize.parametrizations.spectrum import natural_spectrum, waves, waves_adjoint
from minitorch_viz.optimize.parametrizations.squashing import squashed, squashed_gradient
from minitorch_viz.optimize.parametrizations.standardizing import standardized, standardized_gradient


@dataclass(frozen=True)
class Phase(Parametrization):
    """Move the phases of waves whose magnitudes stay those of natural pictures.

    p = scatter * standardized phases; w = waves(A cos p, A sin p); x = 255 sigmoid(M standardized(w)) - mean. No fine
    noise can grow, as no wave can. A picture has no such parameters in general, so there is no inverse.

    spectrum: magnitudes A (C, H, W // 2 + 1), as `spectrum_of` takes them from photos; 1 / f without one.
    colours: "lucid", "maco" or "none", of nets with three channels: the same by which the spectrum was taken.
    scatter: standard deviation of the phases p, in radians. With 1, as in MaCo's program, they keep near 0, and all
    waves have a crest at the first pixel: its corner, and by their period all four, stay pale. From 3 on none does.
    Parameters: "phase", (N, C, H, W // 2 + 1); their mean and size do not matter, as they are standardized.
    Paper: MaCo, Fel et al. 2023.
    """

    spectrum: Array | None = field(default=None, compare=False)
    colours: str = "maco"
    scatter: NumberField = NumberField(1.0, least=1e-3)

    def __post_init__(self) -> None:
        super().__post_init__()
        colour_matrix(self.colours, self.units.channels)
        if self.spectrum is not None and self.spectrum.shape != self._shape:
            raise ShapeError(f"This picture needs a spectrum of shape {self._shape}, but got {self.spectrum.shape}.")

    def start(self, rng: Generator, number: int = 1, dtype: npt.DTypeLike = np.float32) -> dict[str, Array]:
        return {"phase": rng.standard_normal((number, *self._shape)).astype(dtype)}

    def image(self, parameters: Parameters) -> Array:
        _, _, sums = self._waves(parameters["phase"])
        return squashed(standardized(sums), self._matrix, self.units)

    def gradient(self, parameters: Parameters, dx: Array) -> dict[str, Array]:
        phase = parameters["phase"]
        real, imaginary, sums = self._waves(phase)
        d_sums = standardized_gradient(sums, squashed_gradient(standardized(sums), self._matrix, dx))
        d_real, d_imaginary = waves_adjoint(d_sums)
        d_angle = d_imaginary * real - d_real * imaginary  # (A cos)' = -A sin, (A sin)' = A cos
        return {"phase": standardized_gradient(phase, self.scatter * d_angle)}

    @classmethod
    def examples(cls) -> list[Self]:
        uneven = 1 + np.arange(60.0).reshape(3, 5, 4) % 7
        return [cls(RGB, (6, 8)), cls(RGB, (5, 7), uneven, "lucid", 3.0), cls(GREY, (4, 3))]

    @property
    def _shape(self) -> tuple[int, int, int]:
        return self.units.channels, self.size[0], self.size[1] // 2 + 1

    @property
    def _matrix(self) -> Array:
        return colour_matrix(self.colours, self.units.channels)

    def _waves(self, phase: Array) -> tuple[Array, Array, Array]:
        """Return A cos p and A sin p, (N, C, H, W // 2 + 1), and the sum of the waves (N, C, H, W)."""
        magnitude = natural_spectrum(self.units.channels, self.size) if self.spectrum is None else self.spectrum
        magnitude, angle = magnitude.astype(phase.dtype), self.scatter * standardized(phase)
        real, imaginary = magnitude * np.cos(angle), magnitude * np.sin(angle)
        return real, imaginary, waves(real, imaginary, self.size)
