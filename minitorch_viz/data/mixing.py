"""Blended pictures: two pictures and their answers, mixed in one proportion, so that few pictures go a longer way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.data.batches import Batch, Batches
from minitorch_viz.errors import SettingError


@dataclass(frozen=True, eq=False)
class MixedBatches(Batches):
    """Give the batches of a source, each picture blended with another of its batch, and its targets alike.

    source: batches (x, targets) whose targets are numbers from 0 to 1, one a score (N, names), such as those of
    `TargetBatches`. Of a picture and its targets the share s stays, and 1 - s is that of the other picture; s is the
    larger part of a number drawn from the beta distribution with both its parameters `concentration`: the smaller
    that is, the more pictures stay nearly as they are. Without a generator the batches are those of the source.

    Raises SettingError unless `concentration` is a number above 0. Zhang et al. 2018, "mixup: beyond empirical risk
    minimization".
    """

    source: Batches
    concentration: float = 0.4

    def __post_init__(self) -> None:
        value = self.concentration
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 < value < np.inf:
            raise SettingError(f"The concentration of blended pictures must be a number above 0, but is {value!r}.")

    @property
    def labels(self) -> Array:  # type: ignore[override]  # a property is as good as a field to read
        return self.source.labels

    def __len__(self) -> int:
        return len(self.source)

    def __call__(self, rng: Generator | None) -> Iterator[Batch]:
        batches = self.source(rng)
        if rng is None:
            return batches
        return self._mixed(batches, np.random.default_rng(int(rng.integers(2**63))))

    def _mixed(self, batches: Iterable[Batch], rng: Generator) -> Iterator[Batch]:
        for x, targets in batches:
            share = rng.beta(self.concentration, self.concentration, len(x)).astype(np.float32)
            share = np.maximum(share, 1 - share)
            partners = rng.permutation(len(x))
            yield _blend(x, share, partners), _blend(targets, share, partners)

    def first(self) -> Array:
        return self.source.first()

    def describe(self) -> str:
        return f"{self.source.describe()}, blended with concentration {self.concentration}"


def _blend(values: Array, share: Array, partners: Array) -> Array:
    """Return share * values + (1 - share) * those of the partners; share (N,)."""
    weight = share.reshape(-1, *[1] * (values.ndim - 1))
    blended: Array = weight * values + (1 - weight) * values[partners]
    return blended
