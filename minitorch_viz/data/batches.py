"""Batches of a data set: shuffled, augmented, and made ahead in a thread, with the same bits for the same seed."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.data.dataset import Dataset, normalized
from minitorch_viz.errors import SettingError, need_whole
from minitorch_viz.models.preprocessing import Preprocessing

Augment: TypeAlias = Callable[[Array, Generator], Array]
Batch: TypeAlias = tuple[Array, Array]


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
    """One pass over the data: pairs (images, labels) of up to `batch` pictures; the last may be smaller.

    augment: one or several of `minitorch_viz.data.augment` (or your own), applied in order.
    preprocessing: what the net wants; images are then (n, C, H, W) float32, else uint8 as they are stored.
    prefetch: so many batches are made ahead in a thread; 0 makes each when it is asked for.

    One number is drawn from `rng`, at once. Every batch has a generator of its own made from it, so that neither the
    thread nor other uses of `rng` change a bit. Raises SettingError for a setting that does not fit.
    """
    need_whole("batch", batch, 1)
    need_whole("number of batches to prefetch", prefetch, 0)
    if not isinstance(rng, np.random.Generator):
        raise SettingError(
            f"rng must be a numpy.random.Generator, but got {rng!r}; np.random.default_rng(0) makes one."
        )
    steps: list[Any] = [augment] if callable(augment) else list(augment)
    for step in steps:
        if not callable(step):
            raise SettingError(f"augment must be functions (images, rng) -> images, but one is {step!r:.80}.")
    seed = int(rng.integers(2**63))
    order = np.random.default_rng(seed).permutation(len(dataset)) if shuffle else np.arange(len(dataset))

    def make(start: int) -> Batch:
        some = order[start : start + batch]
        images, labels = dataset.images[some], dataset.labels[some]
        own = np.random.default_rng([seed, start])
        for step in steps:
            images = step(images, own)
        return (images if preprocessing is None else normalized(images, preprocessing)), labels

    starts = range(0, len(dataset), batch)
    return ahead(make, starts, prefetch) if prefetch else map(make, starts)


def ahead(make: Callable[[Any], Any], items: Iterable[Any], count: int) -> Iterator[Any]:
    """`make(item)` for each item in order, up to `count` of them made ahead in a thread.

    An error in `make` is raised here, at its place. The thread ends with the iterator, also when it is dropped early.
    """
    made: queue.Queue[tuple[Any, BaseException | None] | None] = queue.Queue(count)
    stopped = threading.Event()

    def put(entry: tuple[Any, BaseException | None] | None) -> None:
        while not stopped.is_set():
            try:
                return made.put(entry, timeout=0.1)
            except queue.Full:
                continue

    def work() -> None:
        try:
            for item in items:
                put((make(item), None))
                if stopped.is_set():
                    return
            put(None)
        except BaseException as error:  # whatever it is, it belongs to the thread that asked
            put((None, error))

    thread = threading.Thread(target=work, name="prefetch", daemon=True)
    thread.start()
    try:
        while (entry := made.get()) is not None:
            value, error = entry
            if error is not None:
                raise error
            yield value
    finally:
        stopped.set()
        thread.join()
