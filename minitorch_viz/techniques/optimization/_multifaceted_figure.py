"""What facets look like as a figure: a row each, natural pictures, their mean, the picture; below, map and scores."""

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

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minitorch_viz.techniques.optimization.multifaceted import FacetPictures

ACROSS = 3  # natural pictures side by side, in two rows
CHART, AXIS = 2.2, 0.75  # inches: the charts' height; their labels at the left
MARKERS = "os^DvPX*<>"


def draw(result: FacetPictures, figure: Figure) -> None:
    """Draw a row for each facet, and below them the map of its pictures and how the scores rose."""
    small = (WIDTH - 4 * GAP - (ACROSS + 2) * PAD) / (ACROSS + 4)
    side = 2 * small + PAD
    high = min(side * result.size[0] / result.size[1], 2 * side)
    wide = high * result.size[1] / result.size[0]
    titles = [
        [wrapped(words, wide, NUMBER_SIZE, even=False) for words in _titles(result, i)]
        for i in range(len(result.pixels))
    ]
    natural = [wrapped(_of_facet(result, i), ACROSS * small, TITLE_SIZE, even=False) for i in range(len(titles))]
    over = PAD + max(
        max(text_height(title, NUMBER_SIZE) for row in titles for title in row),
        max(text_height(title, TITLE_SIZE) for title in natural),
    )
    row_high = over + max(high, side) + GAP
    start_sheet(figure, WIDTH, GAP + len(titles) * row_high + CHART + 0.75)
    for facet, row in enumerate(titles):
        top = GAP + facet * row_high + over
        for place, picture in enumerate(result.examples[facet]):
            left = GAP + place % ACROSS * (small + PAD)
            axes = axes_at(figure, left, top + place // ACROSS * (small + PAD), small, small)
            show_image(axes, picture)
            if place == 0:
                axes.set_title(
                    natural[facet], fontsize=TITLE_SIZE, pad=72 * PAD, y=1.0, loc="left", color=_colour(facet)
                )
        left = 2 * GAP + ACROSS * (small + PAD)
        for pixels, title in zip((result.means[facet], result.pixels[facet]), row, strict=True):
            axes = axes_at(figure, left, top, wide, high)
            show_image(axes, coloured(pixels))
            axes.set_title(title, fontsize=NUMBER_SIZE, pad=72 * PAD, y=1.0)
            left += wide + GAP
    down, half = GAP + len(titles) * row_high + 0.2, WIDTH / 2
    _map(axes_at(figure, GAP + AXIS, down, half - GAP - AXIS - 0.3, CHART), result)
    _scores(axes_at(figure, half + AXIS, down, half - GAP - AXIS, CHART), result)


def _of_facet(result: FacetPictures, facet: int) -> str:
    """Return what stands above a facet's natural pictures."""
    count = int(result.facets.counts[facet])
    return f"facet {facet + 1}: {count} picture{'' if count == 1 else 's'}"


def _titles(result: FacetPictures, facet: int) -> tuple[str, str]:
    """Return what stands above a facet's mean and its picture: their scores."""
    before, after = (
        "" if np.isnan(value) else f"score {value:.3g}" for value in (result.before[facet], result.after[facet])
    )
    probability = result.probabilities[facet]
    after += "" if np.isnan(probability) else f", probability {probability:.2g}"
    return f"their mean\n{before}".strip(), f"made from it\n{after}".strip()


def _map(axes: Axes, result: FacetPictures) -> None:
    """Draw where the pictures lie by their codes, a marker and a colour for each facet."""
    facets = result.facets
    for facet in range(len(facets.nearest)):
        rows = facets.places[facets.groups == facet]
        axes.scatter(
            rows[:, 0], rows[:, 1], s=26, color=_colour(facet), marker=MARKERS[facet], label=f"{facet + 1}", lw=0
        )
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlabel("map of the pictures' codes", fontsize=LABEL_SIZE)
    if len(facets.numbers):
        axes.legend(
            title="facet", fontsize=NUMBER_SIZE, title_fontsize=NUMBER_SIZE, loc="center right",
            bbox_to_anchor=(-0.02, 0.5), frameon=False, handletextpad=0.1,
        )  # fmt: skip


def _scores(axes: Axes, result: FacetPictures) -> None:
    """Draw the score of what the net saw in each step, a line a facet."""
    steps = np.arange(1, len(result.scores) + 1)
    for facet, scores in enumerate(result.scores.T):
        axes.plot(steps, scores, color=_colour(facet), lw=1.4)
    axes.set_xlim(0, max(len(steps), 2))
    axes.set_xlabel("step", fontsize=LABEL_SIZE)
    axes.set_ylabel("score", fontsize=LABEL_SIZE)
    axes.tick_params(labelsize=LABEL_SIZE - 1)
    axes.locator_params(axis="y", nbins=5)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _colour(facet: int) -> str:
    return PALETTE[facet % len(PALETTE)]
