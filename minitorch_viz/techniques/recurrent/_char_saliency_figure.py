"""How the saliency of letters is drawn: lines of the text, under each a strip a method, and colour bars at the foot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing import (
    GAP,
    HEAD_SIZE,
    LABEL_SIZE,
    NUMBER_SIZE,
    WIDTH,
    axes_at,
    start_sheet,
    text_height,
    text_width,
    wrapped,
)
from minitorch_viz.techniques.explain.letters import shown
from minitorch_viz.techniques.recurrent._char_saliency_numbers import percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.techniques.recurrent.char_saliency import CharSaliency

LETTER, WIDEST = 0.15, 0.26  # inches across: in a long text, and in a short one
LETTER_HIGH, STRIP = 0.26, 0.2  # inches
LEFT = 1.45  # inches for the names of the methods
BAR_LONG = 3.2  # inches at most: a colour bar
BAR = 0.75  # inches for the colour bars with their words
MAP = 2.6  # inches high: the numbers of vectors
MOST_COLUMNS = 40  # letters whose vectors are shown
SIGNED = {"gradient": False, "gradient-x-input": True, "occlusion": True}
NAMES = {"gradient": "gradient", "gradient-x-input": "gradient x input", "occlusion": "occlusion"}


def draw(result: CharSaliency, figure: Figure) -> None:
    """Draw on an empty figure."""
    count, methods = len(result.units), len(result.methods)
    room = WIDTH - LEFT - 2 * GAP
    if result.of_words:
        widest = max(text_width(word, LABEL_SIZE) for word in (*result.units, result.target))
        letter = 1.25 * widest + 0.15  # letters of one width are wider than most others
    else:
        letter = min(max(room / (count + 2), LETTER), WIDEST)
    across = max(int(room / letter) - 2, 1)  # two places for what is predicted
    starts = range(0, count, across)
    line = LETTER_HIGH + STRIP * methods + GAP
    heading = wrapped(heading_of(result), WIDTH - 2 * GAP, HEAD_SIZE)
    top = text_height(heading, HEAD_SIZE) + 2 * GAP
    below = 2 * (MAP + 0.75) if result.shows_vectors else 0.0
    start_sheet(figure, WIDTH, top + line * len(starts) + BAR + below + GAP, heading)
    scales = [float(np.abs(heat).max()) or 1.0 for heat in result.heats]
    colours = np.stack(
        [
            _colours(heat, scale, SIGNED[name])
            for heat, scale, name in zip(result.heats, scales, result.methods, strict=True)
        ]
    )  # (M, R, 4)
    for start in starts:
        stop = min(start + across, count)
        _line(figure, result, colours[:, start:stop], start, top, letter, is_last=stop == count)
        top += line
    _bars(figure, result, scales, top + 0.1)
    if result.shows_vectors:
        _vectors(figure, result, top + BAR + 0.15)


def heading_of(result: CharSaliency) -> str:
    """Return what is explained, in words."""
    came = "" if result.came in ("", result.target) else f" ({shown(result.came)} came)"
    return f"{result.net}: what {shown(result.target)}, probability {percent(result.probability)}{came}, depends on"


def units_of(result: CharSaliency) -> dict[str, str]:
    """Return what the numbers of each method count."""
    unit = "nats" if result.value == "log-probability" else "score"
    return {"gradient": f"{unit} a unit of the vector", "gradient-x-input": unit, "occlusion": unit}


def _colours(heat: Array, scale: float, signed: bool) -> Array:
    from matplotlib import colormaps

    colours: Array = colormaps["RdBu_r"](0.5 + heat / (2 * scale)) if signed else colormaps["gray_r"](heat / scale)
    return colours


def _line(
    figure: Figure, result: CharSaliency, colours: Array, start: int, top: float, letter: float, is_last: bool
) -> None:
    """Draw one line of the text over its strips."""
    methods, count = colours.shape[:2]
    high = LETTER_HIGH + STRIP * methods
    axes = axes_at(figure, GAP + LEFT, top, letter * count, high)
    axes.set_axis_off()
    axes.set(xlim=(0, count), ylim=(high, 0))
    axes.imshow(colours, extent=(0, count, high, LETTER_HIGH), aspect="auto", interpolation="nearest")
    axes.set(xlim=(0, count), ylim=(high, 0))
    font: dict[str, Any] = {"family": "monospace", "fontsize": LABEL_SIZE, "va": "center", "ha": "center"}
    for number, sign in enumerate(result.units[start : start + count]):
        axes.text(number + 0.5, LETTER_HIGH / 2, shown(sign), **font)
    for number in range(methods + 1):
        axes.axhline(LETTER_HIGH + STRIP * number, color="#d0d4d8", linewidth=0.6)
    if is_last:
        box = {"boxstyle": "round,pad=0.15", "facecolor": "#fff3c4", "edgecolor": "#b35412"}
        axes.text(count + 1, LETTER_HIGH / 2, shown(result.target), **font, bbox=box, clip_on=False)
    for number, name in enumerate(result.methods):
        middle = LETTER_HIGH + STRIP * (number + 0.5)
        axes.text(-0.08 / letter, middle, NAMES[name], ha="right", va="center", fontsize=LABEL_SIZE - 0.5)


def _bars(figure: Figure, result: CharSaliency, scales: list[float], top: float) -> None:
    """Draw a colour bar for each method side by side, with its unit."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    units = units_of(result)
    wide = (WIDTH - 2 * GAP) / len(scales)
    for number, (name, scale) in enumerate(zip(result.methods, scales, strict=True)):
        long = min(wide - 0.8, BAR_LONG)
        axes = axes_at(figure, GAP + wide * number + (wide - long) / 2, top, long, 0.14)
        limits = Normalize(-scale if SIGNED[name] else 0, scale)
        colours = ScalarMappable(limits, "RdBu_r" if SIGNED[name] else "gray_r")
        bar = figure.colorbar(colours, cax=axes, orientation="horizontal")
        ticks = [-scale, 0, scale] if SIGNED[name] else [0, scale]
        bar.set_ticks(ticks, labels=[f"{tick:.2g}" for tick in ticks])
        bar.ax.tick_params(labelsize=NUMBER_SIZE)
        bar.set_label(f"{NAMES[name]}: {units[name]}", fontsize=NUMBER_SIZE, labelpad=1)


def _vectors(figure: Figure, result: CharSaliency, top: float) -> None:
    """Draw the derivative and the variance of each number of the last letters' vectors (Li et al.)."""
    last = slice(-MOST_COLUMNS, None)
    maps = {
        "size of the derivative at each number of each vector": np.abs(result.gradient[last]),
        "(e - mean)^2 of each number of each vector": result.spread[last],
    }
    letters = result.units[last]
    for title, values in maps.items():
        wide = WIDTH - 2.4 if result.of_words else min(WIDTH - 2.4, 0.3 * len(letters) + 0.8)
        axes = axes_at(figure, GAP + 0.6, top + 0.3, wide, MAP)
        scale = float(values.max()) or 1.0
        drawn = axes.imshow(values.T, aspect="auto", cmap="viridis", vmin=0, vmax=scale, interpolation="nearest")
        axes.set_title(title, fontsize=LABEL_SIZE + 0.5, y=1.0, pad=3)
        axes.set_xticks(range(len(letters)), [shown(letter) for letter in letters], family="monospace")
        axes.tick_params(labelsize=NUMBER_SIZE)
        axes.set_ylabel("number of the vector", fontsize=LABEL_SIZE)
        axes.locator_params(axis="y", integer=True)
        place = axes_at(figure, GAP + 0.6 + wide + 0.15, top + 0.3, 0.15, MAP)
        figure.colorbar(drawn, cax=place).ax.tick_params(labelsize=NUMBER_SIZE)
        top += MAP + 0.75
