"""How correspondence is drawn: the covered pictures, and a chart with a colour and a mark for each part."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz.drawing import (
    GAP,
    LABEL_SIZE,
    NUMBER_SIZE,
    PALETTE,
    TITLE_SIZE,
    WIDTH,
    axes_at,
    panels,
    proportions,
    show_image,
    text_width,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.techniques.activations.correspondence import Correspondence

MARKS = "osD^vP"
GREYS = ("#555555", "#999999")  # of the controls
SIDE = 1.25  # inches of a picture
ROW = 1.2  # for what a row shows
CHART = 3.1


def draw(result: Correspondence, figure: Figure) -> None:
    """Draw a row of pictures for each part and for a random place, and the chart below."""
    rows, shown = result.masked.shape[:2]
    tall = float(np.median([proportions(result.masked[0, i], result.pixel_aspects[i]) for i in range(shown)]))
    names = (*result.parts, "a random place")
    labels = [wrapped(f"{layer} ({units:,})", (WIDTH - 3.5) / len(result.layers), LABEL_SIZE)
              for layer, units in zip(result.layers, result.units, strict=True)]  # fmt: skip
    below = 0.3 + 0.18 * max(label.count("\n") + 1 for label in labels)
    sheet = panels(
        figure, [[""] * shown] * rows, tall, side=SIDE, left=ROW, bottom=CHART + below + 0.35, least=WIDTH,
        heading=f"how differently codes change where a part is covered, {result.done} pictures",
    )  # fmt: skip
    for row, name in enumerate(names):
        for number in range(shown):
            show_image(sheet.axes[row, number], result.masked[row, number], pixel_aspect=result.pixel_aspects[number])
        label = wrapped(name, ROW - GAP, LABEL_SIZE)
        sheet.axes[row, 0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=LABEL_SIZE)
    height = figure.get_size_inches()[1]
    legend = max(text_width(name, LABEL_SIZE) for name in result.conditions) + 0.6
    chart = axes_at(figure, 0.95, height - CHART - below, WIDTH - 0.95 - legend - GAP, CHART)
    count = len(result.conditions)
    for index, name in enumerate(result.conditions):
        control = index - (count - 2)
        colour = GREYS[control] if control >= 0 else PALETTE[index % len(MARKS)]
        mark = "x+"[control] if control >= 0 else MARKS[index % len(MARKS)]
        x = np.arange(len(result.layers)) + (index - (count - 1) / 2) * 0.7 / count
        errors = np.nan_to_num(result.errors[index])
        chart.errorbar(x, result.values[index], errors, fmt=mark, color=colour, ms=8, capsize=4, label=name, mew=2)
    chart.set_xticks(range(len(labels)), labels, fontsize=LABEL_SIZE)
    chart.set_xlim(-0.5, len(labels) - 0.5)
    chart.set_ylim(0, None)
    chart.tick_params(axis="y", labelsize=NUMBER_SIZE)
    chart.set_ylabel("share of units whose\nsigns differ; low: alike", fontsize=LABEL_SIZE)
    chart.grid(axis="y", color="0.9")
    chart.set_axisbelow(True)
    for side in ("top", "right"):
        chart.spines[side].set_visible(False)
    chart.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=LABEL_SIZE)
    chart.set_title("layer by layer, with standard errors", fontsize=TITLE_SIZE, y=1.0)
