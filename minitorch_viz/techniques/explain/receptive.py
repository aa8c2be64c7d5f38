"""The receptive field: which pixels a unit can see at all, by following the windows of the layers down to the input."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from minitorch_viz import graph
from minitorch_viz._types import Pair
from minitorch_viz.graph import Tape
from minitorch_viz.layers.window import PIXELS, Field, Window
from minitorch_viz.net import Net
from minitorch_viz.techniques.subject import reads_numbers

if TYPE_CHECKING:
    from minitorch_viz.models import Model

__all__ = ["Field", "Geometry", "geometry", "receptive_field"]

Numbers = tuple[float, float]  # (vertical, horizontal): whole numbers, or halves, thirds, ... where maps are enlarged
Strides = tuple[Fraction, Fraction]


def receptive_field(net: Net, tape: Tape, node: str, position: Pair | Field | None) -> Field:
    """Return the pixels of the net's input, inside the image, that the unit of `node` at (row, column) can depend on.

    position: of several units the rectangle of their places; None for a node without places (a class score).
    Where a layer reads all of its map, or says nothing of
    its windows, the answer is the whole image.
    """
    (name,) = net.inputs
    field = graph.receptive_field(net.nodes, tape, node, position, name)
    return Field(0, 0, *tape[name].shape[2:]) if field is None else field


class Step(NamedTuple):
    """Describe a node on the way down: what a pixel of its output reads of each of its sources."""

    node: str
    window: Window
    sources: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Geometry:
    """Say where the units of a node look, in pixels of the net's input, as if the picture went on beyond its border.

    The unit at (row, column) sees `box((row, column))`, whose first pixel is offset + stride * (row, column) and whose
    sides are `size`. Pairs are (vertical, horizontal). Of several branches the box is what they see together. What
    padding adds lies outside the picture: `receptive_field` gives the part of a box that is inside.

    Above an enlarged map neighbours may see the same pixels, so that the stride is a fraction and boxes differ by a
    pixel; behind branches of different strides boxes grow along the map. There `is_even` is False, `size` is that of
    the largest box around the unit (0, 0), and `box` is exact all the same.

    Paper: Araujo, Norris, Sim 2019, "Computing receptive fields of convolutional neural networks".
    """

    node: str
    input: str
    steps: tuple[Step, ...]  # from the node down to the input

    def box(self, position: Pair | Field) -> Field:
        """Return the pixels that the unit at (row, column) sees, those beyond the border too; a Field is many units."""
        if not isinstance(position, Field):
            row, column = position
            position = Field(row, column, row + 1, column + 1)
        fields = {self.node: position}
        for step in self.steps:
            part = step.window.covers(fields.pop(step.node))
            for source in step.sources:
                fields[source] = part.union(fields.get(source)) or part
        return fields[self.input]

    def centre(self, position: Pair) -> Numbers:
        """Return the middle of a unit's box as (row, column): a whole number is the middle of a pixel."""
        box = self.box(position)
        return (box.top + box.bottom - 1) / 2, (box.left + box.right - 1) / 2

    @cached_property
    def size(self) -> Pair:
        """Return the sides of a unit's box."""
        boxes = [self.box((i, i)) for i in range(self._strides[1])]
        return max(box.bottom - box.top for box in boxes), max(box.right - box.left for box in boxes)

    @cached_property
    def stride(self) -> Numbers:
        """Return by how many pixels the boxes of neighbours are apart; of branches that differ the largest."""
        high, wide = (max(strides) for strides in zip(*self._strides[0], strict=True))
        return _number(high), _number(wide)

    @cached_property
    def offset(self) -> Pair:
        """Return the first row and column that the unit (0, 0) sees; below 0 it is padding."""
        top, left, *_ = self.box((0, 0))
        return top, left

    @property
    def padding(self) -> Pair:
        """Return the offset with its sign turned, as Araujo et al. tabulate it."""
        return -self.offset[0], -self.offset[1]

    @property
    def is_even(self) -> bool:
        """Return whether all boxes have one size and lie one stride apart."""
        strides, period = self._strides
        return len(strides) == 1 and period == 1

    @cached_property
    def _strides(self) -> tuple[set[Strides], int]:
        """Return the strides along each way down, and after how many units the pattern of boxes begins again."""
        strides: dict[str, set[Strides]] = {self.node: {(Fraction(1), Fraction(1))}}
        period = 1
        for step in self.steps:
            (high, wide), (up_high, up_wide) = step.window.stride, step.window.up
            below = {(rows * high / up_high, columns * wide / up_wide) for rows, columns in strides.pop(step.node)}
            period = math.lcm(period, *(stride.denominator for pair in below for stride in pair))
            for source in step.sources:
                strides.setdefault(source, set()).update(below)
        return strides[self.input], period


def geometry(model: Model, node: str) -> Geometry | None:
    """Return where the units of a node look: size, stride and offset of their boxes; None where they may see all.

    It needs no photo and no forward pass. None is returned where a layer on the way reads all of its map (a Linear, a
    global pooling) or says nothing of its windows; then every unit may depend on every pixel.

    Raises NetError for an unknown node, SettingError if the net has several inputs.

    >>> from minitorch_viz import load_model
    >>> field = geometry(load_model("digits"), "pool2")
    >>> field.size, field.stride, field.offset, field.box((1, 2)), field.centre((1, 2))
    ((6, 6), (2, 2), (-2, -2), Field(top=0, left=2, bottom=6, right=8), (2.5, 4.5))
    >>> geometry(load_model("digits"), "logits") is None
    True
    """
    net, name = model.net, model.input
    if reads_numbers(model):
        return None  # a row or a series has no pixels
    if node == name:
        return Geometry(node, name, ())
    net[node]  # NetError with near names
    way = graph.between(net.nodes, [name], [node])
    leading = {name, *(place.name for place in way)}
    windows, _ = graph.sights(way, {name: PIXELS})
    steps = []
    for place in reversed(way):
        window = windows[place.name]
        if window is None:
            return None
        steps.append(Step(place.name, window, tuple(dict.fromkeys(s for s in place.inputs if s in leading))))
    return Geometry(node, name, tuple(steps)) if steps else None


def _number(fraction: Fraction) -> float:
    """Return a whole number as an int, else a float."""
    return int(fraction) if fraction.denominator == 1 else float(fraction)
