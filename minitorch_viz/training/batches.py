"""Where the batches come from: two arrays, a list of batches, or a function that gives new ones each epoch."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.errors import SettingError, ShapeError, need_whole
from minitorch_viz.net import Net
from minitorch_viz.training.losses import Loss

Batch: TypeAlias = tuple[Any, Array]  # (x as Net.forward takes it, targets)
# What an epoch is made of: a function of a generator (None: no shuffling, nothing random), or the batches themselves.
Batches: TypeAlias = Callable[[Generator | None], Iterable[Batch]] | Iterable[Batch]


@dataclass(frozen=True, eq=False)
class ArrayBatches:
    """Batches of two arrays, in a new random order each epoch, or in the arrays' order if rng is None.

    images (N, ...), labels (N, ...); batch: images at a time (the last batch may have fewer). augment: shift each image
    (N, C, H, W) by up to so many pixels, only when rng is given.
    """

    images: Array
    labels: Array
    batch: int = 64
    augment: int = 0

    def __post_init__(self) -> None:
        for name in ("images", "labels"):
            if not isinstance(getattr(self, name), np.ndarray):
                raise ShapeError(f"{name} must be an array, but got a {type(getattr(self, name)).__name__}.")
        if self.images.ndim < 2 or len(self.images) == 0:
            raise ShapeError(
                f"images must be a batch such as (N, C, H, W) of at least one, but have shape {self.images.shape}."
            )
        if self.labels.shape[:1] != self.images.shape[:1]:
            raise ShapeError(
                f"There must be one label an image, {len(self.images)} in all, but labels have shape "
                f"{self.labels.shape}."
            )
        need_whole("batch", self.batch, 1)
        if need_whole("augment", self.augment, 0) and self.images.ndim != 4:
            raise ShapeError(f"Only images (N, C, H, W) can be shifted, but these have shape {self.images.shape}.")

    def __len__(self) -> int:
        return -(-len(self.images) // self.batch)

    def __call__(self, rng: Generator | None) -> Iterator[Batch]:
        order = np.arange(len(self.images)) if rng is None else rng.permutation(len(self.images))
        for start in range(0, len(order), self.batch):
            some = order[start : start + self.batch]
            images = self.images[some]
            yield (images if rng is None else shifted(images, self.augment, rng)), self.labels[some]

    def describe(self) -> str:
        """What a checkpoint compares, so that no run is continued on other data."""
        sums = [zlib.crc32(np.ascontiguousarray(array).data) for array in (self.images, self.labels)]
        shapes = f"images {self.images.shape} {self.images.dtype}, labels {self.labels.shape} {self.labels.dtype}"
        return f"{shapes}, batch {self.batch}, augment {self.augment}, checksums {sums[0]:08x} {sums[1]:08x}"


def as_batches(data: Any, labels: Array | None, batch: int, augment: int, what: str) -> Batches:
    """Two arrays as ArrayBatches; a function or a list of batches as it is; else a sentence."""
    if labels is not None or isinstance(data, np.ndarray):
        if labels is None:
            raise ShapeError(f"{what}: images came as an array, so their labels are needed too.")
        return ArrayBatches(data, labels, batch, augment)
    need_whole("batch", batch, 1)
    if need_whole("augment", augment, 0):
        raise SettingError(f"{what}: augment shifts images given as an array; your own batches come as they should be.")
    if isinstance(data, Iterator):
        raise SettingError(
            f"{what}: a {type(data).__name__} gives its batches only once, but every epoch needs them; give a list of "
            f"batches, or a function of a generator that returns them."
        )
    if isinstance(data, (str, bytes, Mapping)) or not (callable(data) or isinstance(data, Iterable)):
        raise ShapeError(
            f"{what} must be images and labels as two arrays, a list of batches (x, targets), or a function of a "
            f"generator that returns them, but got {data!r:.60}."
        )
    found: Batches = data
    return found


def batches_of(source: Batches, rng: Generator | None) -> Iterator[Batch]:
    """The batches of one epoch, each checked to be a pair (x, targets)."""
    for batch in source(rng) if callable(source) else source:
        if not isinstance(batch, (tuple, list)) or len(batch) != 2 or not hasattr(batch[1], "shape"):
            raise ShapeError(f"A batch must be a pair (x, targets) of arrays, but got {batch!r:.60}.")
        yield batch[0], batch[1]


def batch_count(source: Batches) -> int | None:
    """How many batches an epoch has, if that can be known before it."""
    return len(source) if isinstance(source, Sized) else None


def describe(source: Batches) -> str:
    """What is known of the data, for comparing a checkpoint's with these."""
    return source.describe() if isinstance(source, ArrayBatches) else f"batches from a {type(source).__name__}"


def check_targets(net: Net, source: ArrayBatches, loss: Loss, output: str) -> None:
    """Raise the loss's sentence for labels that do not fit, before the first step and for all of them."""
    with np.errstate(all="ignore"):  # whether the numbers are finite is asked in the first step
        y = net.predict(source.images[:1], upto=output)
        for start in range(0, len(source.labels), 256):
            labels = source.labels[start : start + 256]
            loss(np.broadcast_to(y, (len(labels), *y.shape[1:])), labels)


def shifted(images: Array, most: int, rng: Generator) -> Array:
    """(N, C, H, W), each image moved by up to `most` pixels each way; what comes in repeats the border."""
    if most == 0:
        return images
    padded = np.pad(images, ((0, 0), (0, 0), (most, most), (most, most)), mode="edge")
    height, width = images.shape[2:]
    moves = rng.integers(0, 2 * most + 1, (len(images), 2))
    return np.stack([one[:, y : y + height, x : x + width] for one, (y, x) in zip(padded, moves, strict=True)])
