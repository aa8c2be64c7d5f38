"""Painting: objects at their places become the maps of what each pixel shows, the farthest object first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array, Pair
from minitorch_viz.data.scenes.change import Change, Row
from minitorch_viz.data.scenes.colours import COLOURS
from minitorch_viz.data.scenes.kinds import ALL, KINDS, PARTS
from minitorch_viz.data.scenes.textures import PATTERNS

MOST_OBJECTS = 5  # so that the main colours and accents of a scene all differ
ROOM = 8  # codes an object: one a part
PLAIN = 1 + [*PATTERNS].index("plain")
PART_INDEX = {name: index for index, name in enumerate(PARTS)}
COLOUR_INDEX = {name: index for index, name in enumerate(COLOURS)}


class Placed(NamedTuple):
    """Hold an object at its place in the picture."""

    row: Row  # without exchanges
    parts: Array  # (h, w) uint8: 0 is none, i + 1 is the kind's part i
    dark: Array  # (h, w) bool: where its texture has the dark tone
    corner: Pair  # (top, left)
    changes: tuple[Change, ...] = ()  # whose exchanges of colours and textures are still to be made

    @property
    def shown(self) -> Row:
        """Return what the object is, exchanges made."""
        row = self.row
        for change in self.changes:
            row = change.exchanged(row)
        return row

    @property
    def window(self) -> tuple[slice, slice]:
        """Return the rectangle of the picture that it lies in."""
        (top, left), (height, width) = self.corner, self.parts.shape
        return slice(top, top + height), slice(left, left + width)


def painted(objects: Sequence[Placed], order: Sequence[int], shape: Pair) -> tuple[Array, Array]:
    """Return (maps (5, H, W) uint8 as in MAPS, dark (H, W) bool) of objects painted from the farthest to the nearest.

    order: indices of the objects, the nearest first.
    """
    codes, dark = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    lookup = np.zeros((5, 1 + MOST_OBJECTS * ROOM), np.uint8)  # what each code is, one row a map
    for index in reversed(order):
        placed = objects[index]
        mask = placed.parts > 0
        base = _enter(lookup, index, placed.row)
        for change in placed.changes:
            change.exchange(*lookup[3:, base + 1 : base + 1 + ROOM])
        np.copyto(codes[placed.window], placed.parts + np.uint8(base), where=mask)
        np.copyto(dark[placed.window], placed.dark, where=mask)
    maps: Array = lookup[:, codes]
    return maps, dark


def _enter(lookup: Array, index: int, row: Row) -> int:
    """Fill in what the codes of object `index` mean; the code of its part i + 1 is the returned number + i + 1."""
    kind, texture, colour, accent = row
    base = index * ROOM
    drawing = ALL[KINDS[kind]]
    for code, (part, paint) in enumerate(zip(drawing.parts, drawing.paints, strict=True), base + 1):
        if paint == "main":
            paint_codes = texture, colour
        elif paint == "accent":
            paint_codes = PLAIN, accent
        else:
            paint_codes = (
                PLAIN,
                next(colour_index for name in paint if (colour_index := COLOUR_INDEX[name]) != colour),
            )
        lookup[:, code] = index + 1, kind, PART_INDEX[part], *paint_codes
    return base


def boxes_of(owner: Array, objects: Sequence[Placed]) -> Array:
    """Return (n, 4) int32: top, left, bottom, right around the visible pixels; zeros where none is."""
    boxes = np.zeros((len(objects), 4), np.int32)
    for index, placed in enumerate(objects):
        visible = owner[placed.window] == index + 1
        rows, columns = np.flatnonzero(visible.any(axis=1)), np.flatnonzero(visible.any(axis=0))
        if len(rows):
            top, left = placed.corner
            boxes[index] = top + rows[0], left + columns[0], top + rows[-1] + 1, left + columns[-1] + 1
    return boxes
