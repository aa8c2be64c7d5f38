"""What the passport of a unit looks like as one figure: rows of patches, and charts in two columns below."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz.drawing import GAP, LABEL_SIZE, NUMBER_SIZE, PAD, TITLE_SIZE, WIDTH, axes_at, panels, wrapped
from minitorch_viz.techniques.explain.in_context import Link
from minitorch_viz.techniques.explain.patches import Patch, draw_beside, draw_patch
from minitorch_viz.techniques.explain.unit_page import Passported, effective_picture, number
from minitorch_viz.techniques.explain.unit_pictures import Effective

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ACROSS = 10  # patches in a row
HIGH = 1.75  # inches: a chart
TITLE = 0.42  # inches: its title, and the gap above
LABELS = 2.1  # inches: the names at the left of bars
FEW = 6  # bars of a chart
UP, DOWN = "#c0392b", "#2f6fb0"

Chart = Callable[["Axes"], None]


def draw(result: Passported, figure: Figure) -> None:
    """Draw the patches, what came back to them, and the charts."""
    charts = _charts(result)
    rows = -(-len(charts) // 2)
    titles: list[list[str | None]] = [_titles(result.patches)]
    guided = any(patch.beside is not None for patch in result.patches)
    titles += [_blank(result.patches)] * guided
    titles += [_titles(result.tenths)] * bool(result.tenths)
    passport = result.passport
    sheet = panels(
        figure,
        titles,
        1.0,
        heading=f"{result.passport.name} of {result.net}: strongest answers in {passport.pictures} pictures",
        size=NUMBER_SIZE,
        bottom=rows * (HIGH + TITLE + 0.25) + 0.1,
    )
    drawn = [(result.patches, draw_patch)] + [(result.patches, draw_beside)] * guided
    drawn += [(result.tenths, draw_patch)] * bool(result.tenths)
    for row, (patches, how) in zip(sheet.axes, drawn, strict=True):
        for axes, patch in zip(row, patches, strict=False):
            how(axes, patch)
    height = figure.get_size_inches()[1]
    top = height - rows * (HIGH + TITLE + 0.25)
    wide = (WIDTH - 3 * GAP) / 2
    for index, (title, chart, labelled) in enumerate(charts):
        left = GAP + (index % 2) * (wide + GAP) + (LABELS if labelled else 0.5)
        down = top + index // 2 * (HIGH + TITLE + 0.25) + TITLE
        axes = axes_at(figure, left, down, wide - (LABELS if labelled else 0.5) - 0.15, HIGH)
        chart(axes)
        axes.tick_params(labelsize=LABEL_SIZE - 1)
        axes.set_title(
            wrapped(title, wide - 0.2, TITLE_SIZE),
            fontsize=TITLE_SIZE,
            pad=72 * PAD,
            loc="right" if labelled else "left",
        )


def _titles(patches: Sequence[Patch]) -> list[str | None]:
    numbers: list[str | None] = [number(patch.value) for patch in patches[:ACROSS]]
    return numbers + [None] * (ACROSS - len(numbers))


def _blank(patches: Sequence[Patch]) -> list[str | None]:
    places: list[str | None] = [""] * len(patches[:ACROSS])
    return places + [None] * (ACROSS - len(places))


def _charts(result: Passported) -> list[tuple[str, Chart, bool]]:
    """Return (title, what draws it, whether its bars have names) of what there is to show."""
    passport = result.passport
    charts: list[tuple[str, Chart, bool]] = [
        (
            f"answers, above zero at {100 * passport.active:.3g} % of the places",
            lambda axes: _histogram(axes, result),
            False,
        )
    ]
    for name, energy in (("effective", result.energy), ("empirical", result.covered)):
        if energy is not None:
            words = f"{name} field, sigma {energy.sigma:.3g} pixels"
            charts.append((words, partial(_field, energy=energy, result=result), False))
    lists: list[tuple[str, Sequence[Link]]] = [
        ("adds up (weights)", passport.inputs),
        ("read by (weights)", passport.readers),
        ("answers alike (correlation)", passport.alike),
        ("weights alike (cosine)", passport.same_weights),
    ]
    for title, links in lists:
        if links:
            rows = [(link.words, link.value) for link in links[:FEW]]
            charts.append((title, lambda axes, rows=rows: _bars(axes, rows), True))  # type: ignore[misc]  # the default is its type
    if passport.classes:
        names = [(link.name, link.value) for link in passport.classes[:FEW]]
        charts.append(("classes that use it most", lambda axes: _bars(axes, names), True))
    if passport.falls:
        falls = [(fall.name, fall.by) for fall in passport.falls[:FEW]]
        charts.append(("without it these scores fall by", lambda axes: _bars(axes, falls), True))
    if result.silenced:
        scores = [(fall.name, -fall.by) for fall in result.silenced[:FEW]]
        charts.append((f"without it, on {result.photo}", lambda axes: _bars(axes, scores), True))
    return charts


def _histogram(axes: Axes, result: Passported) -> None:
    counts, edges = np.array(result.passport.counts), np.array(result.passport.edges)
    axes.stairs(np.log10(1 + counts), edges, fill=True, color="0.35")
    axes.set_ylabel("log10 of how many", fontsize=LABEL_SIZE - 1)
    axes.set_ylim(bottom=0)


def _field(axes: Axes, energy: Effective, result: Passported) -> None:
    from matplotlib.patches import Ellipse

    size = result.passport.field.whole if result.passport.field else (1, 1)
    extent = (-size[1] / 2, size[1] / 2, size[0] / 2, -size[0] / 2)
    axes.imshow(effective_picture(energy, size), extent=extent)
    axes.add_patch(Ellipse((0, 0), 2 * energy.sigma, 2 * energy.sigma, fill=False, edgecolor="#ffb000", lw=1.5))
    axes.locator_params(nbins=4)
    axes.set_anchor("W")


def _bars(axes: Axes, rows: Sequence[tuple[str, float]]) -> None:
    """Draw bars from the top down, red to the right and blue to the left of zero."""
    values = [value for _, value in rows]
    axes.barh(range(len(rows)), values, color=[UP if value >= 0 else DOWN for value in values])
    axes.set_yticks(range(len(rows)), [_short(name) for name, _ in rows])
    axes.set_ylim(FEW - 0.4, -0.6)
    axes.axvline(0, color="0.4", lw=0.8)
    axes.locator_params(axis="x", nbins=4)


def _short(name: str) -> str:
    return name if len(name) <= 27 else f"...{name[-24:]}" if name[-1].isdigit() else f"{name[:24]}..."
