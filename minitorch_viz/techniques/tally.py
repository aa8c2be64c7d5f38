"""Tallies: what is counted or kept while many pictures go through a net, each once.

A tally reads some nodes of the tape and keeps numbers and places, never pixels. `tallied` makes the forward passes,
once for all tallies of a pass, over shards of picture numbers that are cut before anything is read and merged in
order: any number of workers, a run that was stopped and continued, and a cluster give the bits of one pass.
"""

from __future__ import annotations

import contextlib
import copy
import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.data.pictures import Pictures
from minitorch_viz.data.prefetch import ahead
from minitorch_viz.errors import ImageFileError, need_whole
from minitorch_viz.graph import Tape
from minitorch_viz.techniques.state import Identity, State, going_on, net_fingerprint
from minitorch_viz.techniques.workers import products_by_one_thread, spread

if TYPE_CHECKING:
    from minitorch_viz.models import Model

BATCH = 16  # pictures a forward pass
BATCHES = 4  # forward passes a shard


class Tally:
    """Keep something of the pictures seen so far. It begins empty, and what it holds is in `arrays`.

    A subclass is given its settings at the start, fills `arrays` in `see`, and joins those of another in `merge`. The
    order of the pictures is that of their numbers: `merge` gets the tally of later pictures. Ties go to the lower
    number.
    """

    arrays: dict[str, Array]  # all that it has kept: what a checkpoint holds and a worker sends back
    goes_back: ClassVar[bool] = False  # whether it needs a backward pass: then `see_back` is called instead of `see`

    @property
    def upto(self) -> tuple[str, ...]:
        """Return the nodes that it reads."""
        raise NotImplementedError

    def see(self, tape: Tape, numbers: Array) -> None:
        """Take in the pictures `numbers` (N,), which went through the net in the rows of `tape`."""
        raise NotImplementedError

    def see_back(self, model: Model, tape: Tape, numbers: Array) -> None:
        """Take in the pictures `numbers` (N,) of a tape that holds all that a backward pass needs.

        A row of the tape whose picture could not be read has the number -1, and counts for nothing.
        """
        raise NotImplementedError

    def merge(self, other: Self) -> None:
        """Take in what another tally with the same settings has kept, of later pictures.

        Puts new arrays in the place of the old ones and never writes into those: the result before still holds them.
        """
        raise NotImplementedError

    def result(self) -> Any:
        """Return what has been learned."""
        raise NotImplementedError

    @property
    def settings(self) -> str:
        """Return the settings in words: a file that keeps a run with others is refused."""
        settings = {name: value for name, value in vars(self).items() if name != "arrays"}
        return json.dumps(settings, default=str, sort_keys=True)


@dataclass(frozen=True)
class Skipped:
    """Name a picture that could not be read."""

    number: int
    title: str
    why: str


def left_out(skipped: Sequence[Skipped]) -> tuple[str, ...]:
    """Return a result's notes: which pictures could not be read, or none."""
    titles = "; ".join(picture.title for picture in skipped[:5]) + ("; ..." if len(skipped) > 5 else "")
    count = len(skipped)
    subject, verb = ("1 picture", "was") if count == 1 else (f"{count} pictures", "were")
    return (f"{subject} could not be read and {verb} left out: {titles}.",) if count else ()


@dataclass(frozen=True)
class Tallied:
    """Hold the tallies after `done` of `total` pictures."""

    tallies: tuple[Tally, ...]
    done: int
    total: int
    skipped: tuple[Skipped, ...]  # their places stay empty

    @property
    def state(self) -> State:
        """Return what another run goes on from: `tallied(..., state=)`."""
        arrays = {
            f"{index}/{name}": value for index, tally in enumerate(self.tallies) for name, value in tally.arrays.items()
        }
        skipped = [[picture.number, picture.title, picture.why] for picture in self.skipped]
        return State(arrays, {"done": self.done, "skipped": skipped})


def tallied(
    model: Model,
    pictures: Pictures,
    tallies: Sequence[Tally],
    *,
    batch: int = BATCH,
    workers: int = 1,
    state: State | None = None,
    checkpoint: str | Path | None = None,
) -> Iterator[Tallied]:
    """Yield the tallies, merged so far, after each shard of pictures: a loop of whole results.

    tallies: empty ones. They are left as they are; those that are yielded are others.
    batch: pictures a forward pass. It is part of the settings: another gives other last bits.
    workers: processes; 1 is this one. Which processes, or a cluster, says `joblib.parallel_config`:
        `with joblib.parallel_config(backend="dask"):` sends the net and a shard's numbers to Dask's workers, which read
        the pictures themselves, from paths that they all know.
    state: that of a `Tallied` of the same net, pictures and settings; the loop goes on from it.
    checkpoint: a file that keeps the state; a run with the same net, pictures and settings goes on from it.

    Raises SettingError if a setting does not fit or the file belongs to another run, WeightsFileError if it is damaged,
    NetError for an unknown node.
    """
    need_whole("batch", batch, 1)
    need_whole("workers", workers, 1)
    run = _Run(model, pictures, copy.deepcopy(tuple(tallies)), batch)
    if checkpoint is None:
        yield from _tallied(run, workers, state)
    else:
        yield from going_on(lambda state: _tallied(run, workers, state), checkpoint, run.identity)


def _tallied(run: _Run, workers: int, state: State | None) -> Iterator[Tallied]:
    total, shard = len(run.pictures), run.batch * BATCHES
    newest = _begin(run, state)
    begins = range(newest.done, total, shard)
    for begin, (parts, broken) in zip(begins, spread(run.shard, begins, workers), strict=True):
        merged = tuple(copy.copy(tally) for tally in newest.tallies)
        for tally, part in zip(merged, parts, strict=True):
            tally.arrays = dict(tally.arrays)
            tally.merge(part)
            for array in tally.arrays.values():
                array.flags.writeable = False  # a merge that wrote into them would change what was yielded before
        newest = Tallied(merged, min(begin + shard, total), total, (*newest.skipped, *broken))
        yield newest
    if not begins:  # there was nothing left to do
        yield newest


def _begin(run: _Run, state: State | None) -> Tallied:
    """Return where a state left off: the tallies of the pictures that were seen."""
    tallies = copy.deepcopy(run.empty)
    if state is None:
        return Tallied(tallies, 0, len(run.pictures), ())
    for index, tally in enumerate(tallies):
        prefix = f"{index}/"
        tally_arrays = {name: value for name, value in state.arrays.items() if name.startswith(prefix)}
        tally.arrays = {name.removeprefix(prefix): value for name, value in tally_arrays.items()}
    skipped = tuple(Skipped(int(number), str(title), str(why)) for number, title, why in state.numbers["skipped"])
    return Tallied(tallies, int(state.numbers["done"]), len(run.pictures), skipped)


@dataclass(frozen=True)
class _Run:
    """Hold what a worker needs."""

    model: Model
    pictures: Pictures
    empty: tuple[Tally, ...]
    batch: int

    @property
    def identity(self) -> Identity:
        """Return what must be the same for a file to be gone on from."""
        settings = {f"{type(tally).__name__} {index}": tally.settings for index, tally in enumerate(self.empty)}
        settings["batch"] = str(self.batch)
        return Identity("a tally", net_fingerprint(self.model), "pictures", self.pictures.fingerprint, settings)

    def shard(self, begin: int) -> Shard:
        """Return the tallies of one shard of pictures, and those that could not be read."""
        tallies, skipped = copy.deepcopy(self.empty), list[Skipped]()
        nodes = tuple(dict.fromkeys(node for tally in tallies for node in tally.upto))
        back = [tally for tally in tallies if tally.goes_back]
        firsts = range(begin, min(begin + self.batch * BATCHES, len(self.pictures)), self.batch)
        batches = itertools.chain.from_iterable(map(of_one_size, self._read(firsts)))
        for numbers, inputs, broken in batches:
            skipped += broken
            with _products_by_one_thread():
                tape = _forward(self.model, inputs, nodes, fuse=not back)
                if tape is None:
                    continue
                # A broken picture's place went through the net empty, so that no other's bits change.
                is_read = np.array([image is not None for image in inputs])
                for tally in back:
                    tally.see_back(self.model, tape, np.where(is_read, numbers, -1))
            if not is_read.all():
                tape = Tape({name: tape[name][is_read] for name in nodes}, {})
            for tally in tallies:
                if not tally.goes_back:
                    tally.see(tape, numbers[is_read])
        return tallies, tuple(skipped)

    def _read(self, firsts: range) -> Iterator[Batch]:
        """Yield batches of pictures as the net takes them; with several threads the next one is read meanwhile."""
        if kernels.get_threads() == 1 or len(firsts) == 1:
            yield from map(self._batch, firsts)
        else:
            with contextlib.closing(ahead(self._batch, firsts, 1)) as batches:
                yield from batches

    def _batch(self, first: int) -> Batch:
        """Read the pictures of one forward pass."""
        numbers = np.arange(first, min(first + self.batch, len(self.pictures)))
        inputs: list[Array | None] = []
        broken = []
        for number in numbers.tolist():
            try:
                inputs.append(self.model.preprocess(self.pictures[number]))
            except ImageFileError as error:
                inputs.append(None)
                broken.append(Skipped(number, self.pictures.title(number), str(error)))
        return numbers, inputs, broken


def of_one_size(batch: Batch) -> list[Batch]:
    """Return a batch in runs of pictures of one size, in order.

    It stays whole, unless the net takes pictures as large as they are. A picture that could not be read belongs to the
    run that it stands in.
    """
    numbers, inputs, broken = batch
    shapes = [None if image is None else image.shape for image in inputs]
    starts, size = [0], None
    for place, shape in enumerate(shapes):
        if shape is not None and shape != size:
            starts += [place] if size is not None else []
            size = shape
    ends = [*starts[1:], len(inputs)]
    runs = [(numbers[a:b], inputs[a:b], broken if a == 0 else []) for a, b in zip(starts, ends, strict=True)]
    return runs


def _products_by_one_thread() -> contextlib.AbstractContextManager[None]:
    """Keep products to one thread where NumPy computes them: their last bits depend on how many threads there are."""
    return contextlib.nullcontext() if kernels.current() == "numba" else products_by_one_thread


def _forward(model: Model, inputs: Sequence[Array | None], nodes: tuple[str, ...], fuse: bool) -> Tape | None:
    """Run one forward pass, in which a picture that could not be read is all zeros; None if none could."""
    sample = next((image for image in inputs if image is not None), None)
    if sample is None:
        return None
    images = np.concatenate([np.zeros_like(sample) if image is None else image for image in inputs])
    if fuse and len(nodes) == 1:  # every other value is dropped as soon as it is read: memory stays in the caches
        return Tape({nodes[0]: model.net.predict(images, upto=nodes[0])}, {})
    return model.net.forward(images, upto=nodes, fuse=fuse)


Batch = tuple[Array, list[Array | None], list[Skipped]]  # numbers, inputs (None of a broken picture), the broken ones
Shard = tuple[tuple[Tally, ...], tuple[Skipped, ...]]
