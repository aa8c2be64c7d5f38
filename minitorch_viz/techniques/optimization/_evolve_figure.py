"""What evolved pictures look like as a figure: the champions in rows, and below two charts over the generations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz.drawing import (
    GAP,
    LABEL_SIZE,
    NUMBER_SIZE,
    PAD,
    PALETTE,
    TITLE_SIZE,
    WIDTH,
    axes_at,
    show_image,
    start_sheet,
    text_height,
    wrapped,
)
from minitorch_viz.optimize.units import coloured
from minitorch_viz.techniques.optimization._evolve_words import percent
from minitorch_viz.techniques.optimization._targets import MOST

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minitorch_viz.techniques.optimization.evolve import Evolved

ACROSS, LARGE = 5, 4.2  # pictures in a row; inches of one alone
CHART, AXIS, UNDER = 1.9, 0.75, 0.55  # inches: a chart's height; its labels at the left, and below


def draw(result: Evolved, figure: Figure) -> None:
    """Draw the champions, each below its class and confidence, and the charts."""
    count = len(result.pixels)
    columns = count if count <= ACROSS else -(-count // -(-count // ACROSS))
    wide = min((WIDTH - GAP * (columns + 1)) / columns, LARGE)
    high = wide * result.pixels.shape[1] / result.pixels.shape[2]
    size = TITLE_SIZE if count <= 2 * ACROSS else LABEL_SIZE
    titles = [wrapped(title_of(result, number), wide, size, even=False) for number in range(count)]
    below = [wrapped(opinion.words, wide, NUMBER_SIZE, even=False) for opinion in result.opinions] or [""] * count
    rows = [slice(begin, begin + columns) for begin in range(0, count, columns)]
    over = [PAD + max(text_height(title, size) for title in titles[row]) for row in rows]
    under = [max(text_height(words, NUMBER_SIZE) for words in below[row]) for row in rows]
    height = GAP + sum(over) + sum(under) + len(rows) * (high + GAP + PAD)
    start_sheet(figure, WIDTH, height + CHART + UNDER + GAP)
    margin, top = (WIDTH - columns * (wide + GAP) + GAP) / 2, GAP
    for row, above, words_high in zip(rows, over, under, strict=True):
        top += above
        for column, number in enumerate(range(count)[row]):
            axes = axes_at(figure, margin + column * (wide + GAP), top, wide, high)
            show_image(axes, coloured(result.pixels[number]))
            axes.set_title(titles[number], fontsize=size, pad=72 * PAD, y=1.0)
            if below[number]:
                axes.set_xlabel(below[number], fontsize=NUMBER_SIZE, labelpad=72 * PAD / 2)
        top += high + PAD + words_high + GAP
    half = WIDTH / 2
    _confidences(axes_at(figure, AXIS + GAP, height + GAP, half - AXIS - 2 * GAP, CHART), result)
    _counts(axes_at(figure, half + AXIS, height + GAP, half - AXIS - 2 * GAP, CHART), result)


def title_of(result: Evolved, number: int) -> str:
    """Return what stands above a champion."""
    return f"{result.names[number]}\n{percent(float(result.confidences[number]))}"


def _confidences(axes: Axes, result: Evolved) -> None:
    """Draw the champions' probabilities over the generations."""
    steps, values = np.arange(1, result.total + 1), 100 * result.quantiles
    least, lower, median, upper, most = values.T
    if len(result.champions) > 1:
        axes.fill_between(steps, lower, upper, color=PALETTE[4], alpha=0.45, lw=0, label="middle half")
        axes.plot(steps, least, color="#777777", lw=1, ls=":", label="least and most")
        axes.plot(steps, most, color="#777777", lw=1, ls=":")
    axes.plot(steps, median, color=PALETTE[0], lw=2, label="median", marker=_marker(result))
    axes.set_ylim(-3, 103)
    axes.set_ylabel("probability, %", fontsize=LABEL_SIZE)
    axes.legend(fontsize=NUMBER_SIZE, loc="lower right", frameon=True, framealpha=0.8, edgecolor="none")
    _finish(axes, result)


def _counts(axes: Axes, result: Evolved) -> None:
    """Draw how many champions have at least 99 % over the generations."""
    count = len(result.champions)
    most = count if count <= 2 * MOST else max(10, 1.15 * np.nanmax(result.sure))
    axes.step(np.arange(1, result.total + 1), result.sure, where="post", color=PALETTE[5], lw=2, marker=_marker(result))
    axes.set_ylim(-0.03 * most, 1.03 * most)
    axes.set_ylabel(f"at least 99 %, of {count}", fontsize=LABEL_SIZE)
    axes.locator_params(axis="y", integer=True)
    _finish(axes, result)


def _marker(result: Evolved) -> str:
    """Return a dot for a single generation, which makes no line."""
    return "o" if result.done == 1 else ""


def _finish(axes: Axes, result: Evolved) -> None:
    axes.set_xlim(1, max(result.done, 2))
    axes.set_xlabel("generation", fontsize=LABEL_SIZE)
    axes.tick_params(labelsize=LABEL_SIZE - 1)
    axes.locator_params(axis="x", nbins=6, integer=True)
    axes.locator_params(axis="y", nbins=5)
    axes.spines[["top", "right"]].set_visible(False)
