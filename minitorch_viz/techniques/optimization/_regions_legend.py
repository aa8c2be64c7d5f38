"""The legend beside the map: which colour is which answer, how sure, and what the marks mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz.drawing import LABEL_SIZE, text_height, wrapped
from minitorch_viz.techniques.optimization._regions_grid import on_round
from minitorch_viz.techniques.optimization._regions_map import OUTSIDE, REST, drawn_shares

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from minitorch_viz.techniques.optimization.regions import Regions

SWATCH, HIGH = 0.62, 0.22  # inches: a swatch with its shades
SHADES = 6
BETWEEN = 0.09


def draw_legend(result: Regions, axes: Axes) -> None:
    """Draw it from the top of the axes, in inches."""
    wide, high = _inches(axes)
    axes.set_xlim(0, wide)
    axes.set_ylim(high, 0)
    axes.axis("off")
    least = f"{result.colours.least:.2g}" if result.colours.least else "0"
    top = _words(
        axes,
        0.0,
        f"the answer, from palest (probability {least}) to full colour (1), and its share of the map",
        wide,
        0.0,
    )
    shares = _shares(result)
    for answer in result.colours.classes:
        share = f": {_percent(shares[answer])}" if answer in shares else ": not on this map" if shares else ""
        top = _entry(axes, result, answer, f"{result.names[answer]}{share}", top, wide)
    if result.colours.others:
        rest = sum(share for answer, share in shares.items() if answer not in result.colours.classes)
        top = _entry(axes, result, -1, f"{result.colours.others} others: {_percent(rest)}", top, wide)
    top += BETWEEN
    for mark, words in _marks(result):
        _draw_mark(axes, mark, top + 0.5 * text_height("x", LABEL_SIZE))
        top = _words(axes, 0.5, words, wide, top)


def _shares(result: Regions) -> dict[int, float]:
    """Return the share of the points so far that each answer has."""
    numbers, counts = np.unique(result.classes[result.classes >= 0], return_counts=True)
    return dict(zip(numbers.tolist(), (counts / max(counts.sum(), 1)).tolist(), strict=True))


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.01 else "under 1%"


def _entry(axes: Axes, result: Regions, answer: int, words: str, top: float, wide: float) -> float:
    """Draw a swatch and its words; return where the next entry begins."""
    text = wrapped(words, wide - SWATCH - 0.1, LABEL_SIZE)
    sure = np.linspace(result.colours.least, 1, SHADES)
    shades = result.colours.shades(np.full(SHADES, answer), sure)
    middle = top + text_height("x", LABEL_SIZE) / 2
    for place, shade in enumerate(shades):
        corner = (place * SWATCH / SHADES, middle - HIGH / 2)
        axes.add_patch(_rectangle(corner, SWATCH / SHADES * 1.02, HIGH, tuple(shade.tolist())))
    axes.text(SWATCH + 0.08, top, text, va="top", fontsize=LABEL_SIZE)
    return top + text_height(text, LABEL_SIZE) + BETWEEN


def _rectangle(corner: tuple[float, float], wide: float, high: float, colour: tuple[float, ...]):  # type: ignore[no-untyped-def]  # Matplotlib is imported where it is used
    from matplotlib.patches import Rectangle

    return Rectangle(corner, wide, high, facecolor=colour, edgecolor="none")


def _marks(result: Regions) -> list[tuple[str, str]]:
    """Return what the marks on the map mean: (kind of mark, words)."""
    marks = [("star", f"the {result.noun}")]
    margins, _ = on_round(result.margins, result.stride)
    if not np.isnan(margins).any() and margins.min() < 0:
        marks.append(("line", "border of its answer"))
    inside = (np.abs(result.places) <= result.reach).all(axis=1)
    if inside.any():
        if result.middle is not None:
            words = "real ones, in the colour of the answer to them"
        else:
            low, high = result.asides[inside].min(), result.asides[inside].max()
            span = f"{low:.3g}" if f"{low:.3g}" == f"{high:.3g}" else f"{low:.3g} to {high:.3g}"
            words = f"projected real pictures: not here, but {span} beside the plane"
        marks.append(("ring", words))
    if result.pictures:
        end = ", and are cut off" if result.clip else ""
        for share in drawn_shares(result):
            marks.append((str(share), f"beyond it {OUTSIDE[share][1]} of the values leave 0 to 255{end}"))
    if result.middle is None:
        marks.append(("", "axes: " + ("root mean square in steps of 0 to 255" if result.pictures else result.unit)))
    return marks


def _draw_mark(axes: Axes, mark: str, middle: float) -> None:
    if mark == "star":
        axes.plot(0.2, middle, "*", color="white", markeredgecolor="black", markersize=15)
    elif mark == "ring":
        axes.plot(0.2, middle, "o", color=REST, markeredgecolor="white", markersize=10)
        axes.plot(0.2, middle, "o", color="none", markeredgecolor="black", markersize=11)
    elif mark:
        style, wide = ("-", 2.0) if mark == "line" else (OUTSIDE[float(mark)][0], 1.2)
        axes.plot([0, 0.42], [middle, middle], color="black", linestyle=style, linewidth=wide)


def _words(axes: Axes, left: float, words: str, wide: float, top: float) -> float:
    text = wrapped(words, wide - left, LABEL_SIZE, even=False)
    axes.text(left, top, text, va="top", fontsize=LABEL_SIZE)
    return top + text_height(text, LABEL_SIZE) + BETWEEN


def _inches(axes: Axes) -> tuple[float, float]:
    width, height = axes.figure.get_size_inches()  # type: ignore[union-attr]  # axes without a figure are removed ones
    place = axes.get_position()
    return float(place.width * width), float(place.height * height)
