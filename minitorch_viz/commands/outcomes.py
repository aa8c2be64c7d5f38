"""What becomes of many photos: the next are read and the last are written while one is looked at.

Photos go through the net one at a time. Several in one pass would save part of the interpreter's time on small nets
and nothing on large ones, but the last bits of the numbers would depend on which photos came together: on the number
of workers, and on what a run that was stopped had already written.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from minitorch_viz.commands.look import Look
from minitorch_viz.data.prefetch import ahead
from minitorch_viz.errors import MinitorchVizError, NetError, SettingError
from minitorch_viz.techniques.workers import products_by_one_thread, spread

AHEAD = 2  # photos that are decoded while one is looked at
WRITERS = 2  # files that are written meanwhile
PART = 8  # photos of one task of a worker, at most
PARTS = 4  # tasks that each worker has at least, so that all of them end together

Pair = tuple[str, Path]  # a photo and its result's file


class Outcome(NamedTuple):
    """Say what became of one photo."""

    photo: str
    file: Path
    facts: tuple[str, ...] = ()  # on the result
    notes: tuple[str, ...] = ()
    problem: MinitorchVizError | None = None  # why there is no file


def outcomes(look: Look, pairs: Sequence[Pair], workers: int = 1) -> Iterator[Outcome]:
    """Yield what became of each photo, in order, when its file is written.

    workers: processes that share the photos; the files are the same for any number of them. The first file is written
    by this process, so that a setting that does not fit is told before any other is started.

    Raises KeyboardInterrupt, and SettingError or NetError if a setting does not fit before there is any file.
    """
    if workers == 1:
        return _outcomes(look, pairs, first=True)
    return _by_workers(look, pairs, workers)


def _by_workers(look: Look, pairs: Sequence[Pair], workers: int) -> Iterator[Outcome]:
    count, written = 0, False
    while count < len(pairs) and not written:
        (outcome,) = _outcomes(look, pairs[count : count + 1], first=True)
        count, written = count + 1, outcome.problem is None
        yield outcome
    rest = pairs[count:]
    size = max(1, min(PART, len(rest) // (PARTS * workers)))
    parts = [rest[begin : begin + size] for begin in range(0, len(rest), size)]
    with contextlib.closing(spread(partial(_part, look), parts, workers)) as results:  # type: ignore[type-var]  # a generator
        for part in results:
            yield from part


def _part(look: Look, pairs: Sequence[Pair]) -> list[Outcome]:
    """Return what became of a worker's photos."""
    return [*_outcomes(look, pairs, progress=False)]


def _outcomes(look: Look, pairs: Sequence[Pair], *, first: bool = False, progress: bool = True) -> Iterator[Outcome]:
    """Yield the outcomes of photos that this process looks at.

    first: raise a setting's error, as long as there is no file, in place of saying it of each photo.
    """
    waiting: deque[Outcome | Future[Outcome]] = deque()
    with (
        products_by_one_thread,
        contextlib.closing(ahead(partial(_readable, look), pairs, AHEAD)) as pictures,
        ThreadPoolExecutor(WRITERS, "writer") as pool,
    ):
        try:
            for picture in pictures:
                try:
                    if picture.problem is not None:
                        raise picture.problem
                    result, why = look.explain(picture.seen, progress=progress)
                except MinitorchVizError as problem:
                    if first and picture.problem is None and isinstance(problem, (SettingError, NetError)):
                        raise
                    photo, file = picture.pair
                    waiting.append(Outcome(photo, file, problem=problem))
                else:
                    if why.startswith("interrupted"):
                        raise KeyboardInterrupt
                    first = False
                    waiting.append(pool.submit(_written, look, picture, result, why))
                while len(waiting) > WRITERS:
                    yield _outcome_of(waiting.popleft())
            while waiting:
                yield _outcome_of(waiting.popleft())
        finally:
            for entry in waiting:
                if isinstance(entry, Future):
                    entry.cancel()


class _Picture(NamedTuple):
    pair: Pair
    value: Any = None  # the subject's
    seen: Any = None  # the same, as the net sees it
    notes: tuple[str, ...] = ()
    problem: MinitorchVizError | None = None


def _readable(look: Look, pair: Pair) -> _Picture:
    """Return a photo as it is looked at, or why it cannot be read."""
    notes: list[str] = []
    try:
        value = look.read(pair[0], notes)
    except MinitorchVizError as problem:
        return _Picture(pair, problem=problem)
    return _Picture(pair, value, look.prepared(value), tuple(notes))


def _written(look: Look, picture: _Picture, result: Any, why: str) -> Outcome:
    """Write a photo's result."""
    photo, file = picture.pair
    try:
        more = look.save(result, picture.value, file)
    except MinitorchVizError as problem:
        return Outcome(photo, file, problem=problem)
    early = (f"{why[0].upper()}{why[1:]}.",) if why else ()
    return Outcome(photo, file, (*result.facts, *more), (*picture.notes, *result.notes, *early))


def _outcome_of(entry: Outcome | Future[Outcome]) -> Outcome:
    return entry.result() if isinstance(entry, Future) else entry
