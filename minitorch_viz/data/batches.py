"""Batches for training: shuffled, augmented, and made ahead in a thread, with the same bits for the same seed."""

from __future__ import annotations

import zlib
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.data.dataset import Dataset, normalized
from minitorch_viz.data.prefetch import ahead
from minitorch_viz.errors import SettingError, ShapeError, need_whole
from minitorch_viz.models.readers.preprocessing import Preprocessing

Augment: TypeAlias = Callable[[Array, Generator], Array]
Batch: TypeAlias = tuple[Array, Array]


class Batches:
    """Be the base of what gives the batches of an epoch: a function of a generator that holds its data.

    `batches(rng)` are those of one epoch, in a random order and with the augmentation that rng gives; `batches(None)`
    are the same data as they are, in their order. All that is random comes from rng, so that an epoch can be repeated.
    """

    labels: Array  # (N, ...): the answers of all images

    @abstractmethod
    def __call__(self, rng: Generator | None) -> Iterator[Batch]:
        """Yield pairs (x, labels): one pass over the data."""

    @abstractmethod
    def __len__(self) -> int:
        """Return how many batches a pass has."""

    @abstractmethod
    def first(self) -> Array:
        """Return the first image as the net takes it, (1, ...)."""

    @abstractmethod
    def describe(self) -> str:
        """Return what a checkpoint compares, so that no run is continued on other data: settings, sizes, checksums."""


@dataclass(frozen=True, eq=False)
class DatasetBatches(Batches):
    """Give batches of a `Dataset`: pairs (images, labels) of up to `batch` pictures; the last may be smaller.

    augment: one or several of `minitorch_viz.data.augment` (or your own), applied in order when there is a generator.
    preprocessing: what the net takes; images are then (n, C, H, W) float32, else uint8 as they are stored.
    shuffle: False keeps the order. prefetch: how many batches are made ahead in a thread; 0 makes each when asked for.

    A pass draws one number from its generator, at once. Every batch has a generator of its own made from it, so that
    neither the thread nor other uses of the generator change a bit. Raises SettingError for a setting that does not
    fit.
    """

    dataset: Dataset
    batch: int = 128
    augment: Augment | Iterable[Augment] = ()
    preprocessing: Preprocessing | None = None
    shuffle: bool = True
    prefetch: int = 2

    def __post_init__(self) -> None:
        if not isinstance(self.dataset, Dataset):
            raise SettingError(
                f"DatasetBatches needs a Dataset, as load_cifar10() returns two, but got {self.dataset!r:.60}."
            )
        need_whole("batch", self.batch, 1)
        need_whole("number of batches to prefetch", self.prefetch, 0)
        if isinstance(self.augment, str) or not (callable(self.augment) or isinstance(self.augment, Iterable)):
            raise SettingError(f"augment must be functions (images, rng) -> images, but is {self.augment!r:.80}.")
        steps = (self.augment,) if callable(self.augment) else tuple(self.augment)
        for step in steps:
            if not callable(step):
                raise SettingError(f"augment must be functions (images, rng) -> images, but one is {step!r:.80}.")
        object.__setattr__(self, "augment", steps)
        if self.preprocessing is not None:
            if not isinstance(self.preprocessing, Preprocessing):
                raise SettingError(
                    f"preprocessing must be a Preprocessing or None, but got {self.preprocessing!r:.80}."
                )
            normalized(self.dataset.images[:1], self.preprocessing)  # for its sentence

    @property
    def labels(self) -> Array:  # type: ignore[override]  # a property is as good as a field to read
        return self.dataset.labels

    def __len__(self) -> int:
        return -(-len(self.dataset) // self.batch)

    def __call__(self, rng: Generator | None) -> Iterator[Batch]:
        if rng is not None and not isinstance(rng, np.random.Generator):
            raise SettingError(
                f"rng must be a numpy.random.Generator, but got {rng!r}; np.random.default_rng(0) makes one."
            )
        seed = None if rng is None else int(rng.integers(2**63))
        shuffled = seed is not None and self.shuffle
        count = len(self.dataset)
        order = np.random.default_rng(seed).permutation(count) if shuffled else np.arange(count)
        starts = range(0, count, self.batch)
        make = partial(self._make, order, seed)
        return ahead(make, starts, self.prefetch) if self.prefetch else map(make, starts)

    def _make(self, order: Array, seed: int | None, start: int) -> Batch:
        indices = order[start : start + self.batch]
        images, labels = self.dataset.images[indices], self.dataset.labels[indices]
        if seed is not None:
            batch_rng = np.random.default_rng([seed, start])
            for step in self._steps:
                images = step(images, batch_rng)
        return self._as_net_takes(images), labels

    def _as_net_takes(self, images: Array) -> Array:
        return images if self.preprocessing is None else normalized(images, self.preprocessing)

    @property
    def _steps(self) -> Iterable[Augment]:
        steps: Any = self.augment  # a tuple since __post_init__
        return steps  # type: ignore[no-any-return]

    def first(self) -> Array:
        return self._as_net_takes(self.dataset.images[:1])

    def describe(self) -> str:
        steps = ", ".join(_step_name(step) for step in self._steps) or "none"
        return (
            f"{self.dataset!r}, batch {self.batch}, augment {steps}, {self.preprocessing!r}, shuffle {self.shuffle}, "
            f"checksums {checksums(self.dataset.images, self.dataset.labels)}"
        )


def batches(
    dataset: Dataset,
    batch: int,
    rng: Generator,
    augment: Augment | Iterable[Augment] = (),
    *,
    shuffle: bool = True,
    preprocessing: Preprocessing | None = None,
    prefetch: int = 2,
) -> Iterator[Batch]:
    """Yield pairs (images, labels) of one pass over the data, as `DatasetBatches` gives them."""
    if rng is None:
        raise SettingError(f"rng must be a numpy.random.Generator, but got {rng}; np.random.default_rng(0) makes one.")
    return DatasetBatches(dataset, batch, augment, preprocessing, shuffle, prefetch)(rng)


@dataclass(frozen=True, eq=False)
class ArrayBatches(Batches):
    """Give batches of two arrays, in a new random order each epoch, or in the arrays' order if rng is None.

    images (N, ...), labels (N, ...); batch: images at a time (the last batch may have fewer). augment: shift each image
    (N, C, H, W) by up to this many pixels, only when rng is given.
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
            indices = order[start : start + self.batch]
            images = self.images[indices]
            yield (images if rng is None else shifted(images, self.augment, rng)), self.labels[indices]

    def first(self) -> Array:
        return self.images[:1]

    def describe(self) -> str:
        shapes = f"images {self.images.shape} {self.images.dtype}, labels {self.labels.shape} {self.labels.dtype}"
        sums = checksums(self.images, self.labels)
        return f"{shapes}, batch {self.batch}, augment {self.augment}, checksums {sums}"


def shifted(images: Array, distance: int, rng: Generator) -> Array:
    """Move each image of (N, C, H, W) by up to `distance` pixels each way; what comes in repeats the border."""
    if distance == 0:
        return images
    padded = np.pad(images, ((0, 0), (0, 0), (distance, distance), (distance, distance)), mode="edge")
    height, width = images.shape[2:]
    moves = rng.integers(0, 2 * distance + 1, (len(images), 2))
    return np.stack([image[:, y : y + height, x : x + width] for image, (y, x) in zip(padded, moves, strict=True)])


def checksums(*arrays: Array) -> str:
    """Return one CRC-32 an array, in hexadecimal digits."""
    return " ".join(f"{zlib.crc32(np.ascontiguousarray(array).data):08x}" for array in arrays)


def _step_name(step: Any) -> str:
    """Return `flip`, or `crop(padding=2)` for a partial: the same in every process, unlike a repr with an address."""
    if isinstance(step, partial):
        settings = [repr(value) for value in step.args] + [f"{key}={value!r}" for key, value in step.keywords.items()]
        return f"{_step_name(step.func)}({', '.join(settings)})"
    return str(getattr(step, "__qualname__", type(step).__qualname__))
