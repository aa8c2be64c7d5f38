"""Transforms one after another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from minitorch_viz._types import Generator, Pair
from minitorch_viz.errors import SettingError
from minitorch_viz.optimize.maps import Chain, LinearMap
from minitorch_viz.optimize.transforms.base import Transform
from minitorch_viz.optimize.transforms.crop import Crop
from minitorch_viz.optimize.transforms.jitter import Jitter
from minitorch_viz.optimize.transforms.noise import Noise
from minitorch_viz.optimize.transforms.pad import Pad
from minitorch_viz.optimize.transforms.resize import Resize
from minitorch_viz.optimize.transforms.rotate import Rotate
from minitorch_viz.optimize.transforms.scale import Scale


@dataclass(frozen=True)
class Composed(Transform):
    """Draw each transform for the size that the one before leaves, and apply them in this order."""

    transforms: tuple[Transform, ...]

    def __post_init__(self) -> None:
        if not self.transforms:
            raise SettingError("A composition needs at least one transform; Jitter(0) leaves a picture as it is.")

    def draw(self, rng: Generator, size: Pair) -> LinearMap:
        maps = []
        for transform in self.transforms:
            maps.append(transform.draw(rng, size))
            size = maps[-1].size
        return Chain(tuple(maps))

    @classmethod
    def examples(cls) -> list[Self]:
        lucid = (Pad(2), Jitter(3), Scale(), Rotate(), Jitter(1))
        return [cls((*lucid, Resize((8, 6)))), cls((Crop((7, 7)), Noise())), cls((Jitter(1),))]
