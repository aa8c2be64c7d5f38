"""What pictures made by optimization look like as a figure: large, natural patches beneath, one small chart."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from minitorch_viz.drawing import (
    GAP,
    LABEL_SIZE,
    NUMBER_SIZE,
    PAD,
    PALETTE,
    TITLE_SIZE,
    WIDTH,
    axes_at,
    show_image,
    start_sheet,
    text_height,
    wrapped,
)
from minitorch_viz.optimize.units import coloured
from minitorch_viz.techniques.explain.patches import Patch, draw_patch

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minitorch_viz.techniques.optimization._pictures import MadePictures

LARGE = 5.9  # inches: a picture alone
CHART, AXIS = 1.9, 0.75  # inches: a chart's height; its labels at the left
ACROSS = 5  # blocks in a row
FEW, WIDE = 5, 3.5  # patches beneath a block wider than this; else 3
DASHES = ("-", "--", ":")
FRAME = 3.0  # points: about a picture, in the colour of its line
TALLEST = 1.3  # inches of a patch


class Block(NamedTuple):
    """Hold one objective's pictures, side by side where it has several starts, and its natural patches beneath."""

    pictures: tuple[int, ...]
    titles: tuple[str, ...]
    patches: tuple[Patch, ...]


def draw(result: MadePictures, figure: Figure) -> None:
    """Draw the pictures with their scores, natural patches beneath them, and how the scores rose."""
    blocks = blocks_of(result)
    starts = len(blocks[0].pictures)
    alone = len(blocks) == starts == 1
    columns = 1 if starts > 1 or alone else -(-len(blocks) // -(-len(blocks) // ACROSS))
    wide = LARGE if alone else (WIDTH - GAP * (columns + 1)) / columns
    size = TITLE_SIZE if wide / starts > 2.4 else NUMBER_SIZE
    each = (wide - GAP * (starts - 1)) / starts
    high = each * result.size[0] / result.size[1]
    titles = [[wrapped(title, each, size, even=False) for title in block.titles] for block in blocks]
    over = PAD + max(text_height(title, size) for row in titles for title in row)
    count = FEW if wide > WIDE else 3
    patch = min((wide - GAP * (count - 1)) / count, TALLEST)
    named = any(block.patches for block in blocks)
    under = (text_height("1", NUMBER_SIZE) + PAD + patch + GAP) if named else 0.0
    rows = -(-len(blocks) // columns)
    block_high = over + high + under + GAP
    beside = alone
    height = GAP + rows * block_high + (0 if beside else CHART + 0.75)
    start_sheet(figure, WIDTH, height)
    for index, (block, words) in enumerate(zip(blocks, titles, strict=True)):
        left, top = GAP + index % columns * (wide + GAP), GAP + index // columns * block_high
        for place, (number, title) in enumerate(zip(block.pictures, words, strict=True)):
            axes = axes_at(figure, left + place * (each + GAP), top + over, each, high)
            show_image(axes, coloured(result.shown[number]))
            if len(result.pixels) > 1:
                mark(axes, number)
            axes.set_title(title, fontsize=size, pad=72 * PAD, y=1.0)
        down = top + over + high + text_height("1", NUMBER_SIZE) + PAD
        for place, shown in enumerate(block.patches[:count]):
            axes = axes_at(figure, left + place * (patch + GAP), down, patch, patch)
            draw_patch(axes, shown)
            axes.set_title(f"{shown.value:.3g}", fontsize=NUMBER_SIZE, pad=72 * PAD / 2, y=1.0)
    if beside:
        at = GAP + wide + GAP + AXIS
        chart(axes_at(figure, at, GAP + over, WIDTH - at - GAP, CHART + 0.6), result)
    else:
        chart(axes_at(figure, GAP + AXIS, height - CHART - 0.5, WIDTH - 2 * GAP - AXIS, CHART), result)


def blocks_of(result: MadePictures) -> list[Block]:
    """Return the pictures by what they climb."""
    starts = len(result.pixels) // len(result.natural)
    blocks = []
    for index, row in enumerate(result.natural):
        numbers = tuple(range(index * starts, (index + 1) * starts))
        blocks.append(Block(numbers, tuple(title_of(result, number) for number in numbers), row))
    return blocks


def title_of(result: MadePictures, number: int) -> str:
    """Return what stands above a picture: what it is, and its score with what it was at the start."""
    words = f"{result.labels[number]}\n{result.after[number]:.3g}, at the start {result.before[number]:.3g}"
    probability = result.probabilities[number]
    lines = [words] if np.isnan(probability) else [words, f"probability {probability:.3g}"]
    return "\n".join([*lines, *result.remarks[number : number + 1]])


def line_of(number: int) -> tuple[str, str]:
    """Return the colour and the dashes of a picture's line in the chart."""
    return PALETTE[number % len(PALETTE)], DASHES[number // len(PALETTE) % len(DASHES)]


def mark(axes: Axes, number: int) -> None:
    """Frame a picture as its line in the chart is drawn."""
    colour, dashes = line_of(number)
    for spine in axes.spines.values():
        spine.set(edgecolor=colour, linestyle=dashes, linewidth=FRAME)


def chart(axes: Axes, result: MadePictures) -> None:
    """Draw the score of what the net saw in each step, a line a picture."""
    steps = np.arange(1, result.total + 1)
    for number in range(result.scores.shape[1]):
        colour, dashes = line_of(number)
        axes.plot(steps, result.scores[:, number], color=colour, ls=dashes, lw=1.4)
    axes.set_xlim(0, max(result.total, 2))
    axes.set_xlabel("step", fontsize=LABEL_SIZE)
    axes.set_ylabel("what the preset climbs", fontsize=LABEL_SIZE)
    axes.tick_params(labelsize=LABEL_SIZE - 1)
    axes.locator_params(axis="y", nbins=5)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
