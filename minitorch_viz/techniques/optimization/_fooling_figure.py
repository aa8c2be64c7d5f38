"""The figure of a fooled net: the photo, the change, what became of it, and what the net says of both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz.drawing import (
    GAP,
    LABEL_SIZE,
    NUMBER_SIZE,
    TITLE_SIZE,
    axes_at,
    panels,
    show_image,
    show_signed,
    text_height,
    text_width,
    wrapped,
)
from minitorch_viz.drawing.number_maps import AGAINST, FOR, NumberMap
from minitorch_viz.techniques.explain.given import draw_numbers
from minitorch_viz.techniques.explain.view import names_of, proportions_of
from minitorch_viz.techniques.optimization._fooling_words import length

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minitorch_viz.techniques.optimization.fooling import Answers, Fooled

BARS, CURVE = 1.75, 1.3  # inches: the five answers, and the probabilities over the steps
LEAST = 3  # answers for which there is room
OVER, UNDER = 0.42, 0.5  # inches above a chart for its title, and below for its axis
MAGNIFIED = 1.2  # times, from which on a change is called magnified
PERCENT = "\N{NO-BREAK SPACE}%"
WIDE = 9.0  # inches of the figure at least
OLD, NEW = AGAINST, FOR  # blue is the answer before, red that of the change
BOTTOM = BARS + CURVE + 2 * OVER + UNDER


def draw(result: Fooled, figure: Figure) -> None:
    """Draw a picture as pictures, a row or a series as bars or curves."""
    if result.of_numbers is None:
        plot(result, figure)
    else:
        _plot_numbers(result, figure)


def plot(result: Fooled, figure: Figure) -> None:
    """Draw the photo, the change magnified, and the picture that fools; below what the net says."""
    start = "noise" if result.from_noise else "the photo"
    titles = [
        f"{start}: {_top(result.before)}",
        f"the change{_magnified(result)}: {_middle(result)} is 0",
        f"with the change: {_top(result.after)}",
    ]
    sheet = panels(figure, [titles], proportions_of(result), heading=result.label, bottom=BOTTOM, least=WIDE)
    photo, change, fooling = sheet.axes[0]
    show_image(photo, result.picture, pixel_aspect=result.pixel_aspect)  # as the net saw it, as what fools is drawn
    show_signed(change, result.change, pixel_aspect=result.pixel_aspect, scale=result.scale, names=names_of(result))
    show_image(fooling, result.fooling, pixel_aspect=result.pixel_aspect)
    _charts(result, figure)


def _plot_numbers(result: Fooled, figure: Figure) -> None:
    """Draw the change of a row as bars, that of a series behind its curves; below what the net says."""
    assert result.of_numbers is not None
    maps = [NumberMap("the change: red is more, blue is less", result.change, True)]
    if result.of_numbers.kind == "row":
        maps.append(NumberMap("with the change", result.fooling, True))
    draw_numbers(figure, result.of_numbers, maps, result.label, bottom=BOTTOM)
    _charts(result, figure)


def _magnified(result: Fooled) -> str:
    return f", {result.factor:.3g} times" if result.factor > MAGNIFIED else ""


def _middle(result: Fooled) -> str:
    """Return the colour of no change."""
    return "grey" if len(result.change) == 3 else "white"


def _top(answers: Answers) -> str:
    return f"{answers.names[0]}, {in_percent(answers.shares[0])}"


def in_percent(share: float) -> str:
    """Return a probability in percent, of which neither end is more than it is."""
    if share >= 0.995:
        return f"{np.floor(1000 * share) / 10:.1f}{PERCENT}" if share < 1 else f"100{PERCENT}"
    return f"{100 * share:.2g}{PERCENT}" if share >= 0.001 else f"<0.1{PERCENT}"


def _charts(result: Fooled, figure: Figure) -> None:
    """Draw the answers before and after, and how probable they became, at the bottom of a figure."""
    width, height = figure.get_size_inches()
    is_wide = width >= WIDE - 0.01
    across = (width - GAP * (4 if is_wide else 3)) / (3 if is_wide else 2)
    top = height - BOTTOM + OVER
    places = [GAP, width - GAP - across]
    for left, answers, title in zip(places, (result.before, result.after), ("before", "after"), strict=True):
        _bars(axes_at(figure, left, top, across, BARS), answers, f"the answers {title}", across, result)
    if is_wide:
        _words(axes_at(figure, 2 * GAP + across, top, across, BARS), result, across)
    _curve(result, axes_at(figure, 0.6, top + BARS + OVER, width - 0.6 - GAP, CURVE), width - 0.8)


def _words(axes: Axes, result: Fooled, wide: float) -> None:
    """Write the sizes of the change, and what becomes of the picture as a file."""
    unit = " of 255" if result.pixels else ""
    axes.set_title("the size of the change", fontsize=TITLE_SIZE)
    axes.axis("off")
    lines = [
        f"L-infinity {result.linf:.3g}{unit}, L2 {length(result)}",
        f"root mean square {result.rms:.3g}{unit}",
        *([f"{result.l0:,} {result.place}s differ"] if result.norm == "l0" else []),
        *(f"{trial.way}: {trial.answer}, {in_percent(trial.probability)}" for trial in result.trials),
    ]
    while lines:
        text = "\n".join(wrapped(line, wide, NUMBER_SIZE, even=False) for line in lines)
        if 1.2 * text_height(text, NUMBER_SIZE) <= BARS:
            axes.text(0, 1, text, va="top", fontsize=NUMBER_SIZE, linespacing=1.4, transform=axes.transAxes)
            return
        lines.pop()


def _bars(axes: Axes, answers: Answers, title: str, wide: float, result: Fooled) -> None:
    """Draw the first answers as bars from 0 to 1, the names on them; the old answer blue, the wanted one red."""
    axes.set_title(title, fontsize=TITLE_SIZE)
    for row, (name, share) in enumerate(zip(answers.names, answers.shares, strict=True)):
        colour = OLD if name == result.old else NEW if name == (result.target or result.new) else "0.6"
        axes.barh(row, share, height=0.82, color=colour, alpha=0.45)
        number = in_percent(share)
        room = wide - text_width(number, NUMBER_SIZE) - 0.2
        axes.text(0.01, row, _short(name, room), va="center", fontsize=NUMBER_SIZE)
        axes.text(0.99, row, number, va="center", ha="right", fontsize=NUMBER_SIZE)
    axes.set_xlim(0, 1)
    axes.set_ylim(max(len(answers.names), LEAST) - 0.5, -0.5)
    axes.set_xticks([])
    axes.set_yticks([])


def _short(name: str, room: float) -> str:
    """Return a name, cut where it would be wider than `room` inches."""
    if text_width(name, NUMBER_SIZE) <= room:
        return name
    return next(cut for end in range(len(name), 0, -1) if text_width(cut := f"{name[:end]}...", NUMBER_SIZE) <= room)


def _name_each_eps(result: Fooled, axes: Axes, wide: float) -> None:
    """Draw a line where another eps begins, and write what it is where there is room."""
    for number, begin in enumerate(range(0, result.total, result.steps_each)):
        text, room = f"eps {result.tried[number]:.3g}", wide * min(result.steps_each / result.total, 1)
        if begin:
            axes.axvline(begin + 0.5, color="0.8", lw=1)
        if text_width(text, NUMBER_SIZE) + 0.1 < room and begin < result.done:
            middle = begin + 0.5 + result.steps_each / 2
            axes.text(middle, 1.04, text, ha="center", va="bottom", fontsize=NUMBER_SIZE)


def _curve(result: Fooled, axes: Axes, wide: float) -> None:
    """Draw how probable the old answer and the new one were after each step."""
    steps = np.arange(1, result.total + 1)
    marker = "." if result.total <= 60 else ""
    axes.plot(steps, result.share_old, marker=marker, color=OLD, lw=1.6, ms=4)
    axes.plot(steps, result.share_new, marker=marker, color=NEW, lw=1.6, ms=4)
    if result.steps_each:
        _name_each_eps(result, axes, wide)
    if result.done < result.total:
        axes.axvspan(result.done + 0.5, result.total + 0.5, facecolor="none", edgecolor="0.75", hatch="//", lw=0)
    axes.set_xlim(0.5, result.total + 0.5)
    axes.set_ylim(-0.02, 1.28 if result.steps_each else 1.02)
    axes.set_yticks([0, 0.5, 1])
    wanted = result.target or "the best other answer"
    axes.set_title(
        wrapped(f"probability of {result.old} (blue) and of {wanted} (red), the best so far", wide, LABEL_SIZE),
        fontsize=LABEL_SIZE,
    )
    axes.set_xlabel("step", fontsize=LABEL_SIZE)
    axes.tick_params(labelsize=LABEL_SIZE - 1)
    axes.locator_params(axis="x", integer=True, nbins=10)
    axes.spines[["top", "right"]].set_visible(False)
