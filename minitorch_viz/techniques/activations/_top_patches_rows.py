"""The rows of the top patches: which answers stand beside each other, and the patches that are cut out for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.data.pictures import Pictures
from minitorch_viz.errors import ImageFileError
from minitorch_viz.techniques.explain.patches import Answer, Beside, Patch, patches_of
from minitorch_viz.techniques.explain.receptive import Field, geometry
from minitorch_viz.techniques.explain.strongest import NONE, Top, position_of
from minitorch_viz.techniques.explain.tenths import TENTHS, Spread

if TYPE_CHECKING:
    from minitorch_viz.models import Model

STRONGEST, LOWEST = "strongest", "lowest"
MANY, SMALL = 200, 112  # more patches than this are kept smaller, at most so many pixels wide

Shown = tuple[tuple[Patch | None, ...], ...]


class Rows(NamedTuple):
    """Hold the answers of U units, K of each."""

    channels: Array  # (U,) int
    kinds: tuple[str, ...]  # (K,)
    values: Array  # (U, K) floats
    numbers: Array  # (U, K) int: of pictures
    rows: Array  # (U, K) int
    columns: Array  # (U, K) int

    def key(self, unit: int, place: int) -> tuple[int, ...]:
        """Return what names one answer: channel, picture, row, column."""
        entries = (self.numbers, self.rows, self.columns)
        return int(self.channels[unit]), *(int(entry[unit, place]) for entry in entries)

    @property
    def taken(self) -> Iterator[tuple[int, int]]:
        """Yield where there is an answer."""
        yield from zip(*(places.tolist() for places in np.nonzero(self.numbers >= 0)), strict=True)


def rows_of(top: Top, channels: Array, spread: Spread | None, tenths: int, lowest: Top | None) -> Rows:
    """Return the answers of these channels: the strongest, so many of each tenth, strongest tenth first, the lowest."""
    kinds = [STRONGEST] * top.values.shape[1]
    parts = [[entry[channels] for entry in top]]
    if spread is not None:
        for tenth in range(TENTHS, 0, -1):
            kinds += [f"tenth {tenth}"] * tenths
            parts.append(_of_tenth(spread, channels, tenth, tenths))
    if lowest is not None:
        kinds += [LOWEST] * lowest.values.shape[1]
        parts.append([entry[channels] for entry in lowest])
    return Rows(channels, tuple(kinds), *(np.concatenate(entries, axis=1) for entries in zip(*parts, strict=True)))


def _of_tenth(spread: Spread, channels: Array, tenth: int, count: int) -> list[Array]:
    """Return (values, numbers, rows, columns), each (U, count)."""
    shape = (len(channels), count)
    values, others = np.full(shape, np.nan), [np.full(shape, NONE) for _ in range(3)]
    for row, channel in enumerate(channels.tolist()):
        chosen = spread.tenth(channel, tenth, count)
        values[row, : len(chosen)] = spread.values[chosen, channel]
        entries = (spread.numbers[chosen], spread.rows[chosen, channel], spread.columns[chosen, channel])
        for other, entry in zip(others, entries, strict=True):
            other[row, : len(chosen)] = entry
    return [values, *others]


class Cutter:
    """Cut out patches, each once: a picture is opened once for all of them that lie in it."""

    def __init__(self, model: Model, pictures: Pictures, node: str, beside: Beside, remark: str = "") -> None:
        self.model, self.pictures, self.node, self.beside = model, pictures, node, beside
        self.remark = remark  # on what came back
        self.patches: dict[tuple[int, ...], Patch] = {}
        self.plain: dict[tuple[int, ...], Patch] = {}  # without what came back, for results on the way
        self.fields: dict[tuple[int, ...], Field] = {}  # in pixels of the net's input, however small a patch is kept
        self.gone: set[int] = set()  # pictures that can no longer be read

    def shown(self, rows: Rows) -> Shown:
        """Return the patches of these answers that there are."""
        units, count = rows.numbers.shape
        keys = [[rows.key(unit, place) for place in range(count)] for unit in range(units)]
        return tuple(tuple(self.patches.get(key) or self.plain.get(key) for key in line) for line in keys)

    @property
    def view_in_words(self) -> str:
        """Say how much of a picture a unit sees."""
        fields = geometry(self.model, self.node)
        if fields is None:
            return "a unit sees the whole picture"
        return f"a unit sees {fields.size[0]} x {fields.size[1]} pixels, as far as they are inside the picture"

    def seen(self, rows: Rows) -> Array:
        """Return (U, K, 4): the fields of these answers; -1 where a picture was not opened yet."""
        units, count = rows.numbers.shape
        unknown = (NONE,) * 4
        fields = [[self.fields.get(rows.key(unit, place), unknown) for place in range(count)] for unit in range(units)]
        return np.array(fields).reshape(units, count, 4)

    def quickly(self, rows: Rows) -> None:
        """Cut out what is missing, without what came back to the pixels; nothing where that would be many."""
        if rows.numbers.size <= MANY:
            for _ in self._cut(rows, "none", self.plain):
                pass
            kept = {rows.key(*place) for place in rows.taken}
            self.plain = {key: patch for key, patch in self.plain.items() if key in kept}

    def count(self, rows: Rows) -> int:
        """Return how many pictures must be opened."""
        return len(np.unique(rows.numbers[rows.numbers >= 0]))

    def steps(self, rows: Rows) -> Iterator[int]:
        """Cut out all, and yield how many pictures have been opened so far."""
        yield from self._cut(rows, self.beside, self.patches)

    def _cut(self, rows: Rows, beside: Beside, into: dict[tuple[int, ...], Patch]) -> Iterator[int]:
        wanted: dict[int, list[tuple[int, int]]] = {}
        for unit, place in rows.taken:
            wanted.setdefault(int(rows.numbers[unit, place]), []).append((unit, place))
        for done, (number, places) in enumerate(sorted(wanted.items()), 1):
            missing = {rows.key(*place): place for place in places if rows.key(*place) not in into}
            if missing and number not in self.gone:
                answers = [
                    Answer(key[0], position_of(key[2], key[3]), float(rows.values[place]))
                    for key, place in missing.items()
                ]
                try:
                    patches = patches_of(self.model, self.pictures, self.node, number, answers, beside)
                except ImageFileError:
                    self.gone.add(number)
                    patches = []
                self.fields.update(zip(missing, (patch.field for patch in patches), strict=False))
                small = rows.numbers.size > MANY
                into.update(zip(missing, map(smaller, patches) if small else patches, strict=False))
            yield done


def smaller(patch: Patch) -> Patch:
    """Return a patch of at most SMALL pixels; its field is counted in these."""
    high, wide = patch.crop.shape[:2]
    share = SMALL / max(high, wide)
    if share >= 1:
        return patch
    size = (max(1, round(wide * share)), max(1, round(high * share)))

    def shrunk(picture: Array) -> Array:
        from PIL import Image

        return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))

    def scaled(field: Field) -> Field:
        return Field(*(round(edge * share) for edge in field))

    return patch._replace(
        crop=shrunk(patch.crop),
        beside=None if patch.beside is None else shrunk(patch.beside),
        part=scaled(patch.part),
        field=scaled(patch.field),
        core=None if patch.core is None else scaled(patch.core),
    )
