"""Maps of numbers that are no picture: bars for a row, colours behind the curves of a series, a table of many maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing.layout import GAP, PAD, WIDTH, axes_at, start_sheet
from minitorch_viz.drawing.scales import robust_max
from minitorch_viz.drawing.words import HEAD_SIZE, LABEL_SIZE, NUMBER_SIZE, TITLE_SIZE, text_height, text_width, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_BARS = 20  # columns of a row that are drawn
MOST_CURVES = 8  # numbers a step of a series that are drawn
BAR_HIGH = 0.27  # inches a column of a row
FOR, AGAINST, SIZE = "#b2182b", "#2166ac", "#4d4d4d"  # red speaks for, blue against; grey has no sign
LONGEST = 28  # letters of a name


@dataclass(frozen=True, eq=False)
class NumberMap:
    """Hold one map of a row (D,) or of the curves of a series (C, T)."""

    title: str
    values: Array
    signed: bool  # whether the sign means something; else the values are magnitudes
    blank: str = ""  # why there is nothing to draw; "" if there is something


def short_name(name: str) -> str:
    """Return a name that fits beside a bar."""
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 3]}..."


def chosen_columns(values: Array) -> Array:
    """Return which columns of a row are drawn: all in their order, or of many those of largest magnitude, sorted."""
    if len(values) <= MOST_BARS:
        return np.arange(len(values))
    return np.argsort(-np.abs(values), kind="stable")[:MOST_BARS]


def draw_bars(
    figure: Figure,
    names: Sequence[str],
    numbers: Array,
    maps: Sequence[NumberMap],
    heading: str,
    bottom: float = 0.0,
) -> None:
    """Draw maps of a row as bars, one for each column, its name and number at the left and the value beside the bar.

    names, numbers: (D,) of the columns. bottom: inches left free below.
    """
    picked = chosen_columns(maps[0].values)
    labels = [f"{short_name(names[i])} = {numbers[i]:.4g}" for i in picked]
    left = max(text_width(label, LABEL_SIZE) for label in labels) + 3 * GAP
    wide = min((WIDTH - left - GAP * len(maps)) / len(maps), 5.0)
    titles = [wrapped(each.title, wide, TITLE_SIZE) for each in maps]
    width = max(left + len(maps) * (wide + GAP), 5.0)
    heading = wrapped(heading, width - 2 * GAP, HEAD_SIZE)
    remark = "" if len(picked) == len(numbers) else (
        f"{len(picked)} of {len(numbers)} columns: those with the largest magnitudes, the largest first"
    )  # fmt: skip
    top = text_height(heading, HEAD_SIZE) + GAP
    over = PAD + max(text_height(title, TITLE_SIZE) for title in titles)
    high = max(BAR_HIGH * len(picked), 0.9)
    below = GAP + text_height(remark, LABEL_SIZE)
    start_sheet(figure, width, top + over + high + below + bottom, heading)
    for place, (each, title) in enumerate(zip(maps, titles, strict=True)):
        axes = axes_at(figure, left + place * (wide + GAP), top + over, wide, high)
        axes.set_title(title, fontsize=TITLE_SIZE, pad=72 * PAD)
        _bars(axes, each, picked, wide)
        axes.set_yticks(range(len(picked)), labels if place == 0 else [""] * len(picked), fontsize=LABEL_SIZE)
        axes.tick_params(length=0)
    if remark:
        figure.text(GAP / width, (bottom + GAP / 2) / figure.get_size_inches()[1], remark, fontsize=LABEL_SIZE)


def _bars(axes: Axes, each: NumberMap, picked: Array, wide: float) -> None:
    """Draw one map's bars with their values; where it is blank the reason."""
    axes.set_ylim(len(picked) - 0.5, -0.5)
    axes.set_xticks([])
    axes.spines[["top", "right", "bottom", "left"]].set_visible(False)
    if each.blank:
        axes.set_facecolor("0.92")
        _say_blank(axes, each.blank, wide)
        return
    values = each.values[picked]
    top = float(np.abs(each.values).max()) or 1.0
    colours = [(FOR if value > 0 else AGAINST) if each.signed else SIZE for value in values]
    axes.barh(np.arange(len(values)), values, height=0.72, color=colours)
    axes.axvline(0, color="0.5", lw=0.8)
    texts = [f"{value:+.3g}" if each.signed else f"{value:.3g}" for value in values]
    room = (max(text_width(text, NUMBER_SIZE) for text in texts) + 0.12) / wide  # of the panel, for a value
    has_negative = bool((values < 0).any())
    has_positive = bool((values > 0).any()) or not has_negative
    span = top * (has_negative + has_positive) / max(1 - room * (has_negative + has_positive), 0.2)
    low = -top * has_negative - room * span * has_negative
    axes.set_xlim(low - 0.01 * span, low + span + 0.01 * span)
    for place, (value, text) in enumerate(zip(values, texts, strict=True)):
        side = -1 if value < 0 else 1
        axes.annotate(
            text, (value, place), (4 * side, 0), textcoords="offset points", va="center",
            ha="left" if side > 0 else "right", fontsize=NUMBER_SIZE,
        )  # fmt: skip


def _say_blank(axes: Axes, why: str, wide: float) -> None:
    """Write why a map is blank into its place, or where it is said."""
    height = axes.get_position().height * axes.figure.get_size_inches()[1]  # type: ignore[union-attr]  # as in images.py
    text = wrapped(f"blank, because {why}", 0.9 * wide, LABEL_SIZE)
    if text_height(text, LABEL_SIZE) > 0.95 * height:
        text = wrapped("blank: see the notes", 0.9 * wide, LABEL_SIZE)
    axes.text(0.5, 0.5, text, ha="center", va="center", fontsize=LABEL_SIZE, transform=axes.transAxes)


def draw_curves(
    figure: Figure,
    names: Sequence[str],
    curves: Array,
    maps: Sequence[NumberMap],
    heading: str,
    bottom: float = 0.0,
) -> None:
    """Draw maps of a series (C, T): each curve over its own colours, the steps from left to right.

    names: of the C curves; of many those with the largest values of the first map are drawn.
    """
    peaks = np.abs(maps[0].values).max(axis=1)
    picked = np.sort(np.argsort(-peaks, kind="stable")[:MOST_CURVES])
    labels = [wrapped(f"{short_name(names[i])}\n{_range(curves[i])}", 1.6, LABEL_SIZE) for i in picked]
    left = max(text_width(line, LABEL_SIZE) for label in labels for line in label.split("\n")) + 2 * GAP
    bar = 1.0  # inches for a colour bar and its numbers
    wide = WIDTH - left - bar
    least = max(text_height(label, LABEL_SIZE) for label in labels) + 0.06
    each_high = max(least, 1.5 if len(picked) == 1 else 0.55)
    is_part = len(picked) < len(curves)
    remark = f"{len(picked)} of {len(curves)} curves: those with the largest magnitudes" if is_part else ""
    heading = wrapped(heading, WIDTH - 2 * GAP, HEAD_SIZE)
    titles = [wrapped(each.title, wide, TITLE_SIZE) for each in maps]
    top = text_height(heading, HEAD_SIZE) + GAP
    below = text_height("0", LABEL_SIZE) * 2 + 2 * PAD  # ticks and their label
    heights = [PAD + text_height(title, TITLE_SIZE) + each_high * len(picked) + below + GAP for title in titles]
    start_sheet(figure, WIDTH, top + sum(heights) + text_height(remark, LABEL_SIZE) + bottom, heading)
    for each, title, block in zip(maps, titles, heights, strict=True):
        begin = top + PAD + text_height(title, TITLE_SIZE)
        place = {"wide": wide, "left": left, "top": begin, "high": each_high}
        _strips(figure, each, title, curves[picked], picked, labels, place)
        top += block
    if remark:
        height = figure.get_size_inches()[1]
        figure.text(GAP / WIDTH, (bottom + GAP / 2) / height, remark, fontsize=LABEL_SIZE)


def _strips(
    figure: Figure, each: NumberMap, title: str, curves: Array, picked: Array, labels: Sequence[str], place: Any
) -> None:
    """Draw one map: the curves one below the other, each over the colours of its steps."""
    left, top, wide, high = (place[key] for key in ("left", "top", "wide", "high"))
    scale = robust_max(each.values)
    colours: dict[str, Any] = {"cmap": "RdBu_r", "vmin": -scale, "vmax": scale}
    if not each.signed:
        colours = {"cmap": "Oranges", "vmin": 0, "vmax": scale}
    drawn, steps = None, curves.shape[1]
    for row, (curve, channel, label) in enumerate(zip(curves, picked, labels, strict=True)):
        axes = axes_at(figure, left, top + row * high, wide, high)
        low, up = float(curve.min()), float(curve.max())
        margin = 0.12 * (up - low) or 1.0
        extent = (-0.5, steps - 0.5, low - margin, up + margin)
        values = np.zeros((1, steps)) if each.blank else each.values[channel][None]
        drawn = axes.imshow(values, aspect="auto", interpolation="nearest", extent=extent, **colours)
        axes.plot(np.arange(steps), curve, color="black", lw=1.3, marker="." if steps <= 40 else "")
        axes.set_xlim(*extent[:2])
        axes.set_ylim(*extent[2:])
        axes.set_yticks([])
        axes.text(-PAD / wide, 0.5, label, ha="right", va="center", fontsize=LABEL_SIZE, transform=axes.transAxes)
        if row == 0:
            axes.set_title(title, fontsize=TITLE_SIZE, pad=72 * PAD)
        if row + 1 < len(curves):
            axes.set_xticks([])
        else:
            axes.tick_params(labelsize=LABEL_SIZE - 1)
            axes.locator_params(axis="x", integer=True, nbins=10)
            axes.set_xlabel("step", fontsize=LABEL_SIZE, labelpad=1)
        if each.blank and row == 0:
            _say_blank(axes, each.blank, wide)
    if drawn is not None and not each.blank:
        height = high * len(curves)
        bar = figure.colorbar(drawn, cax=axes_at(figure, left + wide + 0.1, top, 0.14, height))
        bar.ax.tick_params(labelsize=LABEL_SIZE - 1)
        bar.ax.locator_params(nbins=5 if height > 1.2 else 3)
        bar.ax.ticklabel_format(axis="y", scilimits=(-2, 4))
        bar.ax.yaxis.get_offset_text().set_fontsize(LABEL_SIZE - 1)


def _range(curve: Array) -> str:
    return f"{curve.min():.3g} to {curve.max():.3g}"


def draw_table(
    figure: Figure, rows: Sequence[str], blocks: Sequence[NumberMap], columns: Sequence[str], label: str, heading: str
) -> None:
    """Draw many maps as rows of coloured cells, each on a scale of its own: red for, blue against.

    rows: the names of the M maps. blocks: tables (M, n) with their titles, one below the other. columns: the names of
    the n cells, none where they are `label` by number.
    """
    left = max(text_width(name, LABEL_SIZE) for name in rows) + 2 * GAP
    wide = WIDTH - left - GAP
    names = [short_name(name) for name in columns] if len(columns) <= MOST_BARS else []
    below = (
        max(text_width(name, LABEL_SIZE) for name in names) if names else 2 * text_height("0", LABEL_SIZE)
    ) + 2 * PAD
    heading = wrapped(heading, WIDTH - 2 * GAP, HEAD_SIZE)
    titles = [wrapped(block.title, wide, TITLE_SIZE) for block in blocks]
    top, high = text_height(heading, HEAD_SIZE) + GAP, BAR_HIGH * len(rows)
    heights = [PAD + text_height(title, TITLE_SIZE) + high + GAP for title in titles]
    start_sheet(figure, WIDTH, top + sum(heights) - GAP + below, heading)
    for number, (block, title) in enumerate(zip(blocks, titles, strict=True)):
        axes = axes_at(figure, left, top + PAD + text_height(title, TITLE_SIZE), wide, high)
        scales = np.abs(block.values).max(axis=1, keepdims=True)
        shares = block.values / np.where(scales > 0, scales, 1)
        axes.imshow(shares, aspect="auto", interpolation="nearest", cmap="RdBu_r", vmin=-1, vmax=1)
        axes.set_title(title, fontsize=TITLE_SIZE, pad=72 * PAD)
        axes.set_yticks(range(len(rows)), rows, fontsize=LABEL_SIZE)
        axes.tick_params(length=0, labelsize=LABEL_SIZE)
        if number + 1 < len(blocks):
            axes.set_xticks([])
        elif names:
            axes.set_xticks(range(len(names)), names, fontsize=LABEL_SIZE, rotation=90)
        else:
            axes.locator_params(axis="x", integer=True, nbins=10)
            axes.set_xlabel(label, fontsize=LABEL_SIZE, labelpad=1)
        top += heights[number]
