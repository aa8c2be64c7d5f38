"""Which pictures, and which places in them, excite each channel of a node most, out of any number of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Pair
from minitorch_viz.errors import need_whole
from minitorch_viz.graph import Tape
from minitorch_viz.techniques.tally import Tally

NONE = -1  # the number of a picture, a row or a column where there is none


class Top(NamedTuple):
    """Hold the strongest answers of each channel, the strongest first; k may be more than there are."""

    values: Array  # (C, k) floats; NaN where there are fewer
    numbers: Array  # (C, k) int64: of the pictures; -1 where there are fewer
    rows: Array  # (C, k) int64: of the places, of a sequence its steps; -1 of a node without places
    columns: Array  # (C, k) int64: -1 of a sequence, or of a node without places

    def count(self, channel: int) -> int:
        """Return how many of a channel's places are taken: below k where there are fewer pictures."""
        return int((self.numbers[channel] >= 0).sum())

    def position(self, channel: int, rank: int) -> Pair | int | None:
        """Return where in its map the answer of this rank is: (row, column), a step, or None without places."""
        return position_of(self.rows[channel, rank], self.columns[channel, rank])


def position_of(row: int, column: int) -> Pair | int | None:
    """Return a row and a column, of which -1 says that there is none, as the position of a unit."""
    if row < 0:
        return None
    return int(row) if column < 0 else (int(row), int(column))


class Strongest(Tally):
    """Keep the k strongest answers of every channel of a node, exactly: their values, pictures and places.

    Ties go to the picture with the lower number, then to the place that comes first, row by row. Memory is that of
    k numbers a channel, however many pictures there are. Answers that are not finite count for nothing; `not_finite`
    says how many pictures had one.

    node: of maps (N, C, h, w), of a sequence, or of one number a channel (N, C).
    k: answers a channel. each: how many of them may be in one picture.
    axis: of the channels (`graph.channel_axis`). negative: keep the lowest answers instead, the lowest first.
    """

    def __init__(self, node: str, k: int = 9, each: int = 1, *, axis: int = 1, negative: bool = False) -> None:
        self.node = node
        self.k = need_whole("number of strongest answers", k, 1)
        self.each = need_whole("number of answers in one picture", each, 1)
        self.axis = axis
        self.negative = negative
        self.arrays: dict[str, Array] = {}

    @property
    def upto(self) -> tuple[str, ...]:
        return (self.node,)

    def see(self, tape: Tape, numbers: Array) -> None:
        self.take(kernels.to_cpu(tape[self.node]), numbers)

    def take(self, answers: Array, numbers: Array) -> None:
        """Take in the answers of the pictures `numbers` (N,): (N, C, ...), or with the channels at `axis`."""
        maps = by_channel(-answers if self.negative else answers, self.axis)
        values, places, broken = strongest_places(maps.reshape(*maps.shape[:2], -1), self.each)
        rows, columns = rows_and_columns(places, maps.shape[2:])
        count = values.shape[2]  # at most `each` of a picture
        repeated = np.repeat(numbers, count).reshape(-1, 1, count)
        entries = {"values": values, "numbers": repeated, "rows": rows, "columns": columns}
        # (N, C, count) to (C, N * count), in the order of pictures and in each of its own
        flat = {
            name: np.moveaxis(np.broadcast_to(entry, values.shape), 1, 0).reshape(values.shape[1], -1)
            for name, entry in entries.items()
        }
        self._keep(flat, np.array([broken]))

    def merge(self, other: Self) -> None:
        if other.arrays:
            later = {name: value for name, value in other.arrays.items() if name != "broken"}
            self._keep(later, other.arrays["broken"])

    def _keep(self, later: dict[str, Array], broken: Array) -> None:
        """Keep the k strongest of those that are there and of later ones, which yield to them where they are equal."""
        if self.arrays:
            later = {name: np.concatenate([self.arrays[name], value], axis=1) for name, value in later.items()}
            broken = broken + self.arrays["broken"]
        order = np.argsort(-later["values"], axis=1, kind="stable")[:, : self.k]
        kept = {name: np.take_along_axis(value, order, axis=1) for name, value in later.items()}
        self.arrays = {**kept, "broken": broken}

    @property
    def not_finite(self) -> int:
        """Return how many times a channel had an answer in a picture that is no finite number."""
        return int(self.arrays["broken"][0]) if self.arrays else 0

    def result(self) -> Top:
        """Return the k strongest of each channel."""
        values = self.arrays["values"]
        missing = np.isneginf(values)
        beyond = ((0, 0), (0, self.k - values.shape[1]))  # there were fewer pictures than k
        places = (np.where(missing, NONE, self.arrays[name]) for name in ("numbers", "rows", "columns"))
        values = np.where(missing, np.nan, -values if self.negative else values)
        return Top(
            np.pad(values, beyond, constant_values=np.nan),
            *(np.pad(numbers, beyond, constant_values=NONE) for numbers in places),
        )


def by_channel(answers: Array, axis: int) -> Array:
    """Return a node's answers (N, ..., C, ...) as (N, C, ...)."""
    return np.moveaxis(answers, axis, 1)


def strongest_places(flat: Array, each: int) -> tuple[Array, Array, int]:
    """Return (values (N, C, e), places (N, C, e), broken) of the e <= each strongest of (N, C, P), first places first.

    Answers that are not finite count as -inf; broken: how many of the N x C maps have one.
    """
    best = flat.argmax(axis=2)[:, :, None]
    values = np.take_along_axis(flat, best, axis=2)
    bad = ~np.isfinite(values)  # NaN and infinity are what argmax finds first; -inf is below all others
    broken = int(bad.sum())
    if broken:
        flat = np.where(np.isfinite(flat), flat, np.array(-np.inf, flat.dtype))
        best = flat.argmax(axis=2)[:, :, None]
        values = np.take_along_axis(flat, best, axis=2)
    each = min(each, flat.shape[2])
    if each == 1:
        return values, best, broken
    left, all_values, all_places = flat.copy(), [values], [best]
    for _ in range(each - 1):
        np.put_along_axis(left, all_places[-1], -np.inf, axis=2)
        all_places.append(left.argmax(axis=2)[:, :, None])
        all_values.append(np.take_along_axis(left, all_places[-1], axis=2))
    return np.concatenate(all_values, axis=2), np.concatenate(all_places, axis=2), broken


def rows_and_columns(places: Array, shape: Sequence[int]) -> tuple[Array, Array]:
    """Return the rows and columns of places that count through maps (h, w); steps alone of (T,), and -1 of ()."""
    none = np.full_like(places, NONE)
    if not shape:
        return none, none
    return (places, none) if len(shape) == 1 else (places // shape[1], places % shape[1])
