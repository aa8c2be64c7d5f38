"""The charts of a linear explanation: growth with the dimension, the straight line against the truth, running sums."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing import GAP, LABEL_SIZE, NUMBER_SIZE, PALETTE, TITLE_SIZE, WIDTH, axes_at, wrapped
from minitorch_viz.techniques.optimization._linear_explanation_words import eps_words, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minitorch_viz.techniques.optimization.linear_explanation import LinearExplanation

# Inches.
LEFT, UNDER = 0.85, 0.55  # for a chart's numbers and labels
GROWTH, BESIDE = 2.7, 3.3  # height of the chart; width of the words beside it
GROWTH_HIGH = GROWTH + UNDER
TITLE, LINE, ERROR = 0.55, 2.1, 0.95
LINE_HIGH = TITLE + LINE + UNDER + ERROR + UNDER
LEAST_ERROR = 1.0  # per cent: what is less is drawn as what it is, next to nothing
SIGNS, CHANCE, TRUTH, STEP = PALETTE[5], PALETTE[0], "black", "0.55"


def draw_growth(result: LinearExplanation, figure: Figure, top: float) -> None:
    """Draw what a step of eps adds up to, against how many numbers there are, beside what random signs do."""
    growth, wide = result.growth, WIDTH - LEFT - BESIDE - 2 * GAP
    axes = axes_at(figure, LEFT, top, wide, GROWTH)
    low, high = growth.along.min(axis=1), growth.along.max(axis=1)
    root = np.sqrt((growth.random**2).mean(axis=1))
    axes.fill_between(growth.sizes, low, high, color=SIGNS, alpha=0.25, lw=0)
    axes.plot(growth.sizes, growth.line(result.eps), "--", color=SIGNS, lw=1.3)
    axes.plot(growth.sizes, growth.along.mean(axis=1), "o", color=SIGNS, ms=5, label="along the signs of the weights")
    axes.plot(growth.sizes, growth.curve(result.eps), "--", color=CHANCE, lw=1.3)
    axes.plot(growth.sizes, root, "s", color=CHANCE, ms=4.5, label="random signs (root of the mean square)")
    positive = result.weights.any()
    if positive:
        axes.set(xscale="log", yscale="log")
    need = result.border - result.value
    if np.isfinite(need) and need > 0 and positive:
        axes.axhline(need, color="0.3", lw=1, ls=":")
        axes.text(growth.sizes[0], need, " what turns the answer", va="bottom", fontsize=NUMBER_SIZE, color="0.2")
        axes.set_ylim(top=2 * max(need, float(growth.along.max())))
    _count(axes, growth.sizes)
    axes.set_xlabel("numbers that are moved, d", fontsize=LABEL_SIZE)
    axes.set_ylabel("change of the value", fontsize=LABEL_SIZE)
    _finish(axes)
    axes.legend(fontsize=NUMBER_SIZE, loc="lower right", frameon=False)
    ratio = growth.line(result.eps)[-1] / growth.curve(result.eps)[-1] if positive else 0.0
    words = (
        "Dashed, the theory: each number adds eps x mean |w|, and d of them",
        f"eps x {short(growth.mean)} x d = {short(growth.line(result.eps)[-1])}",
        "of all. Random signs cancel and leave",
        f"eps x {short(growth.root)} x \N{SQUARE ROOT}d = {short(growth.curve(result.eps)[-1])},",
        f"{short(ratio)} times less. Points: the net's own weights, d of them drawn by chance, "
        f"{growth.along.shape[1]} times.",
    )
    text = "\n".join(wrapped(line, BESIDE - GAP, LABEL_SIZE, even=False) for line in words)
    axes.text(1 + 0.25 / wide, 0.98, text, va="top", fontsize=LABEL_SIZE, transform=axes.transAxes, linespacing=1.35)


def draw_line(result: LinearExplanation, figure: Figure, top: float) -> None:
    """Draw the running sum of the products, and the value along the step with the straight line's error below it."""
    wide = (WIDTH - 2 * LEFT - 2 * GAP) / 2
    _draw_running_sum(result, axes_at(figure, LEFT, top + TITLE, wide, LINE + UNDER + ERROR))
    right = 2 * LEFT + wide + GAP
    _draw_values(result, axes_at(figure, right, top + TITLE, wide, LINE))
    _draw_errors(result, axes_at(figure, right, top + TITLE + LINE + UNDER, wide, ERROR))


def _draw_running_sum(result: LinearExplanation, axes: Axes) -> None:
    """Draw the sums over ever more numbers, the largest weights first, before and after the step."""
    order = np.argsort(-np.abs(result.weights).ravel(), kind="stable")
    products, effect = (values.ravel()[order] for values in (result.products, result.effect))
    count = np.arange(len(order) + 1)
    before, added = (np.concatenate([[0.0], values.cumsum()]) for values in (products, effect))
    axes.plot(count, before + result.rest, color=CHANCE, lw=1.4, label="before")
    after = "after" if result.is_linear else "after, if the line were right"
    axes.plot(count, before + added + result.rest, color=SIGNS, lw=1.4, label=after)
    axes.plot(count, added, color=TRUTH, lw=1.2, ls="--", label="their difference")
    if np.isfinite(result.border):
        axes.axhline(result.border, color="0.4", lw=1, ls=":")
    axes.set_title("sum of weight x number, largest weights first", fontsize=TITLE_SIZE, y=1.0)
    axes.set_xlabel("numbers added up", fontsize=LABEL_SIZE)
    axes.set_ylabel("value so far", fontsize=LABEL_SIZE)
    axes.locator_params(axis="x", nbins=5)
    _finish(axes)
    _legend_at_top(axes, 0.2)


def _draw_values(result: LinearExplanation, axes: Axes) -> None:
    """Draw what the net gives along the step, what the straight line says, and random signs."""
    walk = result.along
    axes.plot(walk.lengths, walk.straight, "--", color=SIGNS, lw=1.4, label="the straight line")
    if walk.clipped.max() > 0:
        axes.plot(walk.lengths, walk.kept, ":", color=SIGNS, lw=1.6, label="the line, clipped")
    axes.plot(walk.lengths, walk.values, "o-", color=TRUTH, ms=3, lw=1.2, label="the net")
    random = np.stack([draw.values for draw in result.random])
    axes.fill_between(walk.lengths, random.min(axis=0), random.max(axis=0), color=CHANCE, alpha=0.2, lw=0)
    axes.plot(walk.lengths, random.mean(axis=0), "s-", color=CHANCE, ms=2.5, lw=1, label="the net, random signs")
    if np.isfinite(result.border):
        axes.axhline(result.border, color="0.4", lw=1, ls=":")
    axes.axvline(result.eps, color=STEP, lw=1.2)
    axes.set_title(wrapped(result.quantity, 4.2, TITLE_SIZE), fontsize=TITLE_SIZE, y=1.0)
    axes.set_xlim(*_range(result))
    axes.set_xticklabels([])
    _finish(axes)
    _legend_at_top(axes, 0.12)


def _draw_errors(result: LinearExplanation, axes: Axes) -> None:
    """Draw the error of the straight line, and the share of the ReLUs that have switched."""
    walk = result.along
    axes.plot(walk.lengths, 100 * walk.errors, "o-", color=TRUTH, ms=3, lw=1.2, label="error of the line")
    if np.isfinite(walk.switched).any():
        axes.plot(walk.lengths, 100 * walk.switched, "-", color=PALETTE[2], lw=1.6, label="ReLUs switched")
    axes.axhline(0, color="0.6", lw=0.8)
    axes.axvline(result.eps, color=STEP, lw=1.2)
    axes.set_xlabel(f"eps (shown: {eps_words(result)})", fontsize=LABEL_SIZE)
    axes.set_ylabel("%", fontsize=LABEL_SIZE)
    axes.set_xlim(*_range(result))
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, -LEAST_ERROR), max(high, LEAST_ERROR))
    _finish(axes)
    axes.legend(fontsize=NUMBER_SIZE, loc="best", framealpha=0.85, edgecolor="none")


def _count(axes: Axes, sizes: Array) -> None:
    """Write numbers of things on the axis, not powers."""
    powers = 10 ** np.arange(int(np.log10(sizes[-1])) + 1)
    ticks = powers if len(powers) > 2 else sizes
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.tick_params(axis="x", which="minor", labelbottom=False)


def _range(result: LinearExplanation) -> tuple[float, float]:
    """Return the ends of the axis of steps, of both charts."""
    end = float(result.along.lengths[-1])
    return -0.03 * end, 1.03 * end


def _legend_at_top(axes: Axes, room: float) -> None:
    """Write the legend above the curves' beginnings, which lie low; room: of the range, that is left free above."""
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + room * (high - low))
    axes.legend(fontsize=NUMBER_SIZE, loc="upper left", framealpha=0.85, edgecolor="none")


def _finish(axes: Axes) -> None:
    axes.tick_params(labelsize=NUMBER_SIZE)
    axes.spines[["top", "right"]].set_visible(False)
