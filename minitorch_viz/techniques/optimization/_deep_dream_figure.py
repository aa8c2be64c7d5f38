"""The figure of a dream: the photo and what has become of it, the octaves on the way, and how the score rose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz.drawing import (
    GAP,
    LABEL_SIZE,
    PALETTE,
    TITLE_SIZE,
    WIDTH,
    axes_at,
    picture_size,
    show_image,
    start_sheet,
    text_height,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minitorch_viz.techniques.optimization.deep_dream import DeepDream

LARGE, SMALL = 4.8, 2.3  # inches: the side of a square picture
CHART = 2.6  # inches: the height of the chart with its labels
ACROSS = 4  # octaves in a row, at most
LINES = 40  # between octaves, at most; of a longer zoom between dreams


def plot(result: DeepDream, figure: Figure) -> None:
    """Draw the photo and the dream large, the octaves small, and the score of each step."""
    tall = result.dream.shape[0] / result.dream.shape[1]
    start = "noise" if result.from_noise else "the photo"
    top_row = [(result.start, start), (result.dream, f"the dream of {result.net}{_zooms(result)}")]
    if result.guide is not None:
        top_row.insert(1, (result.guide, "the guide"))
    shown = result.octaves[:-1] if result.done == result.total else result.octaves
    sizes = result.sizes[: len(shown)]
    small = [
        (picture, f"after octave {number}: {height} x {width}")
        for number, (picture, (height, width)) in enumerate(zip(shown, sizes, strict=True), 1)
    ]
    rows = [top_row, *(small[begin : begin + ACROSS] for begin in range(0, len(small), ACROSS))]
    sides = [LARGE, *[SMALL] * (len(rows) - 1)]
    places, high = [], GAP
    for row, side in zip(rows, sides, strict=True):
        columns = len(row) if side == LARGE else min(ACROSS, max(3, len(small)))
        room = (WIDTH - GAP * (columns + 1)) / columns
        wide, picture_high = picture_size(tall, side, room, 1 / 12)
        titles = [wrapped(title, wide, TITLE_SIZE) for _, title in row]
        words = max(text_height(title, TITLE_SIZE) for title in titles)
        left = (WIDTH - len(row) * (wide + GAP) + GAP) / 2
        for column, ((picture, _), title) in enumerate(zip(row, titles, strict=True)):
            at = (left + column * (wide + GAP), high + words + 0.06, wide, picture_high)
            places.append((at, picture, title))
        high += words + 0.06 + picture_high + GAP
    start_sheet(figure, WIDTH, high + CHART)
    for at, picture, title in places:
        axes = axes_at(figure, *at)
        axes.set_anchor("N")
        show_image(axes, picture)
        axes.set_title(title, fontsize=TITLE_SIZE, pad=4, y=1.0)
    _chart(result, axes_at(figure, 1.0, high + 0.45, WIDTH - 1.3, CHART - 1.1))


def _zooms(result: DeepDream) -> str:
    """Say how often the dream was enlarged so far."""
    number = min((max(result.done, 1) - 1) // (len(result.sizes) * result.iterations), result.zoom)
    return f", enlarged {number} times" if number > 1 else ", enlarged once" if number else ""


def _chart(result: DeepDream, axes: Axes) -> None:
    """Draw the score before each step; each octave begins anew, since what is climbed is another picture's."""
    steps = np.arange(1, result.total + 1)
    for begin in range(0, result.total, result.iterations):
        part = slice(begin, begin + result.iterations)
        axes.plot(steps[part], result.scores[part], ".-", color=PALETTE[0], lw=1.5, ms=4)
    lines = {"an octave": result.iterations, "a dream": result.iterations * len(result.sizes)}
    begins, between = next(
        ((noun, steps) for noun, steps in lines.items() if result.total <= LINES * steps), ("", result.total)
    )
    for begin in range(between, result.total, between):
        axes.axvline(begin + 0.5, color="0.8", lw=1)
    if result.done < result.total:
        axes.axvspan(result.done + 0.5, result.total + 0.5, facecolor="none", edgecolor="0.75", hatch="//", lw=0)
    axes.set_xlim(0.5, result.total + 0.5)
    axes.set_ylim(bottom=min(0.0, float(np.nanmin(result.scores))))
    axes.set_xlabel("step", fontsize=LABEL_SIZE)
    words = f"; a line where {begins} begins" if begins else ""
    axes.set_title(f"the score a pixel, before each step{words}", fontsize=TITLE_SIZE)
    axes.tick_params(labelsize=LABEL_SIZE - 1)
    axes.locator_params(axis="y", nbins=4)
    axes.ticklabel_format(axis="y", scilimits=(-2, 4))
    axes.spines[["top", "right"]].set_visible(False)
