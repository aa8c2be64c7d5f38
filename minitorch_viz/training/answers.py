"""What a net shall answer: one class of several, or yes or no for each of several labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.data.batches import Batch, Batches, checksums
from minitorch_viz.data.dataset import Dataset
from minitorch_viz.data.labels import as_labels
from minitorch_viz.data.mixing import MixedBatches
from minitorch_viz.errors import SettingError, near
from minitorch_viz.layers import Layer, Sigmoid, Softmax
from minitorch_viz.training.losses import BinaryCrossEntropy, Loss, SoftmaxCrossEntropy

SCORES = ("softmax", "sigmoid")


@dataclass(frozen=True, eq=False)
class Answers:
    """Say what the scores of a net are of, and which are right for the labels of a data set.

    table: None where a label is the one class that is right; else (kinds, names) of 0 and 1, the row of each label.
    """

    names: tuple[str, ...]  # one a score
    table: Array | None = None

    @property
    def layer(self) -> Layer:
        """Return what turns the scores into probabilities."""
        return Softmax() if self.table is None else Sigmoid()

    def loss(self, smoothing: float = 0.0) -> Loss:
        """Return the loss that fits. smoothing: of one right class (see `SoftmaxCrossEntropy`)."""
        return SoftmaxCrossEntropy(smoothing) if self.table is None else BinaryCrossEntropy()

    def targets(self, labels: Array) -> Array:
        """Return what the loss takes: class numbers (N,), or 0 and 1 for each name (N, names)."""
        rows: Array = labels if self.table is None else self.table[labels]
        return rows

    def batches(self, batches: Batches) -> Batches:
        """Return the same batches with targets in place of labels."""
        return batches if self.table is None else TargetBatches(batches, self.table)

    def blended(self, batches: Batches) -> Batches:
        """Return batches of blended pictures, their targets as numbers from 0 to 1; see `MixedBatches`."""
        table = np.eye(len(self.names), dtype=np.float32) if self.table is None else self.table
        return MixedBatches(TargetBatches(batches, table))

    def right(self, scores: Array, labels: Array) -> Array:
        """Return which answers (N,) are right: the highest score the class's, or every score on its side of 0."""
        if self.table is None:
            return np.asarray(scores.argmax(axis=1) == labels)
        return np.asarray(((scores > 0) == (self.targets(labels) > 0.5)).all(axis=1))


def answers_for(training: Dataset, test: Dataset, scores: str) -> tuple[Dataset, Dataset, Answers]:
    """Return the data sets as a net with such scores learns from them, and what it shall answer.

    scores: "softmax", one class of several; "sigmoid", yes or no for each label (see `as_labels`). Raises SettingError
    for other words.
    """
    if scores not in SCORES:
        raise SettingError(f"There is no kind of scores {scores!r}; {near(scores, SCORES, 'kind')}.")
    if scores == "softmax":
        return training, test, Answers(training.class_names)
    training, test, names, table = as_labels(training, test)
    return training, test, Answers(names, table)


@dataclass(frozen=True, eq=False)
class TargetBatches(Batches):
    """Give the batches of a source with rows of a table (kinds, names) in place of labels."""

    source: Batches
    table: Array

    @property
    def labels(self) -> Array:  # type: ignore[override]  # a property is as good as a field to read
        return np.asarray(self.table[self.source.labels])

    def __len__(self) -> int:
        return len(self.source)

    def __call__(self, rng: Generator | None) -> Iterator[Batch]:
        batches = self.source(rng)  # at once: a pass draws from its generator when it is asked for
        return ((x, self.table[labels]) for x, labels in batches)

    def first(self) -> Array:
        return self.source.first()

    def describe(self) -> str:
        return f"{self.source.describe()}, targets {checksums(self.table)}"
