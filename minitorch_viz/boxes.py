"""Boxes: the rectangle of a map that a computation is about, so that the rest of the map need not be computed.

K images (or K seeds of a backward pass) have a rectangle each, at places of their own but all of one size: cut out,
they make one array (K, C, h, w), which a layer computes in one call.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Pair

ALL = slice(None)


class Span(NamedTuple):
    """Hold K stretches of one length along one axis."""

    starts: tuple[int, ...]  # K of them, or one if all K start at one place
    size: int

    @classmethod
    def at(cls, starts: Iterable[int], size: int) -> Span:
        """Return stretches of `size`; K starts at one place become one."""
        starts = tuple(starts)
        return cls(starts[:1] if len(set(starts)) == 1 else starts, size)

    @classmethod
    def covering(cls, first: Sequence[int], stop: Sequence[int], length: int) -> Span:
        """Return stretches of one least size (at least 1) that hold first[k] to stop[k], inside 0 to length.

        One that would leave the axis at its end is moved back, so that it holds more than it must.
        """
        size = min(max(1, *(b - a for a, b in zip(first, stop, strict=True))), length)
        return cls.at((min(a, length - size) for a in first), size)

    def together(self, other: Span) -> Iterator[tuple[int, int]]:
        """Yield the starts of this span and of another, k by k."""
        count = max(len(self.starts), len(other.starts))
        return zip(self._repeated(count), other._repeated(count), strict=True)

    def _repeated(self, count: int) -> tuple[int, ...]:
        return self.starts if len(self.starts) == count else self.starts * count


class Boxes(NamedTuple):
    """Hold K rectangles of one size inside a map."""

    rows: Span
    columns: Span

    @classmethod
    def at(cls, tops: Iterable[int], lefts: Iterable[int], size: Pair) -> Boxes:
        """Return boxes of `size` (h, w) with the upper left corners (tops[k], lefts[k])."""
        return cls(Span.at(tops, size[0]), Span.at(lefts, size[1]))

    @property
    def size(self) -> Pair:
        """Return (h, w) of a box."""
        return self.rows.size, self.columns.size

    @property
    def area(self) -> int:
        """Return the pixels of a box."""
        return self.rows.size * self.columns.size

    def cuts(self) -> Iterator[tuple[slice, slice, slice, slice]]:
        """Yield an index into (K, C, H, W) for each box; a single one for all K if they lie at one place."""
        for k, (top, left) in enumerate(corners := list(self.rows.together(self.columns))):
            image = ALL if len(corners) == 1 else slice(k, k + 1)
            yield image, ALL, slice(top, top + self.rows.size), slice(left, left + self.columns.size)

    def take(self, x: Array) -> Array:
        """Cut the boxes out of x (1 or K, C, H, W) -> (K, C, h, w). At one place: a view, with the batch of x."""
        cuts = list(self.cuts())
        if len(cuts) == 1:
            return x[cuts[0]]
        out: Array = kernels.array_module(x).empty((len(cuts), x.shape[1], *self.size), x.dtype)
        for image, *place in cuts:
            out[image] = x[(image if len(x) > 1 else ALL, *place)]
        return out

    def union(self, other: Boxes, size: Pair) -> Boxes:
        """Return boxes inside a map of `size` that hold these and the others."""
        if self == other:
            return self
        spans = []
        for span, other_span, length in zip(self, other, size, strict=True):
            pairs = list(span.together(other_span))
            first, stop = [min(a, b) for a, b in pairs], [max(a + span.size, b + other_span.size) for a, b in pairs]
            spans.append(Span.covering(first, stop, length))
        return Boxes(*spans)

    def within(self, outer: Boxes) -> Boxes:
        """Return the same boxes, counted from the corners of the larger boxes that they lie in."""
        if self == outer:
            return whole_map(self.size)
        rows, columns = (
            Span.at((a - b for a, b in inner.together(outer_span)), inner.size)
            for inner, outer_span in zip(self, outer, strict=True)
        )
        return Boxes(rows, columns)


@dataclass(frozen=True, eq=False)
class Patch:
    """Hold a part of K maps, and where it lies. The rest is zero, or unchanged, as the function that takes it says."""

    values: Array  # (K, C, h, w)
    boxes: Boxes

    def spread(self, boxes: Boxes, background: Array | None = None) -> Array:
        """Return the values inside larger boxes, (K, C, *boxes.size), amid zeros or a background (1 or K, C, H, W).

        Never write into the result: in boxes of the same size it is the values themselves.
        """
        if boxes == self.boxes:
            return self.values
        xp = kernels.array_module(self.values)
        shape = (*self.values.shape[:2], *boxes.size)
        out: Array = xp.zeros(shape, self.values.dtype) if background is None else xp.empty(shape, self.values.dtype)
        if background is not None:
            out[:] = boxes.take(background)
        for cut in self.boxes.within(boxes).cuts():
            out[cut] = self.values[cut[0]]
        return out


def whole_map(size: Pair) -> Boxes:
    """Return one box that is the whole map (H, W)."""
    return Boxes.at([0], [0], size)
