"""The ten numbers drawn as on a blackboard: a table of x, w and x + 0.5 w, and the products as bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz.drawing import GAP, LABEL_SIZE, NUMBER_SIZE, TITLE_SIZE, WIDTH, axes_at
from minitorch_viz.drawing.number_maps import AGAINST, FOR
from minitorch_viz.techniques.optimization._linear_explanation_words import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minitorch_viz.techniques.optimization._linear_explanation_ten import Ten

# Inches.
NAMES, SUMS = 1.35, 2.5  # left of the table for its names, right of it for the sums
ROW, SPACE = 0.36, 0.14  # a row of the table; the space between the rows before the step and those after it
BARS = 1.75
TEN_HIGH = 5 * ROW + 2 * SPACE + BARS + 0.1
PALE_FOR, PALE_AGAINST = "#f4c7b5", "#bdd7ea"


def draw_ten(ten: Ten, figure: Figure, top: float) -> None:
    """Draw the table and the bars from `top` inches on; column by column the bars stand below their numbers."""
    wide = WIDTH - NAMES - SUMS - GAP
    sums = [
        f"sum {short(score)}:  probability {chance:.2f}"
        for score, chance in zip(ten.scores, ten.probabilities, strict=True)
    ]
    rows = (
        ("x", ten.x, None, ""),
        ("w", ten.w, ten.w, ""),
        ("w x", ten.products[0], None, sums[0]),
        ("x + 0.5 w", ten.moved, ten.w, ""),
        ("w (x + 0.5 w)", ten.products[1], None, sums[1]),
    )
    for number, (name, values, signs, words) in enumerate(rows):
        at = top + number * ROW + SPACE * (number >= 3)
        axes = axes_at(figure, NAMES, at, wide, ROW)
        _draw_row(axes, values, signs)
        axes.text(-0.1 / wide, 0.5, name, ha="right", va="center", fontsize=TITLE_SIZE, transform=axes.transAxes)
        weight = "bold" if words else "normal"
        axes.text(
            1 + 0.15 / wide, 0.5, words, va="center", fontsize=LABEL_SIZE, fontweight=weight, transform=axes.transAxes
        )
    _draw_bars(axes_at(figure, NAMES, top + 5 * ROW + 2 * SPACE, wide, BARS), ten, wide)


def _draw_row(axes: Axes, values: np.ndarray, signs: np.ndarray | None) -> None:
    """Draw numbers in cells; signs: those of the weights, as colours."""
    axes.set(xlim=(-0.5, len(values) - 0.5), ylim=(0, 1), xticks=[], yticks=[])
    axes.spines[["left", "right", "top", "bottom"]].set_color("0.6")
    for place, value in enumerate(values):
        if signs is not None:
            axes.axvspan(place - 0.5, place + 0.5, color=PALE_FOR if signs[place] > 0 else PALE_AGAINST, lw=0)
        axes.axvline(place + 0.5, color="0.75", lw=0.8)
        axes.text(place, 0.48, short(float(value)), ha="center", va="center", fontsize=TITLE_SIZE)


def _draw_bars(axes: Axes, ten: Ten, wide: float) -> None:
    """Draw the products before and after the step side by side: each has risen by as much."""
    places = np.arange(len(ten.x))
    before, after = ten.products
    for shift, products, up, down in ((-0.19, before, PALE_FOR, PALE_AGAINST), (0.19, after, FOR, AGAINST)):
        colours = [up if value > 0 else down for value in products]
        axes.bar(places + shift, products, width=0.36, color=colours)
    axes.axhline(0, color="0.3", lw=0.9)
    axes.set(xlim=(-0.5, len(places) - 0.5), xticks=[])
    axes.locator_params(axis="y", nbins=6)
    axes.tick_params(labelsize=NUMBER_SIZE)
    axes.set_ylabel("products", fontsize=LABEL_SIZE)
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    words = (
        "pale: before, full: after.\nEach of the ten has risen\nby 0.5 only; the sum\nby 5, and the answer\n"
        "is the other one."
    )
    axes.text(1 + 0.15 / wide, 0.95, words, va="top", fontsize=LABEL_SIZE, transform=axes.transAxes)
