"""What all channels of a node answer over many pictures: how often which value, and which channels answer alike."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.graph import Tape, channel_axis
from minitorch_viz.techniques.tally import Tally
from minitorch_viz.techniques.workers import products_by_one_thread

if TYPE_CHECKING:
    from minitorch_viz.net import Net

# Magnitudes are counted in bins that are fixed before the first picture is seen, so that counts of any pictures add up:
# so many to a doubling, from 2**LOWEST to 2**HIGHEST.
LOWEST, HIGHEST, TO_A_DOUBLING = -16, 16, 16
MAGNITUDES = (HIGHEST - LOWEST) * TO_A_DOUBLING
SHOWN = 24  # bars of a histogram that is drawn
MOST_CORRELATED = 2048  # channels: of more the table of all pairs would not fit into memory


class Histogram(NamedTuple):
    """Hold how often a unit gave which answer."""

    counts: Array  # (b,) floats: answers in each bar
    edges: Array  # (b + 1,): of the bars


@dataclass
class Answers(Tally):
    """Count the answers of each channel at all places, and sum them up by pairs of channels."""

    node: str
    axis: int  # of the channels
    arrays: dict[str, Array] = field(default_factory=dict)

    @property
    def upto(self) -> tuple[str, ...]:
        return (self.node,)

    def see(self, tape: Tape, numbers: Array) -> None:  # noqa: ARG002 (it does not matter which pictures these are)
        for values in kernels.to_cpu(tape[self.node]):
            by_channel = np.moveaxis(values, self.axis % (values.ndim + 1) - 1, 0)
            self._add(by_channel.reshape(len(by_channel), -1))

    def merge(self, other: Self) -> None:
        if not self.arrays:
            self.arrays = {name: value.copy() for name, value in other.arrays.items()}
        elif other.arrays:
            largest = np.maximum(self.arrays["largest"], other.arrays["largest"])
            self.arrays = {name: value + other.arrays[name] for name, value in self.arrays.items()}
            self.arrays["largest"] = largest

    def result(self) -> Answers:
        """Return itself: what it holds is asked for a channel at a time."""
        return self

    def histogram(self, channel: int, bars: int = SHOWN) -> Histogram:
        """Return how often a channel gave which answer, in bars of one width from its least to its largest."""
        counts, edges = self.arrays["counts"][channel], _edges()
        filled = np.flatnonzero(counts)
        low, high = edges[filled[0]], min(edges[filled[-1] + 1], float(self.arrays["largest"][channel]))
        low = 0.0 if low < 0 <= edges[filled[0] + 1] else low  # the bin around zero
        wide = np.linspace(low, max(high, low + 2.0**LOWEST), bars + 1)
        sums = np.concatenate([[0], np.cumsum(counts)])
        parts = np.interp(wide, edges, sums)  # inside a fine bin answers are taken as spread evenly
        parts[0], parts[-1] = 0, sums[-1]
        return Histogram(np.diff(parts), wide)

    def active(self, channel: int) -> float:
        """Return the share of the places at which a channel is above zero."""
        counts = self.arrays["counts"][channel]
        return float(counts[MAGNITUDES + 1 :].sum() / max(counts.sum(), 1))

    def alike(self, channel: int) -> Array:
        """Return the correlation of a channel's answers with those of each other, place by place, (C,).

        NaN for channels that never change, for the channel itself, and where there are too many channels.
        """
        if "products" not in self.arrays:
            return np.full(len(self.arrays["sums"]), np.nan)
        count, sums, products = self.arrays["places"][0], self.arrays["sums"], self.arrays["products"]
        covariances = products[channel] / count - sums[channel] * sums / count**2
        variances = np.diagonal(products) / count - (sums / count) ** 2
        scales = np.sqrt(np.maximum(variances[channel] * variances, 0))
        changes = scales > 1e-6 * np.sqrt(np.abs(np.diagonal(products) * products[channel, channel])) / count
        correlations = np.divide(covariances, scales, out=np.full_like(sums, np.nan), where=changes)
        correlations[channel] = np.nan
        limited: Array = correlations.clip(-1, 1)
        return limited

    def _add(self, maps: Array) -> None:
        """Take in one picture's answers (C, places)."""
        channels, places = maps.shape
        if not self.arrays:
            self.arrays = {
                "counts": np.zeros((channels, 2 * MAGNITUDES + 1), np.int64),
                "largest": np.full(channels, -np.inf),
                "sums": np.zeros(channels),
                "places": np.zeros(1, np.int64),
            }
            if channels <= MOST_CORRELATED:
                self.arrays["products"] = np.zeros((channels, channels))
        bins = _bins(maps) + np.arange(channels)[:, None] * (2 * MAGNITUDES + 1)
        counts = np.bincount(bins.ravel(), minlength=self.arrays["counts"].size)
        self.arrays["counts"] += counts.reshape(channels, -1)
        self.arrays["largest"] = np.maximum(self.arrays["largest"], maps.max(axis=1))
        self.arrays["sums"] += maps.sum(axis=1, dtype=np.float64)
        self.arrays["places"] = self.arrays["places"] + places
        if "products" in self.arrays:
            with products_by_one_thread:  # so that the bits do not depend on the number of threads
                self.arrays["products"] += maps @ maps.T


def answers_of(net: Net, node: str) -> Answers:
    """Return an empty tally of a node's answers."""
    return Answers(node, channel_axis(net.nodes, node))


def _bins(values: Array) -> Array:
    """Return the number of the bin of each value, from the most negative to the largest; MAGNITUDES is zero's."""
    tiny = 2.0**LOWEST
    steps = np.log2(np.maximum(np.abs(values), tiny), dtype=np.float32) - LOWEST
    numbers = np.minimum((steps * TO_A_DOUBLING).astype(np.int64), MAGNITUDES - 1) + 1
    bins: Array = np.where(np.abs(values) < tiny, 0, np.where(values < 0, -numbers, numbers)) + MAGNITUDES
    return bins


def _edges() -> Array:
    """Return the edges of all bins, one more than there are."""
    above = 2.0 ** (LOWEST + np.arange(MAGNITUDES + 1) / TO_A_DOUBLING)
    return np.concatenate([-above[::-1], above])
