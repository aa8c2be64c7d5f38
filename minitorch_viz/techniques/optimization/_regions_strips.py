"""The distances of the border in many directions: a row of dots for each kind of direction, on one scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz.drawing import GAP, LABEL_SIZE, PAD, TITLE_SIZE, WIDTH, axes_at, text_height
from minitorch_viz.techniques.optimization._regions_axes import KINDS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minitorch_viz.techniques.optimization.regions import Regions

LEFT, ROW, BELOW = 1.9, 0.72, 0.62  # inches: the rows' names, a row, numbers and words below
TITLE = text_height("x", TITLE_SIZE) + PAD
STRIPS = TITLE + 3 * ROW + BELOW
MARGIN = 1.6  # of the scale beyond the nearest and the farthest, as factors
MANY = 30  # directions of a kind, from which on dots are smaller
LEAST = 1e-9  # left of any scale
NAMES = ("the attack", "random\ndirections", "ways to real\npictures")


def draw_strips(result: Regions, figure: Figure, top: float) -> None:
    """Draw them; top: inches from the figure's top."""
    axes = axes_at(figure, LEFT, top + TITLE, WIDTH - LEFT - 2 * GAP, 3 * ROW)
    axes.set_title("How far the border is", fontsize=TITLE_SIZE, pad=72 * PAD, y=1.0)
    for kind in range(len(KINDS)):
        _draw_row(result, axes, kind)
    low, high = _limits(result)
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.set_ylim(2.5, -0.5)
    names = NAMES if result.pictures or result.noun == "photo" else (*NAMES[:2], "ways to\nother rows")
    axes.set_yticks(range(3), names, fontsize=LABEL_SIZE)
    axes.tick_params(axis="x", labelsize=LABEL_SIZE - 1)
    _plain(axes)
    measure = "root mean square of the change, in steps of 0 to 255" if result.pictures else f"size, {result.unit}"
    axes.set_xlabel(f"{measure}; triangle: no border as far as there", fontsize=LABEL_SIZE)


def _draw_row(result: Regions, axes: Axes, kind: int) -> None:
    """Draw each direction: a line as far as the answer is the photo's own, a dot in the colour of what lies behind it.

    A small ring is the real picture to which a way leads.
    """
    rows = np.flatnonzero((result.kinds == kind) & result.searched)
    spread = np.linspace(-0.3, 0.3, len(rows)) if len(rows) > 1 else np.zeros(1)
    own, size = result.colours.hue(result.own), 8 if len(rows) <= MANY else 5
    for row, aside in zip(rows, spread, strict=False):
        at, answer, far = kind + aside, int(result.behind[row]), result.far[row]
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
    low, high = low / MARGIN, high * MARGIN
    return (low, high) if high / low > 10 else (low / 3, high * 3)


def _plain(axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = axes.get_xlim()
    subs = (1, 2, 5) if high / low < 3000 else (1,)
    axes.xaxis.set_major_locator(LogLocator(subs=subs))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.grid(visible=True, axis="x", which="major", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
