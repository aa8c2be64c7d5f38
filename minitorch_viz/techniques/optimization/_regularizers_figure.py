"""The table of presets as a figure: natural patches at the top, then a cell a preset with its trust by layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz.drawing import (
    GAP,
    HEAD_SIZE,
    LABEL_SIZE,
    NUMBER_SIZE,
    PAD,
    PALETTE,
    WIDTH,
    axes_at,
    show_image,
    start_sheet,
    text_height,
    wrapped,
)
from minitorch_viz.optimize.units import coloured
from minitorch_viz.techniques.explain.patches import draw_patch

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.techniques.optimization.regularizers import Regularizers

COLUMNS = 5
CHART = 0.85  # inches: the height of the trust by layer
UNDER = 0.42  # inches below a chart, for its numbers
PATCHES, PATCH = 9, 0.98  # natural patches at the top; inches of one
LOW, HIGH = -1.0, 1.25  # of the trust scores that are drawn, where none lies beyond


def draw(result: Regularizers, figure: Figure) -> None:
    """Draw the natural patches and every preset that has a picture, or is still to come."""
    places = [place for place, why in enumerate(result.reasons) if not why]
    wide = (WIDTH - GAP * (COLUMNS + 1)) / COLUMNS
    high = wide * result.pixels.shape[2] / result.pixels.shape[3]
    titles = {place: wrapped(title_of(result, place), wide, NUMBER_SIZE, even=False) for place in places}
    over = PAD + max((text_height(title, NUMBER_SIZE) for title in titles.values()), default=0)
    with_trust = bool(result.nodes)
    cell = over + high + GAP + (CHART + UNDER if with_trust else 0)
    heading = wrapped(f"{result.label}, by every preset", WIDTH - 2 * GAP, HEAD_SIZE)
    top = text_height(heading, HEAD_SIZE) + 2 * GAP
    natural = text_height("1\n1", LABEL_SIZE) + 2 * PAD + PATCH + GAP if result.natural else 0.0
    rows = -(-max(len(places), 1) // COLUMNS)
    start_sheet(figure, WIDTH, top + natural + rows * cell + GAP, heading)
    if result.natural:
        _draw_natural(result, figure, top)
    for index, place in enumerate(places):
        left, down = GAP + index % COLUMNS * (wide + GAP), top + natural + index // COLUMNS * cell
        axes = axes_at(figure, left, down + over, wide, high)
        axes.set_title(titles[place], fontsize=NUMBER_SIZE, pad=72 * PAD, y=1.0)
        if place in result.shown:
            show_image(axes, coloured(result.pixels[place, 0]))
        else:
            _to_come(axes)
        if with_trust:
            _draw_trust(result, figure, place, (left, down + over + high + GAP, wide), index)


def title_of(result: Regularizers, place: int) -> str:
    """Return what stands above a preset's picture."""
    way = result.methods[place]
    lines = [f"{way.name} {way.year}", way.family]
    if place in result.shown:
        spread = f", seeds \N{PLUS-MINUS SIGN}{number(result.spreads[place], 0)}"
        lines.append(f"score {result.scores[place].mean():.3g}, slope {number(result.slopes[place], 1)}")
        lines.append(f"trust {number(result.trusts[place], 2)}{spread if result.pixels.shape[1] > 1 else ''}")
    return "\n".join(lines)


def number(value: float, digits: int) -> str:
    """Return a number in so many digits after the point; a dash where it is not known."""
    return f"{value:.{digits}f}".replace("-", "\N{MINUS SIGN}") if np.isfinite(value) else "\N{EN DASH}"


def _draw_natural(result: Regularizers, figure: Figure, top: float) -> None:
    slope = number(result.natural_slope, 1)
    words = f"natural: those of {result.looked_at} pictures of {result.source} that excite it most; slope {slope}"
    figure.text(
        GAP / WIDTH, 1 - top / figure.get_size_inches()[1], wrapped(words, WIDTH - 2 * GAP, LABEL_SIZE),
        fontsize=LABEL_SIZE, va="top",
    )  # fmt: skip
    down = top + text_height("1\n1", LABEL_SIZE) + PAD
    for place, patch in enumerate(result.natural[:PATCHES]):
        axes = axes_at(figure, GAP + place * (PATCH + GAP / 2), down, PATCH, PATCH)
        draw_patch(axes, patch)
        axes.set_title(f"{patch.value:.3g}", fontsize=NUMBER_SIZE, pad=72 * PAD / 2, y=1.0)


def _to_come(axes: object) -> None:
    """Hatch a picture that is not made yet."""
    from matplotlib.patches import Rectangle

    axes.set(xticks=[], yticks=[], xlim=(0, 1), ylim=(0, 1))  # type: ignore[attr-defined]  # Matplotlib's Axes
    axes.add_patch(Rectangle((0, 0), 1, 1, facecolor="#eeeeee", edgecolor="#999999", hatch="///", lw=0))  # type: ignore[attr-defined]


def trust_range(result: Regularizers) -> tuple[float, float]:
    """Return the scale on which trust scores are drawn, whole numbers below: of all presets the same."""
    values = result.trust_by_layer
    finite = values[np.isfinite(values)]
    return float(np.floor(finite.min(initial=LOW))), float(finite.max(initial=HIGH))


def _draw_trust(
    result: Regularizers, figure: Figure, place: int, where: tuple[float, float, float], index: int
) -> None:
    """Draw the trust score at each layer, from the first at the left to the last."""
    left, top, wide = where
    inset = 0.3 if index % COLUMNS == 0 else 0.12
    axes = axes_at(figure, left + inset, top, wide - inset - 0.06, CHART)
    layers = np.arange(len(result.nodes))
    values, (low, high) = result.trust_by_layer[place], trust_range(result)
    for level, style in ((0, "-"), (1, "--")):
        axes.axhline(level, color="#777777", lw=0.9, ls=style)
    axes.plot(layers, values, "o-", color=PALETTE[0], ms=3.5, lw=1.4)
    axes.set(
        xlim=(-0.4, len(layers) - 0.6),
        ylim=(low - 0.1, high),
        yticks=[low, 0, 1],
        xticks=[0, len(layers) - 1] if len(layers) > 1 else [0],
    )
    names = [_short(result.nodes[0]), _short(result.nodes[-1])] if len(layers) > 1 else [_short(result.nodes[0])]
    axes.set_xticklabels(names, fontsize=NUMBER_SIZE)
    if len(layers) > 1:
        first, last = axes.get_xticklabels()
        first.set_horizontalalignment("left")
        last.set_horizontalalignment("right")
    axes.set_yticklabels([number(low, 0), "0", "1"] if index % COLUMNS == 0 else [], fontsize=NUMBER_SIZE)
    axes.spines[["top", "right"]].set_visible(False)


def _short(name: str, most: int = 9) -> str:
    """Return a node's name, its end where it is long."""
    return name if len(name) <= most else "\N{HORIZONTAL ELLIPSIS}" + name[1 - most :]
