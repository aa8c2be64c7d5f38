"""Filters as they are: of the first layer in the picture's colours, deeper ones one input channel beside another."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing import LABEL_SIZE, NUMBER_SIZE, in_rows, panels, show_image, signed_colour
from minitorch_viz.techniques.weights._filters_of import FilterResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Scale = Literal["each", "shared"]
COLUMNS = 12
SLICES = 12  # input channels of a filter that are drawn beside one another
ROWS = 24  # filters that have a row each
SIDE = 0.85  # inches of a filter
SLICE = 0.5  # inches of an input channel of a filter


@dataclass(frozen=True, eq=False)
class Filters(FilterResult):
    """Hold some filters of one layer."""

    scale: Scale

    @property
    def full_scales(self) -> Array:
        """Return (k,): the weight that is drawn at the end of the colours, for each filter."""
        largest = np.abs(self.weights).max(axis=(1, 2, 3))
        scales: Array = np.full_like(largest, largest.max()) if self.scale == "shared" else largest
        return np.where(scales > 0, scales, 1)

    @property
    def caption(self) -> str:
        _, channels, _, _ = self.weights.shape
        each = "each filter has" if self.scale == "each" else "all filters share"
        scale = f"{each} a scale of {'its own' if self.scale == 'each' else 'one weight'}, the largest magnitude"
        if self.colour:
            return (
                f"{self.shown} for each of red, green and blue, drawn in these colours: mid-grey is 0, brighter is "
                f"positive, darker negative; {scale}."
            )
        slices = (
            ""
            if channels == 1
            else f" Each row is one filter, and its first {self.slices} input channels of {channels}."
        )
        return f"{self.shown}: white is 0, red positive, blue negative; {scale}.{slices}"

    @property
    def slices(self) -> int:
        """Return how many input channels of each filter are drawn side by side: 1 if drawn as one picture."""
        return 1 if self.colour else min(self.weights.shape[1], SLICES)

    def drawn(self, figure: Figure) -> None:
        """Draw a sheet of filters; of deeper layers a row for each filter, and a column for each input channel."""
        count, _, high, wide = self.weights.shape
        numbers = [str(number) for number in self.numbers]
        full = "each at its own scale" if self.scale == "each" else f"full at ±{self.full_scales[0]:.2g}"
        heading = f"{count} of {self.of} filters of {self.node}, {full}"
        if self.slices == 1:
            rows = math.ceil(count / min(COLUMNS, math.ceil(math.sqrt(2 * count))))
            titles = in_rows(numbers, math.ceil(count / rows))  # as even rows as can be
            sheet = panels(figure, titles, high / wide, heading=heading, side=SIDE, size=NUMBER_SIZE)
        else:
            titles = [[""] * self.slices] * count
            sheet = panels(figure, titles, high / wide, heading=heading, side=SLICE, left=0.4)
        for weights, scale, number, row in zip(
            self.weights, self.full_scales, numbers, self._places(sheet.axes), strict=True
        ):
            colours = {"cmap": "RdBu_r", "vmin": -scale, "vmax": scale}
            if self.colour:
                show_image(row[0], signed_colour(weights, scale))
                continue
            for channel, panel in zip(weights, row, strict=False):
                show_image(panel, channel, **colours)
            if self.slices > 1:
                row[0].set_ylabel(number, fontsize=LABEL_SIZE, rotation=0, ha="right", va="center")

    def _places(self, axes: Array) -> list[Any]:
        """Return the axes of each filter."""
        return [[panel] for panel in axes.flat[: len(self.weights)]] if self.slices == 1 else list(axes)
