"""What evolved pictures look like as a figure: the champions in rows, and below two charts over the generations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz._types import Array
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
from minitorch_viz.techniques.optimization._evolve_words import SURE, percent
from minitorch_viz.techniques.optimization._targets import MOST

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minitorch_viz.techniques.optimization.evolve import Evolved

ACROSS, LARGE = 5, 4.2  # pictures in a row; inches of one alone
END, TICKS = 5.0, (1e-5, 1e-3, 0.1, 0.9, 0.99, 0.999, 0.99999)  # of the scale of odds: as far as it goes, its labels
CHART, AXIS, UNDER, OVER = 2.1, 0.95, 0.55, 0.25  # inches: a chart's height; its labels at the left, below and above


def draw(result: Evolved, figure: Figure) -> None:
    """Draw the champions, each below its class and confidence, and the charts."""
    count = len(result.pixels)
    columns = count if count <= ACROSS else -(-count // -(-count // ACROSS))
    wide = min((WIDTH - GAP * (columns + 1)) / columns, LARGE)
    high = min(wide * result.pixels.shape[1] / result.pixels.shape[2], 2 * wide)
    size = TITLE_SIZE if count <= 2 * ACROSS else LABEL_SIZE
    titles = [wrapped(title_of(result, number), wide, size, even=False) for number in range(count)]
    below = [wrapped(opinion.words, wide, NUMBER_SIZE, even=False) for opinion in result.opinions] or [""] * count
    rows = [slice(begin, begin + columns) for begin in range(0, count, columns)]
    over = [PAD + max(text_height(title, size) for title in titles[row]) for row in rows]
    under = [max(text_height(words, NUMBER_SIZE) for words in below[row]) for row in rows]
    height = GAP + sum(over) + sum(under) + len(rows) * (high + GAP + PAD)
    start_sheet(figure, WIDTH, height + OVER + CHART + UNDER + GAP)
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
    alone, half = len(result.champions) == 1, WIDTH / 2
    across = (WIDTH if alone else half) - AXIS - 2 * GAP
    _confidences(axes_at(figure, AXIS + GAP, height + OVER, across, CHART), result)
    if not alone:
        _counts(axes_at(figure, half + AXIS, height + OVER, half - AXIS - 2 * GAP, CHART), result)


def title_of(result: Evolved, number: int) -> str:
    """Return what stands above a champion."""
    return f"{result.names[number]}\n{percent(float(result.confidences[number]))}"


def _confidences(axes: Axes, result: Evolved) -> None:
    """Draw the champions' probabilities over the generations, on the scale of odds: both ends are seen."""
    steps = np.arange(1, result.total + 1)
    least, lower, median, upper, most = odds(result.quantiles).T
    axes.axhline(odds(SURE), color="#777777", lw=0.9, ls="--")
    axes.plot(steps, median, color=PALETTE[0], lw=2, label="median", marker=_marker(result))
    if len(result.champions) > 1:
        axes.fill_between(steps, lower, upper, color=PALETTE[4], alpha=0.45, lw=0, label="middle half")
        axes.plot(steps, least, color="#777777", lw=1, ls=":", label="least and most")
        axes.plot(steps, most, color="#777777", lw=1, ls=":")
        axes.legend(
            loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2, borderpad=0, ncols=3, columnspacing=1.2,
            handlelength=1.5, fontsize=NUMBER_SIZE, frameon=False,
        )  # fmt: skip
    bottom = min(-1.0, float(np.nanmin(least)))
    axes.set_ylim(bottom - 0.25, END + 0.25)
    axes.set_yticks([odds(share) for share in TICKS if odds(share) >= bottom])
    axes.set_yticklabels([f"{100 * share:g} %" for share in TICKS if odds(share) >= bottom])
    axes.set_ylabel("probability", fontsize=LABEL_SIZE)
    _finish(axes, result)


def odds(shares: Array | float) -> Any:
    """Return log10(p / (1 - p)), from -5 to 5: at an end beyond that."""
    clipped = np.clip(shares, 1 / (1 + 10**END), 1 / (1 + 10**-END))
    return np.log10(clipped / (1 - clipped))


def _counts(axes: Axes, result: Evolved) -> None:
    """Draw how many champions have at least 99 % over the generations."""
    count = len(result.champions)
    most = count if count <= 2 * MOST else max(10, 1.15 * np.nanmax(result.sure))
    axes.step(np.arange(1, result.total + 1), result.sure, where="post", color=PALETTE[5], lw=2, marker=_marker(result))
    axes.set_ylim(-0.03 * most, 1.03 * most)
    axes.set_ylabel(f"at least 99 %, of {count}", fontsize=LABEL_SIZE)
    axes.locator_params(axis="y", integer=True, nbins=5)
    _finish(axes, result)


def _marker(result: Evolved) -> str:
    """Return a dot for a single generation, which makes no line."""
    return "o" if result.done == 1 else ""


def _finish(axes: Axes, result: Evolved) -> None:
    axes.set_xlim(1, max(result.done, 2))
    axes.set_xlabel("generation", fontsize=LABEL_SIZE)
    axes.tick_params(labelsize=LABEL_SIZE - 1)
    axes.locator_params(axis="x", nbins=6, integer=True)
    axes.spines[["top", "right"]].set_visible(False)
