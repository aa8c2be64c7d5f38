"""How gates are drawn: a row a layer, in it a scatter over a histogram for each gate, and the half-lives beside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing import LABEL_SIZE, NUMBER_SIZE, TITLE_SIZE, start_charts
from minitorch_viz.techniques.recurrent._gates_tally import BINS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minitorch_viz.techniques.recurrent.gates import Gates

COLOURS = {"i": "#0072b2", "f": "#d55e00", "o": "#009e73", "r": "#0072b2", "z": "#d55e00"}
LIFE = "#7b4fa3"
ENDLESS = "#1b1f24"
ROW = 4.6  # inches: a layer
SHORTEST, LONGEST = -1, 4  # powers of ten: half-lives that the scale holds, in letters
EACH = 5  # bars of a power of ten


def draw(result: Gates, figure: Figure) -> None:
    """Draw on an empty figure."""
    layers = list(dict.fromkeys(gate.node for gate in result.gates))
    columns = max(sum(gate.node == name for gate in result.gates) for name in layers) + 1
    start_charts(figure, ROW * len(layers) + 0.3)
    kinds = [2.0, 1.25] * len(layers)
    grid = figure.add_gridspec(len(kinds), columns, height_ratios=kinds)
    for row, name in enumerate(layers):
        numbers = [number for number, gate in enumerate(result.gates) if gate.node == name]
        for column, number in enumerate(numbers):
            scatter = figure.add_subplot(grid[2 * row, column])
            _scatter(scatter, result, number, column == 0)
            _histogram(figure.add_subplot(grid[2 * row + 1, column]), result, number, column == 0)
        keeper = next(place for place, gate in enumerate(result.keepers) if gate.node == name)
        _lives(figure.add_subplot(grid[2 * row : 2 * row + 2, len(numbers) :]), result, keeper)


def _scatter(axes: Axes, result: Gates, number: int, first: bool) -> None:
    gate, left, right = result.gates[number], result.left[number], result.right[number]
    axes.plot([0, 1], [1, 0], color="#a0a8b0", linewidth=1)
    axes.scatter(left, right, s=16, color=COLOURS[gate.letter], alpha=0.45, linewidths=0, clip_on=False, zorder=3)
    axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axes.set_title(f"{gate.node}\n{gate.words} {gate.letter}", fontsize=TITLE_SIZE)
    axes.set_xlabel(f"left-saturated\n(mean {left.mean():.1%})", fontsize=LABEL_SIZE)
    words = f"right-saturated\n(mean {right.mean():.1%})"
    axes.set_ylabel(words, fontsize=LABEL_SIZE)
    _ticks(axes, [0, 0.5, 1], [0, 0.5, 1] if first else [])


def _histogram(axes: Axes, result: Gates, number: int, first: bool) -> None:
    gate, counts = result.gates[number], result.counts[number]
    edges = np.linspace(0, 1, BINS + 1)
    shares = 100 * counts / max(counts.sum(), 1)
    axes.bar(edges[:-1], shares, width=1 / BINS, align="edge", color=COLOURS[gate.letter])
    for limit in (result.low, result.high):
        axes.axvline(limit, color="#57606a", linewidth=1, linestyle=":")
    axes.set_xlim(0, 1)
    axes.set_xlabel("shut             open", fontsize=LABEL_SIZE)
    if first:
        axes.set_ylabel("% of values", fontsize=LABEL_SIZE)
    axes.tick_params(labelsize=NUMBER_SIZE)
    axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.locator_params(axis="y", nbins=4)


def _lives(axes: Axes, result: Gates, keeper: int) -> None:
    gate, lives = result.keepers[keeper], result.half_lives[keeper]
    edges = 10 ** np.linspace(SHORTEST, LONGEST, EACH * (LONGEST - SHORTEST) + 1)
    widest = edges[1] / edges[0]
    counts = np.histogram(np.clip(lives[np.isfinite(lives)], edges[0], edges[-1]), edges)[0]
    axes.bar(edges[:-1], counts, width=np.diff(edges), align="edge", color=LIFE, edgecolor="white", linewidth=0.5)
    endless = int(np.isinf(lives).sum())
    place = edges[-1] * widest
    axes.bar([place], [endless], width=place * (widest - 1), align="edge", color=ENDLESS)
    axes.set_xscale("log")
    axes.set_xlim(edges[0], place * widest)
    axes.set_title(f"{gate.node}\nhalf-lives, by {gate.letter}", fontsize=TITLE_SIZE)
    axes.set_xlabel("letters until half\nis forgotten", fontsize=LABEL_SIZE)
    axes.set_ylabel("cells", fontsize=LABEL_SIZE)
    axes.tick_params(labelsize=NUMBER_SIZE)
    ticks = [10.0**power for power in range(SHORTEST, LONGEST)]
    axes.set_xticks([*ticks, place * widest**0.5], [*(f"{tick:g}" for tick in ticks), "\N{INFINITY}"])
    axes.minorticks_off()
    axes.locator_params(axis="y", integer=True)
    _mark(axes, lives, endless)


def _mark(axes: Axes, lives: Array, endless: int) -> None:
    """Say the median, and how many are beyond the scale."""
    middle = float(np.median(lives))
    words = f"median {middle:.3g}" if np.isfinite(middle) else "median infinite"
    beyond = int((lives[np.isfinite(lives)] > 10**LONGEST).sum())
    lines = [words, f"{beyond} above {10**LONGEST:,}", f"{endless} infinite"]
    if np.isfinite(middle):
        axes.axvline(min(max(middle, 10.0**SHORTEST), 10.0**LONGEST), color=ENDLESS, linewidth=1, linestyle="--")
    axes.set_ylim(0, axes.get_ylim()[1] * 1.35)
    box = {"facecolor": "white", "edgecolor": "none", "pad": 2}
    place: dict[str, Any] = {"transform": axes.transAxes, "ha": "right", "va": "top", "bbox": box}
    axes.text(0.97, 0.98, "\n".join(lines), fontsize=NUMBER_SIZE, **place)


def _ticks(axes: Axes, across: list[float], up: list[float]) -> None:
    axes.set_xticks(across, [f"{tick:g}" for tick in across])
    axes.set_yticks([0, 0.5, 1], [f"{tick:g}" for tick in up] or ["", "", ""])
    axes.tick_params(labelsize=NUMBER_SIZE)
