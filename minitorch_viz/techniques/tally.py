"""Tallies: what is counted or kept while many pictures go through a net, each once.

A tally reads some nodes of the tape and keeps numbers and places, never pixels. `tallied` makes the forward passes,
once for all tallies of a pass, over shards of picture numbers that are cut before anything is read and merged in
order: any number of workers, a run that was stopped and continued, and a cluster give the bits of one pass.
"""

from __future__ import annotations

import copy
import hashlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.data.pictures import Pictures
from minitorch_viz.errors import ImageFileError, SettingError, WeightsFileError, need_whole
from minitorch_viz.graph import Tape
from minitorch_viz.io.files import as_path, parse_json
from minitorch_viz.io.out import check_out
from minitorch_viz.io.safetensors_ import read_safetensors_and_metadata, save_safetensors

if TYPE_CHECKING:
    from minitorch_viz.models import Model

BATCH = 16  # pictures a forward pass
BATCHES = 4  # forward passes a shard
KEY = "minitorch_viz tally"  # the entry of a checkpoint's header that holds the JSON
VERSION = 1
PAUSE = 2.0  # seconds at least between two checkpoints


class Tally:
    """What is kept of the pictures seen so far. It begins empty, and what it holds is in `arrays`.

    A subclass is given its settings at the start, fills `arrays` in `see`, and joins those of another in `merge`. The
    order of the pictures is that of their numbers: `merge` gets the tally of later pictures. Ties go to the lower
    number.
    """

    arrays: dict[str, Array]  # all that it has kept: what a checkpoint holds and a worker sends back

    @property
    def upto(self) -> tuple[str, ...]:
        """The nodes that it reads."""
        raise NotImplementedError

    def see(self, tape: Tape, numbers: Array) -> None:
        """Take in the pictures `numbers` (N,), which went through the net in the rows of `tape`."""
        raise NotImplementedError

    def merge(self, other: Self) -> None:
        """Take in what another tally with the same settings has kept, of later pictures."""
        raise NotImplementedError

    def result(self) -> Any:
        """What has been learned."""
        raise NotImplementedError

    @property
    def settings(self) -> str:
        """The settings in words: a checkpoint of others is refused."""
        shown = {name: value for name, value in vars(self).items() if name != "arrays"}
        return f"{type(self).__name__} {json.dumps(shown, default=str, sort_keys=True)}"


@dataclass(frozen=True)
class Skipped:
    """A picture that could not be read."""

    number: int
    title: str
    why: str


@dataclass(frozen=True)
class Tallied:
    """The tallies after `done` of `total` pictures."""

    tallies: tuple[Tally, ...]
    done: int
    total: int
    skipped: tuple[Skipped, ...]  # their places stay empty


def tallied(
    model: Model,
    pictures: Pictures,
    tallies: Sequence[Tally],
    *,
    batch: int = BATCH,
    workers: int = 1,
    checkpoint: str | Path | None = None,
) -> Iterator[Tallied]:
    """Yield the tallies, merged so far, after each shard of pictures: a loop of whole results.

    tallies: empty ones. They are left as they are; those that are yielded are others.
    batch: pictures a forward pass. It is part of the settings: another gives other last bits.
    workers: processes; 1 is this one. Which processes, or a cluster, says `joblib.parallel_config`.
    checkpoint: a file that keeps what has been counted; a run with the same net, pictures and settings goes on from it.

    Raises SettingError if a setting does not fit or the file belongs to another run, WeightsFileError if it is damaged,
    NetError for an unknown node.
    """
    need_whole("batch", batch, 1)
    need_whole("workers", workers, 1)
    if checkpoint is not None:
        check_out(checkpoint, what="checkpoint", error=WeightsFileError)
    whole = copy.deepcopy(tuple(tallies))
    run = _Run(model, pictures, copy.deepcopy(whole), batch)
    identity = run.identity if checkpoint is not None else ""
    begin, skipped = _resume(checkpoint, identity, whole)
    shard = batch * BATCHES
    written = time.monotonic()
    done = begin
    try:
        for parts, broken in _shards(run, range(begin, len(pictures), shard), workers):
            for total, part in zip(whole, parts, strict=True):
                total.merge(part)
            skipped = (*skipped, *broken)
            done = min(done + shard, len(pictures))
            if checkpoint is not None and time.monotonic() - written > PAUSE:
                _write(checkpoint, identity, whole, done, skipped)
                written = time.monotonic()
            yield Tallied(whole, done, len(pictures), skipped)
        if begin >= len(pictures):  # there was nothing left to do
            yield Tallied(whole, len(pictures), len(pictures), skipped)
    finally:  # Ctrl-C, a budget that ran out, and the end
        if checkpoint is not None and done > begin:
            _write(checkpoint, identity, whole, done, skipped)


@dataclass(frozen=True)
class _Run:
    """What a worker needs."""

    model: Model
    pictures: Pictures
    empty: tuple[Tally, ...]
    batch: int

    @property
    def identity(self) -> str:
        """A hash of the net, the pictures and the settings."""
        state = hashlib.sha256()
        for name, value in sorted(self.model.net.state.items()):
            state.update(f"{name} {value.dtype} {value.shape}\n".encode())
            state.update(np.ascontiguousarray(kernels.to_cpu(value)).data)
        for node in self.model.net.nodes:
            state.update(repr(node).encode())
        parts = [repr(self.model.preprocessing), self.pictures.fingerprint, str(self.batch)]
        state.update("\n".join([*parts, *(tally.settings for tally in self.empty)]).encode())
        return state.hexdigest()

    def shard(self, begin: int, threads: int | None = None) -> tuple[tuple[Tally, ...], tuple[Skipped, ...]]:
        """The tallies of one shard of pictures, and those that could not be read."""
        if threads is not None:
            kernels.set_threads(threads)
        tallies, skipped = copy.deepcopy(self.empty), []
        nodes = tuple(dict.fromkeys(node for tally in tallies for node in tally.upto))
        for first in range(begin, min(begin + self.batch * BATCHES, len(self.pictures)), self.batch):
            numbers = np.arange(first, min(first + self.batch, len(self.pictures)))
            inputs: list[Array | None] = []
            for number in numbers.tolist():
                try:
                    inputs.append(self.model.preprocess(self.pictures[number]))
                except ImageFileError as error:
                    inputs.append(None)
                    skipped.append(Skipped(number, self.pictures.title(number), str(error)))
            tape = _forward(self.model, inputs, nodes)
            if tape is None:
                continue
            seen = np.array([image is not None for image in inputs])
            if not seen.all():  # a broken picture's place went through the net empty, so that no other's bits change
                tape = Tape({name: tape[name][seen] for name in nodes}, {})
            for tally in tallies:
                tally.see(tape, numbers[seen])
        return tallies, tuple(skipped)


def _forward(model: Model, inputs: Sequence[Array | None], nodes: tuple[str, ...]) -> Tape | None:
    """One forward pass, in which a picture that could not be read is all zeros; None if none could."""
    sample = next((image for image in inputs if image is not None), None)
    if sample is None:
        return None
    images = np.concatenate([np.zeros_like(sample) if image is None else image for image in inputs])
    return model.net.forward(images, upto=nodes, fuse=True)


def _shards(run: _Run, begins: range, workers: int) -> Iterator[tuple[tuple[Tally, ...], tuple[Skipped, ...]]]:
    """Each shard's tallies, in order."""
    if workers == 1:
        yield from map(run.shard, begins)
        return
    import joblib

    threads = max(1, kernels.get_threads() // workers)
    parallel = joblib.Parallel(n_jobs=workers, return_as="generator", pre_dispatch=2 * workers)
    yield from parallel(joblib.delayed(run.shard)(begin, threads) for begin in begins)


def _resume(checkpoint: str | Path | None, identity: str, whole: tuple[Tally, ...]) -> tuple[int, tuple[Skipped, ...]]:
    """How many pictures the file has seen, its arrays put into `whole`; 0 if there is no such file."""
    if checkpoint is None:
        return 0, ()
    place = as_path(checkpoint, "checkpoint", WeightsFileError)
    if not place.exists():
        return 0, ()
    arrays, metadata = read_safetensors_and_metadata(place)
    if KEY not in metadata:
        raise WeightsFileError(f"{place} holds weights but no tally; give a file that a run over pictures wrote.")
    header: Mapping[str, Any] = parse_json(metadata[KEY].encode(), f"The tally in {place}")
    if header.get("version") != VERSION:
        raise WeightsFileError(f"{place} is a tally of version {header.get('version')!r}; {VERSION} can be read.")
    if header.get("identity") != identity:
        raise SettingError(
            f"{place} was counted with another net, other pictures or other settings; give the same ones, or another "
            "file."
        )
    try:
        skipped = tuple(Skipped(int(number), str(title), str(why)) for number, title, why in header["skipped"])
        done = int(header["done"])
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsFileError(f"{place}: its tally is damaged ({error}).") from error
    for index, tally in enumerate(whole):
        prefix = f"{index}/"
        tally.arrays = {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}
    return done, skipped


def _write(
    checkpoint: str | Path, identity: str, whole: tuple[Tally, ...], done: int, skipped: tuple[Skipped, ...]
) -> None:
    """Write what has been counted, completely or not at all."""
    arrays = {f"{index}/{name}": value for index, tally in enumerate(whole) for name, value in tally.arrays.items()}
    header = {
        "version": VERSION,
        "identity": identity,
        "done": done,
        "skipped": [(picture.number, picture.title, picture.why) for picture in skipped],
    }
    save_safetensors(checkpoint, arrays, {KEY: json.dumps(header)})
