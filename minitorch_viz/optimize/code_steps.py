"""What a stage does to the code of a generator, and to the gradient by it, as values: `ClippedCode(0, 3)`.

Each is called once a step, and is one line of a published recipe with a learned prior.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.errors import SettingError
from minitorch_viz.optimize.parametrizations import GeneratorCode, Parameters, Parametrization
from minitorch_viz.optimize.regularizers import blur, normalized
from minitorch_viz.optimize.stage import Moment

CODE = "code"


@dataclass(frozen=True)
class NormalizedCode:
    """Divide the gradient by the mean of its absolute values, each code's on its own."""

    def __call__(
        self,
        uphill: dict[str, Array],
        parameters: Parameters,  # noqa: ARG002  # what every step is given
        moved: Parametrization,  # noqa: ARG002
        rng: Generator,  # noqa: ARG002
        moment: Moment,  # noqa: ARG002
    ) -> dict[str, Array]:
        return {**uphill, CODE: _normalized(uphill[CODE])}


@dataclass(frozen=True)
class BlurredCode:
    """Blur the gradient by a code of maps, by `start` pixels of the maps in the first step to `end` in the last."""

    start: float
    end: float

    def __call__(
        self,
        uphill: dict[str, Array],
        parameters: Parameters,  # noqa: ARG002  # what every step is given
        moved: Parametrization,  # noqa: ARG002
        rng: Generator,  # noqa: ARG002
        moment: Moment,
    ) -> dict[str, Array]:
        return {**uphill, CODE: blur(uphill[CODE], moment.between(self.start, self.end))}


@dataclass(frozen=True)
class TowardsLikelyCodes:
    """Add the pull of a denoising autoencoder: prior * (R(h) - h) + condition * gradient + noise.

    h is the code, and R(h) the code of what is drawn for it, so R(h) - h points to where codes of natural pictures lie
    (Alain and Bengio 2014). noise: standard deviation. Nguyen et al. 2017, equation 11.

    Raises SettingError where the generator has no encoder.
    """

    prior: float
    condition: float
    noise: float

    def __call__(
        self,
        uphill: dict[str, Array],
        parameters: Parameters,
        moved: Parametrization,
        rng: Generator,
        moment: Moment,  # noqa: ARG002  # what every step is given
    ) -> dict[str, Array]:
        if not isinstance(moved, GeneratorCode):
            raise SettingError(f"Only a generator's code has likely values; {type(moved).__name__} has no code.")
        code = parameters[CODE]
        pull = moved.drawer.encoded(moved.drawer.drawn(code)) - code
        noise = self.noise * rng.standard_normal(code.shape)
        total = self.prior * pull + self.condition * uphill[CODE] + noise
        return {**uphill, CODE: total.astype(code.dtype)}


@dataclass(frozen=True)
class ClippedCode:
    """Bring each number of the code into a range."""

    low: float
    high: float

    def __call__(
        self,
        parameters: dict[str, Array],
        rng: Generator,  # noqa: ARG002  # what every step is given
        moment: Moment,  # noqa: ARG002
    ) -> dict[str, Array]:
        return {**parameters, CODE: np.clip(parameters[CODE], self.low, self.high)}


@dataclass(frozen=True)
class ScaledCode:
    """Multiply the code by a factor just below 1: a pull to 0."""

    factor: float

    def __call__(
        self,
        parameters: dict[str, Array],
        rng: Generator,  # noqa: ARG002  # what every step is given
        moment: Moment,  # noqa: ARG002
    ) -> dict[str, Array]:
        return {**parameters, CODE: parameters[CODE] * np.asarray(self.factor, parameters[CODE].dtype)}


def _normalized(gradient: Array) -> Array:
    """Return gradients (N, ...) over the mean of their magnitudes, each on its own; of 0 it is 0."""
    return normalized(gradient.reshape(len(gradient), -1, 1, 1)).reshape(gradient.shape)
