"""Samples from each tenth of a unit's answers, from the pictures that leave it cold to those that excite it."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.errors import need_whole
from minitorch_viz.graph import Tape
from minitorch_viz.techniques.explain.strongest import by_channel, rows_and_columns, strongest_places
from minitorch_viz.techniques.tally import Tally

SAMPLE = 1000  # pictures that are kept at most
TENTHS = 10


class Spread(NamedTuple):
    """Hold each channel's strongest answer in each of S pictures, the pictures in the order of their numbers."""

    values: Array  # (S, C) floats; -inf where it is not finite
    numbers: Array  # (S,) int64
    rows: Array  # (S, C)
    columns: Array  # (S, C)

    def tenth(self, channel: int, tenth: int, count: int) -> Array:
        """Return `count` pictures out of a tenth of a channel's answers, as indices of S, the strongest first.

        tenth: 1 is the weakest, 10 the strongest. They are spread evenly over it, from its middle outwards: fewer where
        a tenth has fewer pictures. Equal answers are in the order of their pictures.
        """
        order = np.argsort(self.values[:, channel], kind="stable")
        total = len(order)
        members = order[(tenth - 1) * total // TENTHS : tenth * total // TENTHS][::-1]
        count = min(count, len(members))
        return members[((np.arange(count) + 0.5) * len(members) / max(count, 1)).astype(np.int64)]


def sampling_error(count: int) -> float:
    """Return how far a border between tenths of a sample may be off, as a share of all pictures, with 95 % certainty.

    It is the bound of Dvoretzky, Kiefer and Wolfowitz (Massart 1990). Where all pictures were kept there is no error.
    """
    return float(np.sqrt(np.log(2 / 0.05) / (2 * count)))


class Sampled(Tally):
    """Keep each channel's strongest answer in a random sample of the pictures: all of them, as long as they fit.

    Which pictures are drawn is decided by a hash of their numbers: those with the lowest stay. So any order, number of
    workers and way of merging gives the same sample, and memory is that of the sample.

    node, axis: as of `Strongest`. size: pictures at most. seed: another one draws others.
    """

    def __init__(self, node: str, size: int = SAMPLE, *, axis: int = 1, seed: int = 0) -> None:
        self.node = node
        self.size = need_whole("size of the sample", size, TENTHS)
        self.axis = axis
        self.seed = need_whole("seed", seed, 0)
        self.arrays: dict[str, Array] = {}

    @property
    def upto(self) -> tuple[str, ...]:
        return (self.node,)

    def see(self, tape: Tape, numbers: Array) -> None:
        maps = by_channel(kernels.to_cpu(tape[self.node]), self.axis)
        values, places, _ = strongest_places(maps.reshape(*maps.shape[:2], -1), 1)
        rows, columns = rows_and_columns(places, maps.shape[2:])
        places_kept = {"rows": rows[..., 0].astype(np.int32), "columns": columns[..., 0].astype(np.int32)}
        self._keep({"hashes": hashes(numbers, self.seed), "numbers": numbers, "values": values[..., 0], **places_kept})

    def merge(self, other: Self) -> None:
        if other.arrays:
            self._keep(other.arrays)

    def _keep(self, later: dict[str, Array]) -> None:
        if self.arrays:
            later = {name: np.concatenate([self.arrays[name], value]) for name, value in later.items()}
        if len(later["numbers"]) > self.size:
            lowest = np.sort(np.argsort(later["hashes"], kind="stable")[: self.size])
            later = {name: value[lowest] for name, value in later.items()}
        self.arrays = dict(later)

    def result(self) -> Spread:
        """Return the sample."""
        return Spread(*(self.arrays[name] for name in Spread._fields))


def hashes(numbers: Array, seed: int) -> Array:
    """Return a whole number for each, (N,) uint64, that looks drawn at random: SplitMix64 (Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        mixed = (numbers.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        mixed += np.uint64(seed) * np.uint64(0xD1B54A32D192ED03)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return mixed ^ (mixed >> np.uint64(31))
