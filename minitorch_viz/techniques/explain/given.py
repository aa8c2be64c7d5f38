"""What was looked at, where it is no photo: a row, a series, a picture of other channels, a prepared tensor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing.number_maps import NumberMap, draw_bars, draw_curves
from minitorch_viz.graph import channel_axis

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

Kind = Literal["photo", "channels", "row", "series"]
NUMBERS = ("row", "series")


@dataclass(frozen=True, eq=False)
class Given:
    """Hold what is to be known of an input to draw maps of it, and to speak of it."""

    kind: Kind
    values: Array  # (D,) of a row, (T, D) or (D, T) of a series, in the user's units; (C, H, W) of other channels
    names: tuple[str, ...]  # of the columns, of the numbers a step, of the channels
    steps: int = 0  # which axis of a series is time
    remark: str = ""  # a sentence: that a tensor is used as it is, which channels the picture shows

    @property
    def is_numbers(self) -> bool:
        """Return whether it is drawn as bars or curves and not as a picture."""
        return self.kind in NUMBERS

    @property
    def words(self) -> str:
        """Say how large it is: "4 columns", "60 steps of 2 numbers"."""
        if self.kind == "row":
            return f"{len(self.values)} column{'s' if len(self.values) != 1 else ''}"
        if self.kind == "series":
            numbers, steps = self.by_curve(self.values).shape
            return f"{steps} steps of {numbers} number{'s' if numbers != 1 else ''}"
        return f"{len(self.names)} channels"

    @property
    def noun(self) -> str:
        """Say what one of its places is called."""
        return "column" if self.kind == "row" else "step"

    def by_curve(self, values: Array) -> Array:
        """Return a map in the input's own shape as curves (C, T)."""
        return values.T if self.steps == 0 else values

    def over_steps(self, values: Array) -> Array:
        """Return one value a step (T,) in the input's own shape, the same for all numbers of a step."""
        row = values[:, None] if self.steps == 0 else values[None]
        return np.ascontiguousarray(np.broadcast_to(row, self.values.shape))


def steps_axis(model: Model) -> int:
    """Return which axis of a series is time, the batch not counted: 0 of (T, D), 1 of (D, T)."""
    return 0 if channel_axis(model.net.nodes, model.input) == -1 else 1


def level_of(model: Model) -> Callable[[float | Array, Any], Array]:
    """Return the function that gives the net's numbers (C, 1, 1) of a grey level; SettingError for numbers alone.

    Of maps that are read as `Numbers` the levels are those of pixels, brought to 0..1.
    """
    from minitorch_viz.models.readers import Bands, Numbers

    reader = model.reader()
    if isinstance(reader, Numbers) and len(reader.shape) == 3:
        return Bands((1, 1), reader.shape[0] or 1).level
    return model.preprocessing.level


def draw_numbers(figure: Figure, given: Given, maps: Sequence[NumberMap], heading: str, bottom: float = 0.0) -> None:
    """Draw maps of a row as bars, those of a series as colours behind its curves; bottom: inches left free below."""
    if given.kind == "row":
        draw_bars(figure, given.names, given.values, maps, heading, bottom)
        return
    curves = [replace(each, values=given.by_curve(each.values)) for each in maps]
    draw_curves(figure, given.names, given.by_curve(given.values), curves, heading, bottom)
