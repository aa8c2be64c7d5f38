"""The pictures of a linear explanation: photo, change and products before and after, and a strip of mixes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz.drawing import (
    GAP,
    LABEL_SIZE,
    NUMBER_SIZE,
    PAD,
    WIDTH,
    axes_at,
    picture_size,
    robust_max,
    show_image,
    show_signed,
    text_height,
    wrapped,
)
from minitorch_viz.techniques.explain.view import names_of, proportions_of
from minitorch_viz.techniques.optimization._linear_explanation_words import share_words, short, sizes_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minitorch_viz.techniques.optimization.linear_explanation import LinearExplanation

COLUMNS, STRIP = 4, 6
SOFTER = 1.5  # times the change: what would be drawn as full colour
PITCH = (WIDTH - GAP) / COLUMNS - GAP  # inches of a place
LITTLE = (WIDTH - GAP) / STRIP - GAP  # of one in the strip of mixes


def high(result: LinearExplanation) -> float:
    """Return how many inches the two rows of pictures take."""
    return sum(_over(titles) for titles in _titles(result)) + 2 * (_size(result)[1] + GAP)


def draw_pictures(result: LinearExplanation, figure: Figure, top: float) -> None:
    """Draw photo, change and changed photo above the weights' products, and the numbers that say how large it is."""
    wide, tall = _size(result)
    first, second = _titles(result)
    top += _over(first)
    photo, change, changed, weights = (_place(figure, column, top, wide, tall, first[column]) for column in range(4))
    aspect, names = result.pixel_aspect, names_of(result)
    show_image(photo, result.picture, pixel_aspect=aspect)
    show_signed(change, result.change, pixel_aspect=aspect, scale=SOFTER * result.eps, names=names)
    show_image(changed, result.changed, pixel_aspect=aspect)
    show_signed(weights, result.weights, pixel_aspect=aspect, names=names)
    top += tall + GAP + _over(second)
    before, effect = (values.sum(axis=0) for values in (result.products, result.effect))
    scale = robust_max(np.stack([before, before + effect]))
    for column, (values, end) in enumerate(((before, scale), (before + effect, scale), (effect, robust_max(effect)))):
        axes = _place(figure, column, top, wide, tall, second[column])
        show_image(axes, values, pixel_aspect=aspect, cmap="RdBu_r", vmin=-end, vmax=end)
    _write(result, _place(figure, 3, top, PITCH, tall, ""), tall, (scale, robust_max(effect)))


def _titles(result: LinearExplanation) -> tuple[list[str], list[str]]:
    """Return what stands above the pictures of both rows, wrapped."""
    walk, place = result.along, result.at
    factor = 127.5 / (SOFTER * result.eps) if result.is_grey else np.nan
    louder = f", drawn {short(factor, 2)} times as strong" if factor > 1.5 else ""
    value = short(walk.values[place])
    after = f"after: w x, value {value}"
    if not result.is_linear:
        after = f"after, by the same w: {short(walk.kept[place])}; the net: {value}"
    weights = f"w: {result.label}" if result.is_linear else f"w, the gradient: {result.label}"
    rows = (
        [
            f"x: {walk.says[0]}",
            f"the change, eps sign(w){louder}",
            f"x + eps sign(w): {walk.says[place]}",
            weights,
        ],
        [
            f"before: w x, value {short(walk.values[0])}",
            after,
            f"their difference: sum {short(float(result.effect.sum()))}",
        ],
    )
    first, second = ([wrapped(title, PITCH, LABEL_SIZE) for title in row] for row in rows)
    return first, second


def _write(result: LinearExplanation, axes: Axes, tall: float, scales: tuple[float, float]) -> None:
    """Write how large the change is, how much of it the bounds cut off, and the scales of the maps."""
    walk, at = result.along, result.at
    first, second = (short(scale, 2) for scale in scales)
    lines = [
        f"eps x L1 norm of w: {short(result.eps * result.norm)}, the net: {short(walk.values[at] - walk.values[0])}",
        f"clipped: {share_words(walk.clipped[at])} of all",
        sizes_words(result),
        f"cosine with w {short(result.cosine)}, of random signs {short(result.random_cosine, 2)}",
        f"full colour: \N{PLUS-MINUS SIGN}{first}, of the difference \N{PLUS-MINUS SIGN}{second}",
    ]
    axes.axis("off")
    for count in range(len(lines), 0, -1):
        for size in (LABEL_SIZE, NUMBER_SIZE):
            text = "\n".join(wrapped(line, PITCH, size, even=False) for line in lines[:count])
            if text_height(text, size) * 1.15 <= tall or count == 1:
                axes.text(0, 1, text, va="top", fontsize=size, transform=axes.transAxes, linespacing=1.3)
                return


def strip_high(result: LinearExplanation) -> float:
    """Return how many inches the strip of mixes takes."""
    return _over(_strip_titles(result)) + _size(result, LITTLE)[1] + GAP


def draw_strip(result: LinearExplanation, figure: Figure, top: float) -> None:
    """Draw the photo, the weights, and the photo with ever more of them."""
    wide, tall = _size(result, LITTLE)
    titles = _strip_titles(result)
    top += _over(titles)
    for column, title in enumerate(titles):
        axes = _place(figure, column, top, wide, tall, title, LITTLE)
        if column == 1:
            show_signed(axes, result.weights, pixel_aspect=result.pixel_aspect, names=names_of(result))
        else:
            show_image(axes, result.mixes[max(column - 1, 0)], pixel_aspect=result.pixel_aspect)


def _strip_titles(result: LinearExplanation) -> list[str]:
    first, *others = (f"a = {short(result.mix.lengths[k], 2)}: {result.mix.says[k]}" for k in result.mixed)
    titles = [first, "w alone", *others]
    return [wrapped(title, LITTLE, NUMBER_SIZE) for title in titles]


def _size(result: LinearExplanation, pitch: float = PITCH) -> tuple[float, float]:
    """Return (width, height) in inches of a picture."""
    tall = proportions_of(result)
    wide, place = picture_size(tall, pitch, pitch, 1 / 12)
    return min(wide, place / tall), min(place, wide * tall)


def _over(titles: list[str]) -> float:
    size = LABEL_SIZE if len(titles) < STRIP else NUMBER_SIZE
    return PAD + max(text_height(title, size) for title in titles)


def _place(figure: Figure, column: int, top: float, wide: float, tall: float, title: str, pitch: float = PITCH) -> Axes:
    """Return axes in the middle of a place, with a title that is as wide as the place at most."""
    axes = axes_at(figure, GAP + column * (pitch + GAP) + (pitch - wide) / 2, top, wide, tall)
    axes.set_title(title, fontsize=LABEL_SIZE if pitch == PITCH else NUMBER_SIZE, pad=72 * PAD, y=1.0)
    return axes
