"""Add noise to a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from minitorch_viz._types import Array, Generator, Pair
from minitorch_viz.layers.fields import NumberField
from minitorch_viz.optimize.maps import LinearMap, SameSize
from minitorch_viz.optimize.transforms.base import Transform


@dataclass(frozen=True)
class Noise(Transform):
    """Add a normal number of standard deviation `normal`, and one drawn evenly from -even..even, to each value.

    normal, even: in steps of 0..255. Paper: MaCo, Fel et al. 2023: 0.08 and 0.04 of the range, 20.4 and 10.2.
    """

    normal: NumberField = NumberField(20.4, least=0)
    even: NumberField = NumberField(0.0, least=0)

    def draw(self, rng: Generator, size: Pair) -> LinearMap:
        return Shifted(size, self, int(rng.integers(2**63)))

    @classmethod
    def examples(cls) -> list[Self]:
        return [cls(), cls(20.4, 10.2), cls(0, 1), cls(0)]


@dataclass(frozen=True, eq=False)
class Shifted(SameSize):
    """Add the noise of a seed, the same each time: x + b. Its gradient is that of the identity.

    Every picture of the batch gets noise of its own.
    """

    noise: Noise
    seed: int

    def forward(self, x: Array) -> Array:
        rng = np.random.default_rng(self.seed)
        normal = self.noise.normal * rng.standard_normal(x.shape)
        noisy: Array = x + (normal + self.noise.even * rng.uniform(-1, 1, x.shape)).astype(x.dtype)
        return noisy

    def adjoint(self, dy: Array) -> Array:
        return dy
