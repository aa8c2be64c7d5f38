"""Measuring the field of a unit: its top pictures covered square by square, and the changes laid over each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Pair
from minitorch_viz.data.pictures import Pictures
from minitorch_viz.graph import Tape
from minitorch_viz.techniques.activations._occlusion_fills import Filling, filling
from minitorch_viz.techniques.activations._occlusion_squares import covered, covers, places_on
from minitorch_viz.techniques.explain.anchored import Anchors
from minitorch_viz.techniques.explain.fields import Spot, spot_of
from minitorch_viz.techniques.explain.receptive import Field
from minitorch_viz.techniques.explain.view import View, view

if TYPE_CHECKING:
    from minitorch_viz.models import Model


class Squares(NamedTuple):
    """Say where the occluder stands, on every picture alike."""

    tops: Array  # (rows,) its first pixel row; negative where it hangs over the border
    lefts: Array  # (columns,)
    size: int
    fill: str
    seed: int

    @classmethod
    def on(cls, sides: Pair, size: int, stride: int, fill: str, seed: int) -> Squares:
        """Return a grid over pictures of these sides."""
        return cls(places_on(sides[0], size, stride), places_on(sides[1], size, stride), size, fill, seed)

    def touching(self, box: Field) -> Array:
        """Return (rows, columns) bool: whether the square covers something of a box; else it changes nothing."""
        rows = (self.tops + self.size > box.top) & (self.tops < box.bottom)
        columns = (self.lefts + self.size > box.left) & (self.lefts < box.right)
        return rows[:, None] & columns


class Measured(NamedTuple):
    """Hold what the squares have changed so far."""

    changes: Array  # (K, rows, columns): squared change of the unit, as a share of its answer; NaN: not measured yet
    done: int = 0  # places
    total: int = 0  # 0: not known yet

    @classmethod
    def nothing(cls, count: int, squares: Squares) -> Measured:
        """Return what is known before the first square."""
        return cls(np.full((count, len(squares.tops), len(squares.lefts)), np.nan))


class Opened(NamedTuple):
    """Hold one top picture, and the unit in it."""

    seen: View
    tape: Tape | None  # of the picture; None where it is only shown
    spot: Spot
    value: float  # the unit's answer
    enlarged: Array  # (h, w): the channel's map, each value at the middle of what its unit sees
    box: Field  # what the unit can see, as if the picture went on; the whole picture where that is not known
    centre: tuple[float, float]  # the box's middle; of an unknown one the unit's place on the picture

    def batches(self, squares: Squares, batch: int) -> list[tuple[int, list[int]]]:
        """Return (row, columns) of the squares that can change the unit, a batch of one row each."""
        return batches_of(squares.touching(self.box), batch)

    def changed(self, model: Model, squares: Squares, colour: Filling, row: int, columns: Sequence[int]) -> Array:
        """Return the squared change of the unit's answer, as a share of it, with the square at each place."""
        places = [(int(squares.tops[row]), int(squares.lefts[column])) for column in columns]
        assert self.tape is not None  # it was kept to be measured on
        patches = {model.input: covered(self.seen.x, places, squares.size, colour)}
        answers = self.spot.read(model.net.predict_changed(self.tape, patches, self.spot.node))[:, 0]
        share: Array = (answers.astype(float) - self.value) / (abs(self.value) or 1.0)
        return share**2


def batches_of(touching: Array, batch: int) -> list[tuple[int, list[int]]]:
    """Return (row, columns) of the places where the square is set, a batch of one row each."""
    rows = [(row, np.flatnonzero(touching[row]).tolist()) for row in range(len(touching))]
    return [(row, columns[i : i + batch]) for row, columns in rows for i in range(0, len(columns), batch)]


def open_picture(
    model: Model, pictures: Pictures, number: int, node: str, channel: int, position: Pair, anchors: Anchors
) -> Opened:
    """Read a picture and run the net as far as the node; ImageFileError if it cannot be read any more."""
    seen = view(model, pictures[number])
    tape = model.net.forward(seen.x, upto=node)
    spot = spot_of(model, tape, node, channel, position)
    maps = kernels.to_cpu(tape[node])
    high, wide = seen.x.shape[2:]
    box, centre = place_of(spot, (high, wide))
    value = float(spot.read(maps)[0, 0])
    return Opened(seen, tape, spot, value, anchors.enlarged(maps[0, channel].astype(float)), box, centre)


def place_of(spot: Spot, size: Pair) -> tuple[Field, tuple[float, float]]:
    """Return what a unit sees, and its middle."""
    row, column = spot.place
    if spot.shape is not None:
        return spot.shape.box((row, column)), spot.shape.centre((row, column))
    middle = [
        (place + 0.5) * side / count - 0.5 for place, side, count in zip(spot.place, size, spot.sides, strict=True)
    ]
    return Field(0, 0, *size), (middle[0], middle[1])


def colour_of(model: Model, squares: Squares, opened: Opened) -> Filling:
    """Return what the squares show on a picture."""
    return filling(model, squares.fill, opened.seen.x, squares.size, squares.seed)


def recentred(
    changes: Array, centres: Sequence[tuple[float, float]], squares: Squares, sides: Pair
) -> tuple[Array, Array]:
    """Return the mean of the maps, each moved so that its unit stands in the middle.

    And how many of them are known at each pixel; both (2 h + 1, 2 w + 1).
    changes: (K, rows, columns); NaN is not measured. A pixel's change is the mean over all squares that cover it.
    """
    high, wide = sides
    total, count = np.zeros((2 * high + 1, 2 * wide + 1)), np.zeros((2 * high + 1, 2 * wide + 1))
    for values, centre in zip(changes, centres, strict=True):
        pixels, is_known = over_pixels(values, squares.tops, squares.lefts, squares.size, sides)
        # A unit at the border of its map may have its middle outside of the picture.
        corner = (side - int(np.floor(at + 0.5)) for side, at in zip(sides, centre, strict=True))
        top, left = (min(max(first, 0), side + 1) for first, side in zip(corner, sides, strict=True))
        part = slice(top, top + high), slice(left, left + wide)
        total[part] += pixels
        count[part] += is_known
    return total / np.maximum(count, 1), count


def over_pixels(values: Array, tops: Array, lefts: Array, size: int, sides: Pair) -> tuple[Array, Array]:
    """Return (h, w) the mean of the values (rows, columns) of all squares that cover a pixel, and where there are any.

    NaN is no value.
    """
    rows, columns = (covers(firsts, size, side) for firsts, side in zip((tops, lefts), sides, strict=True))
    squares = rows.T @ ~np.isnan(values) @ columns
    return (rows.T @ np.nan_to_num(values) @ columns) / np.maximum(squares, 1), squares > 0
