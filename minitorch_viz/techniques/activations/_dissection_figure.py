"""The figure of a dissection: the best detectors with their pictures, and the concepts that have detectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz.drawing import (
    GAP,
    LABEL_SIZE,
    WIDTH,
    axes_at,
    in_rows,
    panels,
    show_image,
    start_sheet,
    text_width,
    wrapped,
)
from minitorch_viz.techniques.activations._dissection_trial import verdicts
from minitorch_viz.techniques.activations._dissection_words import in_categories

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minitorch_viz.techniques.activations.dissection import Dissection

UNITS, ACROSS = 12, 2  # detectors that are shown, and how many of them side by side
BARS = 34  # concepts with a bar
CHART = 2.6  # inches: the bars with their numbers
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#555555")  # Okabe and Ito's


def draw(result: Dissection, figure: Figure) -> None:
    """Draw pictures of the best detectors above, bars below."""
    names = _bars(result)
    labels = max((text_width(name, LABEL_SIZE) for name in names), default=0)
    high = CHART + labels
    units = _units(result)
    heading = f"{result.node}: {len(result.detectors)} of {len(result.iou)} units are detectors"
    if result.trials:
        agreeing, count = verdicts(result.trials)
        heading += f"; on trial {agreeing} of {count} labels stand"
    if result.shown is None or not units:
        start_sheet(figure, WIDTH, high + 1.0, heading)
    else:
        strips = [result.shown.strip(unit) for unit in units]
        titles = [f"unit {unit}: {result.meanings[unit]}, IoU {_iou(result, unit):.2f}" for unit in units]
        tall = strips[0].shape[0] / strips[0].shape[1]
        sheet = panels(
            figure,
            in_rows(titles, ACROSS),
            tall,
            heading=heading,
            size=LABEL_SIZE,
            side=4.8 * tall**0.5,
            bottom=high + 0.3,
            least=WIDTH,
        )
        for axes, strip in zip(sheet.axes.flat, strips, strict=False):
            show_image(axes, strip)
    height = figure.get_size_inches()[1]
    _draw_bars(result, names, axes_at(figure, 0.75, height - high + 0.12, WIDTH - 0.75 - GAP, CHART - 0.4))


def _iou(result: Dissection, unit: int) -> float:
    """Return the IoU of a unit's label."""
    place = result.formulas[unit].index(result.meanings[unit])
    return float(result.formula_ious[unit, place])


def _units(result: Dissection) -> list[int]:
    """Return the units that are shown: the best detector of each concept, then others; of none the best units."""
    order = result.detectors.tolist() or np.argsort(-np.nan_to_num(result.iou), kind="stable").tolist()
    order = [unit for unit in order if result.meanings[unit]]
    first = [unit for place, unit in enumerate(order) if result.concept[unit] not in result.concept[order[:place]]]
    return (first + [unit for unit in order if unit not in first])[:UNITS]


def _bars(result: Dissection) -> dict[str, int]:
    """Return how many units detect each concept, by category and then the most first."""
    counts: dict[str, int] = {}
    detected = result.concept[result.detectors]
    categories = list(result.unique(result.concept, result.iou))
    concepts, numbers = np.unique(detected, return_counts=True)
    pairs = zip(concepts.tolist(), numbers.tolist(), strict=True)
    for concept, number in sorted(
        pairs, key=lambda pair: (categories.index(result.categories[pair[0]]), -pair[1], pair[0])
    ):
        counts[result.names[concept]] = number
    return counts


def _draw_bars(result: Dissection, counts: dict[str, int], axes: Axes) -> None:
    """Draw a bar for each concept that has a detector."""
    if not counts:
        words = "no unit is a detector yet" if result.done < result.total else "no unit is a detector"
        axes.set_axis_off()
        axes.text(0.5, 0.5, words, ha="center", va="center", fontsize=LABEL_SIZE, transform=axes.transAxes)
        return
    shown = sorted(counts, key=lambda name: -counts[name])[:BARS]
    names = [name for name in counts if name in shown]
    categories = list(result.unique(result.concept, result.iou))
    category = dict(zip(result.names, result.categories, strict=True))
    colours = [COLOURS[categories.index(category[name]) % len(COLOURS)] for name in names]
    axes.bar(range(len(names)), [counts[name] for name in names], color=colours, width=0.8)
    axes.set_ylim(0, 1.45 * max(counts.values()))  # the legend stands above the bars
    axes.set_xlim(-0.7, max(len(names), 8) - 0.3)
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=LABEL_SIZE)
    axes.set_ylabel("units", fontsize=LABEL_SIZE)
    axes.locator_params(axis="y", integer=True)
    axes.tick_params(axis="y", labelsize=LABEL_SIZE - 1)
    axes.spines[["top", "right"]].set_visible(False)
    from matplotlib.patches import Patch

    unique = result.unique(result.concept, result.iou)
    patches = [
        Patch(color=COLOURS[place % len(COLOURS)], label=f"{name}: {number} concept{'s' * (number > 1)}")
        for place, (name, number) in enumerate(unique.items())
    ]
    axes.legend(handles=patches, fontsize=LABEL_SIZE, loc="upper right", frameon=False, ncols=2)
    title = f"detectors of {in_categories(unique)}" + f"; a bar each for the most frequent {BARS}" * (
        len(counts) > BARS
    )
    if len(result.rotated):
        rotated = result.unique(result.rotated_concept, result.rotated)
        count = int((result.rotated >= result.bar).sum())
        title += f"; in a random basis {count} axes, of {sum(rotated.values())} concepts"
    axes.set_title(wrapped(title, WIDTH - 1, LABEL_SIZE), fontsize=LABEL_SIZE, loc="left")
