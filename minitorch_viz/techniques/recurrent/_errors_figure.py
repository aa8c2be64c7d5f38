"""How errors are drawn: stacked bars of their kinds, the n-gram model beside, the context, and the ladder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz.drawing import LABEL_SIZE, NUMBER_SIZE, TITLE_SIZE, start_charts
from minitorch_viz.techniques.explain.letters import shown
from minitorch_viz.techniques.recurrent._errors_kinds import KINDS, by_letter, overlap, shares
from minitorch_viz.techniques.recurrent._errors_ladder import Rung

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minitorch_viz.techniques.recurrent.errors import Errors

COLOURS = ("#0072b2", "#56b4e9", "#009e73", "#e69f00", "#cc79a7")  # of the kinds with names
REST = ("#f4c7a1", "#eb9f6b", "#dd7640", "#bb4d1c", "#7f2c0b")  # of the rest, the least probable darkest
RIGHT = "#d0d4d8"
NET, GRAM = "#b2182b", "#404850"
LINES = ("#b2182b", "#0072b2", "#009e73", "#cc79a7", "#7b4fa3", "#e69f00", "#56b4e9", "#000000")
BARS = 12  # letters of which the net knows much more, or less
LINE = 0.065  # of a chart's height: a line of its legend
LEAST = 5  # times a letter must have come


def draw(result: Errors, figure: Figure) -> None:
    """Draw on an empty figure."""
    start_charts(figure, 11.0)
    grid = figure.add_gridspec(3, 2, height_ratios=[2.5, 3.2, 4.2], width_ratios=[1, 1])
    _kinds(figure.add_subplot(grid[0, :]), result)
    _overlap(figure.add_subplot(grid[1, 0]), result)
    _letters(figure.add_subplot(grid[1, 1]), result)
    _context(figure.add_subplot(grid[2, 0]), result)
    _ladder(figure.add_subplot(grid[2, 1]), result)


def _kinds(axes: Axes, result: Errors) -> None:
    of_errors, of_nats, right = shares(result.kinds, np.nan_to_num(result.nats))
    lefts = np.array([0.0, 0.0])
    for number, (name, colour) in enumerate(zip(KINDS, (*COLOURS, *REST), strict=True)):
        widths = 100 * np.array([of_errors[number], of_nats[number]])
        label = f"{name} {widths[0]:.1f} | {widths[1]:.1f} %"
        axes.barh([1, 0], widths, left=lefts, color=colour, edgecolor="white", linewidth=0.6, label=label)
        lefts = lefts + widths
    axes.barh([0], [100 * right], left=[lefts[1]], color=RIGHT, label=f"right letters - | {100 * right:.1f} %")
    axes.set_yticks([1, 0], ["share of errors", "share of nats"])
    axes.set(xlim=(0, 100), ylim=(-0.5, 1.5))
    axes.tick_params(labelsize=NUMBER_SIZE)
    axes.set_xlabel("% (in the legend: of errors | of nats)", fontsize=LABEL_SIZE)
    wrong = int((result.kinds >= 0).sum())
    axes.set_title(f"{result.net}: what its {wrong:,} errors in {result.read:,} letters are", fontsize=TITLE_SIZE)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.42), ncols=4, fontsize=NUMBER_SIZE, frameon=False)


def _overlap(axes: Axes, result: Errors) -> None:
    best = result.best
    axes.set_title("letters that are wrong", fontsize=TITLE_SIZE)
    if best is None or not result.read:
        _empty(axes)
        return
    counts = overlap(result.nats, result.gram_nats[best])
    percent = [100 * count / result.read for count in counts]
    names = ["both", "net alone", f"{best + 1}-gram alone"]
    bars = axes.barh(names, percent, color=["#8a6f9e", NET, GRAM])
    axes.bar_label(bars, [f"{share:.1f} %" for share in percent], padding=3, fontsize=NUMBER_SIZE)
    axes.invert_yaxis()
    axes.set_xlim(0, max(*percent, 1) * 1.25)
    axes.set_xlabel("% of the letters read", fontsize=LABEL_SIZE)
    axes.tick_params(labelsize=LABEL_SIZE)


def _letters(axes: Axes, result: Errors) -> None:
    best = result.best
    rows = [] if best is None else by_letter(result.text, result.nats, result.gram_nats[best], LEAST)
    if len(rows) > BARS:
        rows = [*rows[: BARS // 2], *rows[-BARS // 2 :]]
    name = "n" if best is None else str(best + 1)
    axes.set_title(f"mean probability: net less {name}-gram", fontsize=TITLE_SIZE)
    if not rows:
        _empty(axes)
        return
    gains = [net - gram for _, net, gram, _ in rows]
    axes.bar(range(len(rows)), gains, color=[NET if gain > 0 else GRAM for gain in gains])
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set_xticks(range(len(rows)), [shown(letter) for letter, *_ in rows], family="monospace", fontsize=LABEL_SIZE)
    axes.tick_params(axis="y", labelsize=NUMBER_SIZE)
    axes.set_xlabel("the letters that gain most and least", fontsize=LABEL_SIZE)


def _context(axes: Axes, result: Errors) -> None:
    grams = np.arange(len(result.gram_means))
    axes.plot(grams, result.gram_means, "s--", color=GRAM, markersize=5, label=f"n-grams, n = 1 to {len(grams)}")
    axes.plot(result.lengths, result.context_means, "o-", color=NET, markersize=5, label=result.net[:24])
    if np.isfinite(result.mean):
        axes.axhline(result.mean, color=NET, linewidth=1, linestyle=":", label=f"all it has read: {result.mean:.3f}")
    axes.set_xscale("symlog", linthresh=10, linscale=1.2)
    ticks = [tick for tick in (0, 2, 4, 6, 8, 10, 20, 50, 100, 200, 500, 1000) if tick <= max(result.lengths[-1], 10)]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.set_xlim(-0.4, max(result.lengths[-1], len(grams)) * 1.15)
    axes.set_title("how far back the context helps", fontsize=TITLE_SIZE)
    axes.set_xlabel("letters of context", fontsize=LABEL_SIZE)
    axes.set_ylabel("nats a letter", fontsize=LABEL_SIZE)
    _style(axes)


def _ladder(axes: Axes, result: Errors) -> None:
    axes.set_title("nats for seconds of training", fontsize=TITLE_SIZE)
    axes.set_xlabel("seconds (logarithmic)", fontsize=LABEL_SIZE)
    axes.set_ylabel("nats a letter", fontsize=LABEL_SIZE)
    axes.set_xscale("log")
    seconds = np.maximum(result.gram_seconds.each, 1e-3)
    means = result.gram_means[: len(seconds)]
    axes.plot(seconds, means, "s", color=GRAM, markersize=5, label=f"n-grams, n = 1 to {len(seconds)}")
    for rung, colour in zip(result.rungs, LINES, strict=False):
        _rung(axes, rung, colour)
    _style(axes)


def _rung(axes: Axes, rung: Rung, colour: str) -> None:
    kind = f" ({rung.kind})" if rung.kind != rung.name else ""
    label = f"{rung.name[:18]}{kind}: {rung.nats:.3f}"
    if rung.seconds is None:
        axes.axhline(rung.nats, color=colour, linewidth=1.4, label=label)
        return
    if len(rung.curve):
        axes.plot(rung.times, rung.curve, "-", color=colour, linewidth=1.4)
    axes.plot([rung.seconds], [rung.nats], "o", color=colour, markersize=8, label=label)


def _style(axes: Axes) -> None:
    axes.grid(color="#e3e7eb", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=NUMBER_SIZE)
    low, high = axes.get_ylim()
    lines = len(axes.get_legend_handles_labels()[0])
    axes.set_ylim(low, high + (high - low) * LINE * lines / (1 - LINE * lines))  # room for the legend
    axes.legend(fontsize=NUMBER_SIZE, frameon=False, loc="upper right")


def _empty(axes: Axes) -> None:
    axes.set_axis_off()
    axes.text(0.5, 0.5, "not measured yet", ha="center", va="center", fontsize=LABEL_SIZE, transform=axes.transAxes)
