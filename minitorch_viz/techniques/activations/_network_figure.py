"""The figure of a net: a row a node, with answers, gradients, weights, their gradients, and channels that are alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing import (
    GAP,
    HEAD_SIZE,
    NUMBER_SIZE,
    PAD,
    TITLE_SIZE,
    WIDTH,
    axes_at,
    show_image,
    start_sheet,
    text_height,
    wrapped,
)
from minitorch_viz.techniques.activations._network_cards import Card
from minitorch_viz.techniques.activations._network_sheets import Sheet, Spread
from minitorch_viz.techniques.activations._network_tiles import is_signed, pixels_of, tiled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minitorch_viz.techniques.activations.network import NetworkView

# Inches.
WORDS = 1.75  # for a node's name and numbers
SQUARE = 1.15  # the side of a correlation matrix
HIGH = 1.15  # of the pictures
BARS = 0.3  # of the bars below them
LINE = text_height("5", NUMBER_SIZE)
HEADS = ("what it answers", "gradients", "weights", "gradients of the weights")
SHAPE = 0.75  # height over width of the pictures' places


def draw(result: NetworkView, figure: Figure) -> None:
    """Draw the chosen nodes, from the picture down, on one pair of axes that count in inches: many are slow."""
    cards = [card for card in result.cards if card.name in result.chosen]
    wide = (WIDTH - WORDS - SQUARE - GAP * (len(HEADS) + 3)) / len(HEADS)
    of = "" if len(cards) == len(result.cards) else f", {len(cards)} of {len(result.cards)} nodes"
    heading = wrapped(f"{result.model}{of}; gradients of {result.label}, {result.reading}", WIDTH - 2 * GAP, HEAD_SIZE)
    rooms = (*[wide] * len(HEADS), SQUARE)
    heads = [wrapped(head, room, TITLE_SIZE) for head, room in zip((*HEADS, "channels alike"), rooms, strict=True)]
    top = text_height(heading, HEAD_SIZE) + 2 * GAP + max(text_height(head, TITLE_SIZE) for head in heads)
    rows = [_row(card, wide) for card in cards]
    height = top + sum(row.step for row in rows) + GAP
    start_sheet(figure, WIDTH, height, heading)
    above = text_height(heading, HEAD_SIZE) + GAP
    axes = axes_at(figure, 0, above, WIDTH, height - above)
    lefts = [GAP + WORDS + GAP + i * (wide + GAP) for i in range(len(HEADS) + 1)]
    for left, head, room in zip(lefts, heads, rooms, strict=True):
        axes.text(left + room / 2, top - PAD, head, ha="center", va="bottom", fontsize=TITLE_SIZE)
    at = top
    for card, row in zip(cards, rows, strict=True):
        axes.text(GAP, at + LINE, row.words, ha="left", va="top", fontsize=NUMBER_SIZE)
        for left, sheet in zip(lefts, row.sheets, strict=False):
            if sheet is not None:
                _draw_sheet(axes, sheet, left, at, wide, row.high)
        if card.correlation is not None:
            place = lefts[-1], at + LINE, SQUARE, SQUARE
            _draw_image(axes, card.correlation.matrix, place, cmap="RdBu_r", vmin=-1, vmax=1)
            first, second, value = card.correlation.pairs[0]
            alike = f"{first} and {second}:\n{value:.2f}"
            axes.text(lefts[-1] + SQUARE / 2, at + LINE + SQUARE + PAD, alike, **_look("top"))
        at += row.step
    axes.set_aspect("auto")
    axes.set_xlim(0, WIDTH)
    axes.set_ylim(height, above)
    axes.axis("off")


class _Row(NamedTuple):
    """Hold one node's row."""

    words: str
    sheets: tuple[Sheet | None, ...]  # one for each of HEADS
    high: float  # inches: the pictures
    step: float  # inches to the next row


def _row(card: Card, wide: float) -> _Row:
    weight = next((each for each in card.params if each.name == "weight"), next(iter(card.params), None))
    sheets = (card.activations, card.gradients, *((weight.values, weight.gradients) if weight else (None, None)))
    shapes = [tiled(sheet, SHAPE).shape for sheet in sheets if sheet is not None]
    high = SQUARE if card.correlation is not None else min(HIGH, max(wide * shape[0] / shape[1] for shape in shapes))
    words = _words(card)
    step = max(LINE + high + 2 * PAD + BARS + LINE, LINE + text_height(words, NUMBER_SIZE)) + 1.2 * GAP
    return _Row(words, sheets, high, step)


def _draw_sheet(axes: Axes, sheet: Sheet, left: float, top: float, wide: float, high: float) -> None:
    """Draw pictures, above them the number at full colour, below how the numbers are spread, with the ends."""
    sign, middle = "±" if is_signed(sheet) else "", left + wide / 2
    axes.text(middle, top + LINE - PAD / 2, f"{sign}{sheet.full:.3g}", **_look("bottom"))
    _draw_image(axes, pixels_of(sheet, SHAPE), (left, top + LINE, wide, high))
    bottom = top + LINE + high + PAD + BARS
    _draw_bars(axes, sheet.spread, left, bottom, wide)
    ends = f"{sheet.spread.edges[0]:.3g} to {sheet.spread.edges[-1]:.3g}"
    axes.text(middle, bottom + PAD, ends, **_look("top"))


def _draw_image(axes: Axes, image: Array, place: tuple[float, float, float, float], **colours: Any) -> None:
    """Draw an image as large as it fits into a place (left, top, wide, high), at its top in the middle, in a frame."""
    from matplotlib.patches import Rectangle

    left, top, wide, high = place
    scale = min(wide / image.shape[1], high / image.shape[0])
    width, height = scale * image.shape[1], scale * image.shape[0]
    left += (wide - width) / 2
    show_image(axes, image, extent=(left, left + width, top + height, top), **colours)
    axes.add_patch(Rectangle((left, top), width, height, fill=False, edgecolor="0.3", lw=0.8))


def _draw_bars(axes: Axes, spread: Spread, left: float, bottom: float, wide: float) -> None:
    """Draw how numbers are spread, as bars on a line; the highest is BARS high."""
    heights = spread.counts / max(int(spread.counts.max()), 1) * BARS
    edges = left + np.linspace(0, wide, len(heights) + 1)
    axes.stairs(bottom - heights, edges, baseline=bottom, fill=True, color="#4477aa")
    axes.plot([left, left + wide], [bottom, bottom], color="0.3", lw=0.8)


def _look(side: str) -> dict[str, Any]:
    return {"ha": "center", "va": side, "fontsize": NUMBER_SIZE}


def _words(card: Card) -> str:
    """Return a node's name, layer, shape and the numbers worth knowing, on lines as wide as their place."""
    shape = " x ".join(map(str, card.shape))
    spread = card.activations.spread
    lines = [card.name, card.words, shape, f"{spread.least:.3g} to {spread.most:.3g}"]
    if card.shut is not None:
        lines.append(f"{card.shut:.0%} shut, {card.dead} channels dead")
    if card.saturated is not None:
        lines.append(f"{card.saturated:.0%} near a limit")
    if card.size:
        lines.append(f"{card.size:,} parameters")
    return "\n".join(wrapped(line, WORDS, NUMBER_SIZE, even=False) for line in lines)
