"""Facets: how the pictures that excite one unit fall into groups, by the codes that the net gives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.errors import DataFileError, SettingError
from minitorch_viz.graph import Tape
from minitorch_viz.objectives import Objective
from minitorch_viz.techniques.activations._tsne_map import embedded, first_two, reduced
from minitorch_viz.techniques.tally import Tally

FEWEST = 13  # pictures on a map by t-SNE: each then has four neighbours that count
USUAL = 30  # perplexity


@dataclass
class Values(Tally):
    """Keep what is climbed for each picture: `numbers` (n,) and `values` (n,)."""

    objective: Objective
    arrays: dict[str, Array] = field(default_factory=dict)

    @property
    def upto(self) -> tuple[str, ...]:
        return self.objective.nodes

    @property
    def settings(self) -> str:
        return self.objective.label

    def see(self, tape: Tape, numbers: Array) -> None:
        values = kernels.to_cpu(self.objective.value(tape)).astype(np.float64)
        self.merge(type(self)(self.objective, {"numbers": numbers, "values": values}))

    def merge(self, other: Self) -> None:
        if not self.arrays or not other.arrays:
            self.arrays = dict(self.arrays or other.arrays)
            return
        self.arrays = {name: np.concatenate([value, other.arrays[name]]) for name, value in self.arrays.items()}


class Facets(NamedTuple):
    """Hold the pictures that were grouped, and the groups, the largest first."""

    numbers: Array  # (n,) int64: of the pictures, the highest value first
    values: Array  # (n,): what is climbed
    places: Array  # (n, 2): on the map
    groups: Array  # (n,) int64: the facet of each, 0 .. k - 1
    nearest: Array  # (k, m) int64: numbers of the pictures nearest to each facet's centre; -1 where it has fewer

    @property
    def counts(self) -> Array:
        """Return how many pictures each facet has, (k,)."""
        return np.bincount(self.groups, minlength=len(self.nearest))

    def members(self, facet: int) -> list[int]:
        """Return the numbers of the pictures whose mean a facet starts from, the nearest to its centre first."""
        return [int(number) for number in self.nearest[facet] if number >= 0]

    @classmethod
    def of(cls, arrays: Mapping[str, Array]) -> Self:
        """Return the facets that a state holds. Raises KeyError where a part is missing."""
        return cls(**{name: arrays[name] for name in cls._fields})


def grouped(numbers: Array, values: Array, codes: Array, facets: int, nearest: int, seed: int) -> Facets:
    """Return the facets of n pictures with codes (n, d): 50 principal components, a map by t-SNE, and on it k-means.

    As in the paper; on so few pictures that a map means nothing (below 13) it is their first two components.
    nearest: pictures of each facet whose mean is taken. Raises SettingError if there are fewer pictures than facets.
    """
    if len(numbers) < facets:
        raise SettingError(f"{facets} facets need as many pictures, but there are {len(numbers)}; give more pictures.")
    if len(np.unique(codes, axis=0)) < facets:
        raise SettingError(f"{facets} facets need pictures that differ, but many have one code; take fewer facets.")
    points = reduced(codes, seed).points
    places = embedded(points, min(USUAL, (len(points) - 1) // 3), seed) if len(points) >= FEWEST else first_two(points)
    groups, centres = _by_means(places, facets, seed)
    table = np.full((facets, nearest), -1, np.int64)
    for facet, centre in enumerate(centres):
        members = np.flatnonzero(groups == facet)
        distances = np.linalg.norm(places[members] - centre, axis=1)
        chosen = numbers[members[np.argsort(distances, kind="stable")]][:nearest]
        table[facet, : len(chosen)] = chosen
    return Facets(numbers, values, places, groups, table)


def _by_means(places: Array, count: int, seed: int) -> tuple[Array, Array]:
    """Return the group of each place (n, 2) and the groups' centres (k, 2), the largest group first."""
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # several threads would add in an order of their own
        means = KMeans(count, n_init=10, random_state=seed).fit(places)
    order = np.argsort(-np.bincount(means.labels_, minlength=count), kind="stable")
    rank = np.argsort(order)
    return rank[means.labels_].astype(np.int64), means.cluster_centers_[order]


def chosen_pictures(values: Array, labels: Any, wanted: int | None, least: int, most: int) -> Array:
    """Return the places of the pictures that are grouped, the highest value first, at most `most`.

    values (n,) of all pictures; labels (n,) of them, or None; wanted: the class that is climbed, None if it is none.
    Of a class with at least `least` labelled pictures only these count. Raises DataFileError where none is finite.
    """
    is_candidate = np.isfinite(values)
    if labels is not None and wanted is not None and (is_candidate & (labels == wanted)).sum() >= least:
        is_candidate &= labels == wanted
    order = np.argsort(-np.where(is_candidate, values, -np.inf), kind="stable")
    chosen = order[: min(most, int(is_candidate.sum()))]
    if not len(chosen):
        raise DataFileError("None of the pictures gives a finite value of what is climbed.")
    return chosen
