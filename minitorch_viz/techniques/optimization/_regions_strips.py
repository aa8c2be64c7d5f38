"""The distances of the border in many directions: a row of dots for each kind of direction, on one scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz.drawing import GAP, LABEL_SIZE, PAD, TITLE_SIZE, WIDTH, axes_at, text_height

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minitorch_viz.techniques.optimization.regions import Regions

LEFT, ROW, BELOW = 1.9, 0.72, 0.62  # inches: the rows' names, a row, numbers and words below
TITLE = text_height("x", TITLE_SIZE) + PAD
MARGIN = 1.6  # of the scale beyond the nearest and the farthest, as factors
MANY = 30  # directions of a kind, from which on dots are smaller
LEAST = 1e-9  # left of any scale
NAMES = ("the attack", "random\ndirections", "ways to\nreal ones")


def strips_height(result: Regions) -> float:
    """Return how high the chart is with its title and numbers, in inches."""
    return TITLE + len(_kinds(result)) * ROW + BELOW


def _kinds(result: Regions) -> list[int]:
    """Return the kinds of directions that there are."""
    return np.unique(result.kinds).tolist()  # type: ignore[no-any-return]  # it is a list of ints


def draw_strips(result: Regions, figure: Figure, top: float) -> None:
    """Draw them; top: inches from the figure's top."""
    kinds = _kinds(result)
    axes = axes_at(figure, LEFT, top + TITLE, WIDTH - LEFT - 2 * GAP, len(kinds) * ROW)
    axes.set_title("How far the border is", fontsize=TITLE_SIZE, pad=72 * PAD, y=1.0)
    for place, kind in enumerate(kinds):
        _draw_row(result, axes, place, kind)
    low, high = _limits(result)
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.set_ylim(len(kinds) - 0.5, -0.5)
    axes.set_yticks(range(len(kinds)), [NAMES[kind] for kind in kinds], fontsize=LABEL_SIZE)
    axes.tick_params(axis="x", labelsize=LABEL_SIZE - 1)
    _plain(axes)
    measure = "root mean square of the change, in steps of 0 to 255" if result.pictures else f"size, {result.unit}"
    axes.set_xlabel(f"{measure}; triangle: no border as far as there", fontsize=LABEL_SIZE)


def _draw_row(result: Regions, axes: Axes, place: int, kind: int) -> None:
    """Draw each direction: a line as far as the answer is the photo's own, a dot in the colour of what lies behind it.

    A small ring is the real picture to which a way leads. Hatched: not all have been looked at yet.
    """
    if not result.searched[result.kinds == kind].all():
        axes.axhspan(place - 0.42, place + 0.42, facecolor="none", edgecolor="0.75", hatch="//", linewidth=0)
    rows = np.flatnonzero((result.kinds == kind) & result.searched)
    spread = np.linspace(-0.3, 0.3, len(rows)) if len(rows) > 1 else np.zeros(1)
    own, size = result.colours.hue(result.own), 8 if len(rows) <= MANY else 5
    for row, aside in zip(rows, spread, strict=False):
        at, answer, far = place + aside, int(result.behind[row]), result.far[row]
        end = result.changes[row] if answer >= 0 else far
        axes.plot([LEAST, end], [at, at], color=own, linewidth=size / 6, alpha=0.6, zorder=1)
        if answer < 0:
            axes.plot(far, at, ">", color=own, markeredgecolor="black", markersize=size)
            continue
        axes.plot(end, at, "o", color=result.colours.hue(answer), markeredgecolor="black", markersize=size)
        if kind == 2:
            axes.plot(far, at, "o", color="white", markeredgecolor="0.4", markersize=size - 2)


def _limits(result: Regions) -> tuple[float, float]:
    values = np.concatenate([result.changes[result.behind >= 0], result.far[result.searched & (result.behind < 0)]])
    values = np.concatenate([values, result.far[(result.kinds == 2) & result.searched]])
    values = values[np.isfinite(values) & (values > 0)]
    low, high = (float(values.min()), float(values.max())) if len(values) else (1.0, 10.0)
    return min(low / MARGIN, high / 10), high * MARGIN


def _plain(axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = axes.get_xlim()
    subs = (1, 2, 5) if high / low < 3000 else (1,)
    axes.xaxis.set_major_locator(LogLocator(subs=subs))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.grid(visible=True, axis="x", which="major", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
