"""The figure of templates: each above its products with the photo, then the mixes, and what the net says of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing import (
    GAP,
    LABEL_SIZE,
    NUMBER_SIZE,
    Sheet,
    axes_at,
    in_rows,
    panels,
    robust_max,
    show_image,
    show_signed,
    text_height,
    wrapped,
)
from minitorch_viz.drawing.number_maps import short_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minitorch_viz.techniques.weights.templates import Templates

COLUMNS = 6
STRIP = 1.2  # inches: the height of a mix
CHART = 2.0  # inches: that of the chart of the mixes
BELOW = 1.6  # inches: for the words above the mixes and the chart's legend
BARS = 0.6  # inches: left of the bars' names
FOR, AGAINST = "#b2182b", "#2166ac"


def plot(result: Templates, figure: Figure) -> None:
    """Draw the photo, the templates with their products, of hidden units their votes, and the mixes."""
    count = len(result.names)
    columns = max(math.ceil(count / math.ceil(count / COLUMNS)), 3)  # room for words beside the photo
    blocks = [
        in_rows(list(result.names), columns),
        in_rows([_sum_in_words(result, number) for number in range(count)], columns),
        *([in_rows([_vote_in_words(result, number) for number in range(count)], columns)] if result.gate else []),
    ]
    rows = [row for block in zip(*blocks, strict=True) for row in block]
    top: list[str | None] = ["what the net sees", "x: 0 is mid-grey", *[None] * (columns - 2)]
    tall = result.picture.shape[0] / result.picture.shape[1]
    has_mix = result.mix.numbers[0] != result.mix.numbers[1]
    sheet = panels(
        figure,
        [top, *rows],
        tall,
        heading="Each template, and below it its products with x",
        size=LABEL_SIZE,
        side=1.75 if columns > 3 else 2.5,
        left=BARS if result.gate else 0.0,
        bottom=STRIP * min(tall, 1.5) + CHART + BELOW if has_mix else 0.0,
        least=8.0,
    )
    show_image(sheet.axes[0, 0], result.picture)
    show_as_picture(sheet.axes[0, 1], result.x, float(np.abs(result.x).max()) or 1.0)
    _write(figure, sheet, result)
    largest = result.largest_product
    for number in range(count):
        row, column = divmod(number, columns)
        at = 1 + row * len(blocks)
        show_as_picture(sheet.axes[at, column], result.templates[number], result.full_scales[number])
        show_image(sheet.axes[at + 1, column], result.products[number], cmap="RdBu_r", vmin=-largest, vmax=largest)
        if result.gate:
            _draw_votes(sheet.axes[at + 2, column], result, number, named=column == 0)
    if has_mix:
        _draw_mix(figure, result, STRIP * min(tall, 1.5))


def show_as_picture(axes: Axes, values: Array, scale: float) -> None:
    """Draw a signed (C, h, w) as the photo is drawn, in grey or in colours: 0 is mid-grey, positive brighter."""
    if len(values) == 1:
        show_image(axes, values[0], cmap="gray", vmin=-scale, vmax=scale)
    else:
        show_signed(axes, values, scale=scale)


def _write(figure: Figure, sheet: Sheet, result: Templates) -> None:
    """Say beside the photo how to read the sheet, in as many sentences as there is room for."""
    best = np.argsort(-result.scores, kind="stable")[:3]
    scores = ", ".join(f"{result.classes[k]} {result.scores[k]:.2f}" for k in best)
    unit = "a unit's value" if result.gate else "a class's score"
    sentences = (
        f"Highest scores: {scores}.",
        f"The sum of the products plus the bias is {unit}: it stands above the products.",
        "Light where its template is bright raises it; light where that is dark lowers it.",
        f"Products: red raises, blue lowers, full colour at \N{PLUS-MINUS SIGN}{result.largest_product:.2g}.",
    )
    axes, last = sheet.axes[0, 2], sheet.axes[0, -1]
    width, height = figure.get_size_inches()
    place, end = axes.get_position(), last.get_position()
    room, high = (end.x1 - place.x0) * width, place.height * height
    for count in range(len(sentences), 0, -1):
        text = "\n".join(wrapped(words, room, LABEL_SIZE, even=False) for words in sentences[:count])
        if text_height(text, LABEL_SIZE) <= high:
            figure.text(place.x0, place.y1, text, va="top", fontsize=LABEL_SIZE)
            return


def _sum_in_words(result: Templates, number: int) -> str:
    total, bias, value = result.sums[number], result.biases[number], result.values[number]
    return f"{total:.2f} {'-' if bias < 0 else '+'} {abs(bias):.2f} = {value:.2f}"


def _vote_in_words(result: Templates, number: int) -> str:
    return f"answers {result.answers[number]:.2f}; output weights:"


def _draw_votes(axes: Axes, result: Templates, number: int, *, named: bool) -> None:
    """Draw the output weights of a hidden unit, a bar a class; all units share a scale."""
    votes = result.votes[number]
    places = np.arange(len(votes))
    axes.barh(places, votes, color=[FOR if vote > 0 else AGAINST for vote in votes])
    axes.axvline(0, color="0.4", linewidth=0.8)
    limit = 1.05 * float(np.abs(result.votes).max()) or 1.0
    axes.set_xlim(-limit, limit)
    axes.set_ylim(len(votes) - 0.5, -0.5)
    axes.set_xticks([])
    axes.set_yticks(places if named else [], [name[:10] for name in result.classes] if named else [])
    axes.tick_params(labelsize=NUMBER_SIZE, length=0)


def _draw_mix(figure: Figure, result: Templates, high: float) -> None:
    """Draw the mixes beside one another, and below them a chart of what the net says."""
    mix = result.mix
    width, height = figure.get_size_inches()
    left, count = 0.75, len(mix.shares)  # room for the chart's numbers
    step = (width - left - GAP) / count
    side = min(step - GAP, high / (result.picture.shape[0] / result.picture.shape[1]))
    top = height - (high + CHART + BELOW) + GAP
    first, second = map(short_name, mix.names)
    words = f"a times the template of {first}, plus 1 - a times that of {second}"
    figure.text(0.5, 1 - top / height, words, ha="center", va="top", fontsize=LABEL_SIZE)
    top += text_height(words, LABEL_SIZE) + 0.28
    for number, (share, template) in enumerate(zip(mix.shares, mix.templates, strict=True)):
        axes = axes_at(figure, left + (number + 0.5) * step - side / 2, top, side, high)
        axes.set_anchor("N")
        show_as_picture(axes, template, robust_max(template))
        axes.set_title(f"a = {share:.2g}", fontsize=NUMBER_SIZE, pad=3, y=1.0)
    _draw_chart(figure, result, left, top + high + 0.15, step * count)


def _draw_chart(figure: Figure, result: Templates, left: float, top: float, wide: float) -> None:
    """Draw the values over a, each point below its mix."""
    mix = result.mix
    axes: Any = axes_at(figure, left, top, wide, CHART)
    places = np.arange(len(mix.shares))
    noun = "value" if result.gate else "score"
    axes.plot(places, mix.answers, "k-o", label=f"{noun} of the mix for the photo")
    for name, values, colour, mark in zip(mix.names, mix.own.T, ("#d95f02", "#1b6ca8"), ("s", "^"), strict=True):
        words = f"{noun} of {short_name(name)}, if the net is shown the mix as a picture"
        axes.plot(places, values, color=colour, marker=mark, linestyle="--", label=words)
    axes.set_xlim(-0.5, len(places) - 0.5)
    axes.set_xticks([])
    axes.axhline(0, color="0.6", linewidth=0.8)
    axes.tick_params(labelsize=NUMBER_SIZE)
    axes.legend(fontsize=NUMBER_SIZE, loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=1, frameon=False)
