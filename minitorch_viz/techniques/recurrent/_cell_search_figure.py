"""The figure of a search: a bar for each hypothesis, text in the colours of the best cells, the nets side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz.drawing import (
    GAP,
    LABEL_SIZE,
    NUMBER_SIZE,
    PALETTE,
    WIDTH,
    axes_at,
    start_sheet,
    text_height,
    text_width,
    wrapped,
)
from minitorch_viz.drawing.words import HEAD_SIZE
from minitorch_viz.techniques.recurrent._cell_search_words import cell_words, figure_words
from minitorch_viz.techniques.recurrent._cells_sheet import (
    BAR_LEFT,
    COLUMN,
    COLUMNS,
    Mark,
    Placed,
    Row,
    Scale,
    draw_bar,
    draw_lines,
    line_height,
    lines_of,
)
from minitorch_viz.techniques.recurrent._cells_span import runs

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    from minitorch_viz._types import Array
    from minitorch_viz.techniques.recurrent._cell_search_findings import Finding
    from minitorch_viz.techniques.recurrent.cell_search import CellSearch

BARS, BAR = 14, 0.3  # hypotheses with a bar, and inches of each
PASSAGES, LINES = 4, 5  # cells with text in their colours, and lines of it
AXIS = 0.86  # inches: the scale below the bars, and what they mean
CHART = 2.6  # inches: the nets side by side
BETWEEN = 0.18  # inches below a passage
SCALE = Scale(-1.0, 1.0, "RdBu_r", "tanh(c) or h")
FAILED = "\N{MULTIPLICATION SIGN}"  # beside a cell that reaches the bar, and does not follow what is inserted
FOUND, WEAK, RANDOM = PALETTE[0], "#9fb8c8", "#555555"


def draw(result: CellSearch, figure: Figure) -> None:
    """Draw bars above, passages below them, and the nets."""
    shown = [finding for finding in result.findings if finding.matches][:BARS]
    passages = (list(result.found) or shown)[:PASSAGES]
    heading = wrapped(_heading(result), WIDTH - 2 * GAP, HEAD_SIZE)
    top = text_height(heading, HEAD_SIZE) + GAP
    titles = [_title(finding) for finding in passages]
    heights = [line_height(1) * len(lines_of(finding.passage, 0, LINES)) for finding in passages]
    below = sum(text_height(title, LABEL_SIZE) + high + BETWEEN for title, high in zip(titles, heights, strict=True))
    bars = BAR * len(shown) + AXIS if shown else 1.2
    growth = CHART + 0.45 if result.sizes else 0.0
    start_sheet(figure, WIDTH, top + bars + max(below - 0.1, 0) + growth + GAP, heading)
    left = max((text_width(finding.name, LABEL_SIZE) for finding in shown), default=0) + 0.25
    right = max((1.1 * text_width(_label(finding), LABEL_SIZE) for finding in shown), default=0) + 0.2
    wide = WIDTH - left - right
    axes = axes_at(figure, left, top, wide, bars - AXIS if shown else bars - 0.1)
    if shown:
        _draw_bars(axes, shown)
    else:
        axes.set(xticks=[], yticks=[])
        backed = {"bbox": {"facecolor": "white", "edgecolor": "none"}}
        words = "the letters are being read" if result.done < result.total else "no hypothesis could be scored"
        axes.text(0.5, 0.5, words, ha="center", va="center", fontsize=HEAD_SIZE, transform=axes.transAxes, **backed)
        axes.add_patch(_hatched(axes))
    top += bars
    for number, (finding, title, high) in enumerate(zip(passages, titles, heights, strict=True)):
        top += text_height(title, LABEL_SIZE)
        _draw_passage(figure, finding, title, top, high, with_bar=number == 0)
        top += high + BETWEEN
    if result.sizes:
        _draw_growth(result, figure, top + 0.35)


def _heading(result: CellSearch) -> str:
    """Return what the figure says first."""
    if not result.findings:
        return f"{result.net}: {result.cells} cells, not scored yet"
    count = len(result.found)
    return f"{result.net}: {count} of {len(result.findings)} hypotheses have a cell among {result.cells}"


def _title(finding: Finding) -> str:
    """Return the line above a passage."""
    words = f"{finding.name}: {cell_words(finding)}; {_figure(finding)}"
    if finding.flip is not None:
        verdict = "passed" if finding.flip.passes else "failed"
        words += f"; flip test {verdict}, {100 * finding.flip.share:.0f} % of {finding.flip.places}"
    return wrapped(words, COLUMN * COLUMNS, LABEL_SIZE)


def _draw_passage(figure: Figure, finding: Finding, title: str, top: float, high: float, *, with_bar: bool) -> None:
    """Draw held-out text in the colours of the best cell, a line below where the hypothesis is true."""
    wide = COLUMN * COLUMNS
    axes = axes_at(figure, GAP, top, wide, high)
    axes.set_title(title, fontsize=LABEL_SIZE, loc="left", pad=3, y=1.0)
    row = Row("", SCALE.coloured(finding.passage_values))
    marks = [] if finding.is_number else stretches(finding.passage_truth)
    lines = lines_of(finding.passage, 0, LINES)
    draw_lines(axes, finding.passage, lines, [row], marks, wide, high)
    if with_bar:
        draw_bar(figure, Placed(GAP + BAR_LEFT, top, wide, max(high, 0.5), 0), SCALE, SCALE.label)


def stretches(truth: Array) -> list[Mark]:
    """Return the stretches of letters at which it is true, (n,) numbers above 0, to be underlined."""
    return [Mark(start, stop) for start, stop in runs(truth > 0).tolist()]


def _figure(finding: Finding) -> str:
    """Return the held-out figure as it is drawn."""
    return figure_words(finding).replace("^2", "\N{SUPERSCRIPT TWO}")


def _label(finding: Finding) -> str:
    """Return what stands beside a bar."""
    match = finding.matches[0]
    failed = f" {FAILED}" if finding.reaches_bar and not finding.is_found else ""
    return f"{_figure(finding)}  {match.node} cell {match.cell}{failed}"


def _draw_bars(axes: Axes, shown: list[Finding]) -> None:
    """Draw the held-out figures as shares of what is best, from chance on, and those of the random net."""
    rows = np.arange(len(shown))
    shares = np.array([share_of(finding.figure, finding) for finding in shown])
    controls = np.array([share_of(finding.control, finding) for finding in shown])
    axes.barh(rows, shares, 0.62, color=[FOUND if finding.is_found else WEAK for finding in shown])
    axes.barh(rows, controls, 0.2, color=RANDOM)
    axes.vlines([share_of(finding.bar, finding) for finding in shown], rows - 0.4, rows + 0.4, color="black", lw=1.2)
    for row, finding in enumerate(shown):
        weight = "bold" if finding.is_found else "normal"
        beside: Any = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "va": "center"}
        axes.annotate(_label(finding), (1, row), (6, 0), fontsize=LABEL_SIZE, fontweight=weight, **beside)
    axes.set(xlim=(0, 1), ylim=(len(shown) - 0.45, -0.55))
    axes.set_yticks(rows, [finding.name for finding in shown], fontsize=LABEL_SIZE)
    axes.set_xticks([0, 0.5, 1], ["AUC 0.5\nR² 0", "0.75\n0.5", "1\n1"], fontsize=NUMBER_SIZE)
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right"]].set_visible(False)
    words = "bar: held-out figure\npale: not found\nthin: a random net's\nblack line: what is asked"
    if any(finding.reaches_bar and not finding.is_found for finding in shown):
        words += f"\n{FAILED} fails its flip test"
    axes.annotate(
        words, (1, 0), (6, -4), xycoords="axes fraction", textcoords="offset points", va="top", fontsize=NUMBER_SIZE
    )


def share_of(figure: float | None, finding: Finding) -> float:
    """Return a figure from 0, chance or worse, to 1."""
    if figure is None:
        return 0.0
    share = figure if finding.is_number else 2 * figure - 1
    return float(np.clip(np.nan_to_num(share), 0, 1))


def _hatched(axes: Axes) -> Rectangle:
    """Return a hatched frame: what is not measured."""
    from matplotlib.patches import Rectangle

    return Rectangle((0, 0), 1, 1, transform=axes.transAxes, fill=False, hatch="//", edgecolor="#bbbbbb")


def draw_growth_alone(result: CellSearch, figure: Figure) -> None:
    """Draw the nets side by side on a figure of their own, for a page."""
    start_sheet(figure, WIDTH, CHART + 0.45)
    _draw_growth(result, figure, 0.35)


def _draw_growth(result: CellSearch, figure: Figure, top: float) -> None:
    """Draw the held-out figures of what any of the nets has, and the surprise of each net, by size."""
    from matplotlib.ticker import MaxNLocator

    places = np.arange(len(result.sizes))
    names = [f"{size.name}\n{size.cells} cells" for size in result.sizes]
    figures = np.array([size.figures for size in result.sizes])  # (S, K)
    best = [
        number
        for number, finding in enumerate(result.findings)
        if (np.nan_to_num(figures[:, number]) >= finding.bar).any()
    ][: len(PALETTE)]
    legend = max((text_width(result.findings[number].name, NUMBER_SIZE) for number in best), default=0) + 0.5
    wide = (WIDTH - 3 * GAP - 1.9 - legend) / 2
    left = axes_at(figure, 0.75, top, wide, CHART - 0.55)
    for colour, number in zip(PALETTE, best, strict=False):
        finding = result.findings[number]
        shares = [share_of(value, finding) for value in figures[:, number]]
        left.plot(places, shares, "o-", color=colour, label=finding.name)
    left.set(ylim=(0, 1.03), xlim=(-0.4, len(places) - 0.6))
    left.set_yticks([0, 0.5, 1], ["AUC 0.5\nR² 0", "0.75\n0.5", "1\n1"], fontsize=NUMBER_SIZE)
    left.set_title("best cell, held out", fontsize=LABEL_SIZE)
    if best:
        left.legend(fontsize=NUMBER_SIZE, frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5))
    right = axes_at(figure, 0.75 + wide + legend + 1.0, top, wide, CHART - 0.55)
    right.plot(places, [np.nan if size.nats is None else size.nats for size in result.sizes], "ko-")
    right.set_xlim(-0.4, len(places) - 0.6)
    right.set_title("nats a letter: less is better", fontsize=LABEL_SIZE)
    right.yaxis.set_major_locator(MaxNLocator(5))
    for axes in (left, right):
        axes.set_xticks(
            places, [wrapped(name, wide / len(places), NUMBER_SIZE) for name in names], fontsize=NUMBER_SIZE
        )
        axes.tick_params(labelsize=NUMBER_SIZE)
        axes.spines[["top", "right"]].set_visible(False)
