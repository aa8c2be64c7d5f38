"""What `fit` takes as data: two arrays, a source such as DatasetBatches, a list of batches, or a function."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.data.batches import ArrayBatches, Batches
from minitorch_viz.data.dataset import Dataset
from minitorch_viz.errors import SettingError, ShapeError, need_whole
from minitorch_viz.net import Net
from minitorch_viz.training.losses import Loss

Batch: TypeAlias = tuple[Any, Array]  # (x as Net.forward takes it, targets)
# What an epoch is made of: a function of a generator (None: no shuffling, nothing random), or the batches themselves.
# `Batches` is such a function that also holds its data.
Source: TypeAlias = Callable[[Generator | None], Iterable[Batch]] | Iterable[Batch]


def as_source(data: Any, labels: Array | None, batch: int, augment: int, argument: str) -> Source:
    """Return two arrays as ArrayBatches, a function or a list of batches as it is; else raise a sentence."""
    if isinstance(data, Dataset):
        raise ShapeError(
            f"{argument}: a Dataset holds pictures as they are stored; DatasetBatches(dataset, 128, preprocessing=...) "
            f"makes batches of it."
        )
    if labels is not None or isinstance(data, np.ndarray):
        if isinstance(data, Batches):
            raise ShapeError(f"{argument}: {type(data).__name__} brings its own labels; leave labels out.")
        if labels is None:
            raise ShapeError(f"{argument}: images came as an array, so their labels are needed too.")
        return ArrayBatches(data, labels, batch, augment)
    need_whole("batch", batch, 1)
    if need_whole("augment", augment, 0):
        raise SettingError(
            f"{argument}: augment shifts images given as an array; your own batches come as they should be."
        )
    if isinstance(data, Iterator):
        raise SettingError(
            f"{argument}: a {type(data).__name__} gives its batches only once, but every epoch needs them; give a "
            f"list of batches, or a function of a generator that returns them."
        )
    if isinstance(data, (str, bytes, Mapping)) or not (callable(data) or isinstance(data, Iterable)):
        raise ShapeError(
            f"{argument} must be images and labels as two arrays, a list of batches (x, targets), or a function of a "
            f"generator that returns them, but got {data!r:.60}."
        )
    source: Source = data
    return source


def batches_of(source: Source, rng: Generator | None) -> Iterator[Batch]:
    """Yield the batches of one epoch, each checked to be a pair (x, targets)."""
    for batch in source(rng) if callable(source) else source:
        if not isinstance(batch, (tuple, list)) or len(batch) != 2 or not hasattr(batch[1], "shape"):
            raise ShapeError(f"A batch must be a pair (x, targets) of arrays, but got {batch!r:.60}.")
        yield batch[0], batch[1]


def describe(source: Source) -> str:
    """Return what is known of the data, for comparing a checkpoint's with these."""
    own = getattr(source, "describe", None)
    return str(own()) if callable(own) else f"batches from a {type(source).__name__}"


def check_targets(net: Net, source: Batches, loss: Loss, output: str) -> None:
    """Raise the loss's sentence for labels that do not fit, before the first step and for all of them."""
    with np.errstate(all="ignore"):  # whether the numbers are finite is asked in the first step
        y = net.predict(source.first(), upto=output)
        for start in range(0, len(source.labels), 256):
            labels = source.labels[start : start + 256]
            loss(np.broadcast_to(y, (len(labels), *y.shape[1:])), labels)
