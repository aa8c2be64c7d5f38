"""Which part of its input a layer reads, so that a part of its output can be computed from a part of the input.

    input    . . . [x x x x x] . . .     a crop of the input, run through the very same layer
                    \\ | | | /
    output   . . . . [? y y y ?] . .     gives the same numbers as the whole map, except (?) where a window reaches over
                                         the crop's border: there the layer found its padding instead of pixels

So a crop is cut with a margin, and what the margin spoils is thrown away. Where the crop's border is the image's, the
padding is right and nothing is spoilt. No line of the layer's two passes deals with this.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array, Pair
from minitorch_viz.boxes import Boxes, Span


class Field(NamedTuple):
    """Hold a rectangle of a map's rows and columns, the last ones not included."""

    top: int
    left: int
    bottom: int
    right: int

    def union(self, other: Field | None) -> Field | None:
        """Return the rectangle that holds this one and the other; None (perhaps the whole map) if the other is."""
        if other is None:
            return None
        return Field(*map(min, self[:2], other[:2]), *map(max, self[2:], other[2:]))


class Window(NamedTuple):
    """Say what output pixel o reads: the `reach` places from o * stride - padding on; an input pixel makes `up` places.

    Pairs are (vertical, horizontal). If `up` is not 1, the stride is.
    """

    reach: Pair = (1, 1)
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    up: Pair = (1, 1)

    def reached(self, x: Boxes, out_size: Pair) -> Boxes:
        """Return the boxes of an output (H', W') that a change inside input boxes can change."""
        if self == PIXEL:
            return x
        rows, columns = (self._reached(a, x[a], out_size[a]) for a in (0, 1))
        return Boxes(rows, columns)

    def reads(self, y: Boxes, in_size: Pair) -> Boxes:
        """Return the crops of an input (H, W) from which the layer computes output boxes rightly."""
        if self == PIXEL:
            return y
        rows, columns = (self._reads(a, y[a], in_size[a]) for a in (0, 1))
        return Boxes(rows, columns)

    def gives(self, x: Boxes, in_size: Pair, out_size: Pair) -> Boxes:
        """Return the boxes of the output (H', W') that the layer makes of crops of an input (H, W), with margins."""
        if self == PIXEL:
            return x
        rows, columns = (self._gives(a, x[a], in_size[a], out_size[a]) for a in (0, 1))
        return Boxes(rows, columns)

    def sees(self, y: Field, size: Pair) -> Field:
        """Return what of an input (H, W) a field of the output reads, without a margin."""
        field = self.covers(y)
        first = [min(max(field[a], 0), size[a] - 1) for a in (0, 1)]
        last = (max(min(field[2 + a], size[a]), first[a] + 1) for a in (0, 1))  # one place, where all is padding
        return Field(*first, *last)

    def covers(self, y: Field) -> Field:
        """Return the same where the input has no border: its padding counts, with places below 0."""
        start, stop = (
            [place * stride - padding for place, stride, padding in zip(places, self.stride, self.padding, strict=True)]
            for places in (y[:2], (y.bottom - 1, y.right - 1))
        )
        first = (start[a] // self.up[a] for a in (0, 1))
        last = ((stop[a] + self.reach[a] - 1) // self.up[a] + 1 for a in (0, 1))
        return Field(*first, *last)

    def _reached(self, a: int, x: Span, out_length: int) -> Span:
        stride, padding, up = self.stride[a], self.padding[a], self.up[a]
        first = [-(-(i * up + padding - self.reach[a] + 1) // stride) for i in x.starts]  # rounded up
        last = [((i + x.size) * up - 1 + padding) // stride for i in x.starts]
        first = [min(max(o, 0), out_length - 1) for o in first]
        return Span.covering(first, [min(o + 1, out_length) for o in last], out_length)

    def _reads(self, a: int, y: Span, in_length: int) -> Span:
        stride, padding, up = self.stride[a], self.padding[a], self.up[a]
        first = [min(max((o * stride - padding) // up, 0), in_length - 1) for o in y.starts]
        last = [((o + y.size - 1) * stride - padding + self.reach[a] - 1) // up for o in y.starts]
        # The crop's windows must be windows of the whole: it begins a multiple of the stride after the image, and it
        # may end with the image's end, where a rounded-up pooling (ceil_mode) has its odd last windows.
        first = [i // stride * stride for i in first]
        size = max(1, *(min(j + 1, in_length) - i for i, j in zip(first, last, strict=True)))
        size = in_length - (in_length - size) // stride * stride
        return Span.covering(first, [i + size for i in first], in_length)

    def _gives(self, a: int, x: Span, in_length: int, out_length: int) -> Span:
        up, stride = self.up[a], self.stride[a]
        return Span.at((i * up // stride for i in x.starts), out_length - (in_length - x.size) * up // stride)


PIXEL = Window()  # a pixel of the output reads the pixel at the same place
PIXELS = (2, 3)  # the axes of maps (N, C, H, W) along which their pixels lie


class Sight(NamedTuple):
    """Say through which window an output pixel sees the input, and along which axes the output's pixels lie."""

    window: Window
    axes: Pair = PIXELS


def shifted(won: Array, size: Pair, x: Boxes) -> Array:
    """Count flat places row * W + column of a map of `size` (H, W) anew inside crops x of it.

    won (1 or K, C, h, w), one crop each. A place outside the crop, which only a spoilt margin has, becomes a near one.
    """
    row, column = np.divmod(won, size[1])
    tops, lefts = (np.array(span.starts, won.dtype).reshape(-1, 1, 1, 1) for span in x)
    row, column = np.clip(row - tops, 0, x.rows.size - 1), np.clip(column - lefts, 0, x.columns.size - 1)
    places: Array = row * won.dtype.type(x.columns.size) + column
    return places
