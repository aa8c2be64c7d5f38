"""Candidates of differential evolution: numbers that say which places of a picture change, and to what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.optimize.attacks.box import Box

SPREAD = 127 / 255  # of the first values about the middle, as a share of the range: the paper's N(128, 127)


class Dots(NamedTuple):
    """Hold where S candidates change a picture, and to what."""

    places: Array  # (S, count, axes) int: (row, column) of pictures
    values: Array  # (S, count, channels)


@dataclass(frozen=True, eq=False)
class Genes:
    """Lay out a candidate: for each place that changes its position along every axis, then its values.

    A picture (C, H, W) has the axes (row, column) and C values a place; of rows (D,) and series (T, D) a place is a
    single number.
    """

    box: Box
    axes: tuple[int, ...]  # how many positions there are along each
    channels: int
    count: int  # places that change

    @classmethod
    def of(cls, box: Box, shape: tuple[int, ...], count: int) -> Self:
        """Return the layout for pictures or numbers of a shape, of which `count` places change."""
        return cls(box, shape[1:], shape[0], count) if len(shape) == 3 else cls(box, shape, 1, count)

    @property
    def places(self) -> int:
        """Return how many places there are."""
        return int(np.prod(self.axes))

    @property
    def bounds(self) -> list[tuple[float, float]]:
        """Return the least and the largest of each number of a candidate."""
        place = [(0.0, float(size)) for size in self.axes] + self.channels * [(self.box.low, self.box.high)]
        return self.count * place

    def start(self, rng: Generator, population: int) -> Array:
        """Return the first candidates (S, P): places anywhere, values about the middle of the range."""
        shape = (population, self.count)
        places = rng.uniform(0, self.axes, (*shape, len(self.axes)))
        middle = (self.box.low + self.box.high) / 2
        values = self.box.clip(rng.normal(middle, SPREAD * self.box.span, (*shape, self.channels)))
        return np.concatenate([places, values], axis=2).reshape(population, -1)

    def dots(self, candidates: Array) -> Dots:
        """Return what candidates (S, P) stand for; of pictures the values are whole numbers, as a file keeps them."""
        each = candidates.reshape(len(candidates), self.count, -1)
        places = np.minimum(each[..., : len(self.axes)].astype(np.int64), np.array(self.axes) - 1)
        return Dots(places, self.box.rounded(each[..., len(self.axes) :]))

    def put(self, clean: Array, dots: Dots) -> Array:
        """Return the pictures (S, ...) that a clean one (...) becomes; where places meet, the last one counts."""
        pictures = np.repeat(clean[None], len(dots.places), axis=0)
        for number in range(self.count):
            place = tuple(dots.places[:, number].T)
            if clean.ndim == 3:
                pictures[np.arange(len(pictures)), :, place[0], place[1]] = dots.values[:, number]
            else:
                pictures[(np.arange(len(pictures)), *place)] = dots.values[:, number, 0]
        return pictures
