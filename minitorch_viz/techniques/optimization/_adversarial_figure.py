"""The figure of `adversarial`: two tables, photos before and after, and class models, one row a net."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing import (
    GAP,
    HEAD_SIZE,
    LABEL_SIZE,
    NUMBER_SIZE,
    PAD,
    TITLE_SIZE,
    WIDTH,
    axes_at,
    show_image,
    start_sheet,
    text_height,
    text_width,
    wrapped,
)
from minitorch_viz.optimize.units import coloured
from minitorch_viz.techniques.optimization._adversarial_words import listed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.techniques.optimization.adversarial import Attacked

CELL = 0.34  # inches: the height of a table's line
NAMES = 2.3  # inches for the names of a table's lines, at most
COLUMN = 1.15  # inches of a table's column, at most
PICTURE = 1.5  # inches of a picture's side, at most
MODEL = 0.86  # of a class model's
BESIDE = 6  # pictures in one strip
TOGETHER = 6  # photos of all nets, where more were not asked for


def draw(result: Attacked, figure: Figure) -> None:
    """Draw all parts below one another."""
    parts: list[Table | Strip] = [_ladder(result), _transfer(result), *_photos(result), *_models(result)]
    heading = wrapped(
        f"Attacks on {listed(result.nets)}: at most {result.eps:g} of 255 a value", WIDTH - 2 * GAP, HEAD_SIZE
    )
    top = text_height(heading, HEAD_SIZE) + 2 * GAP
    start_sheet(figure, WIDTH, top + sum(part.high for part in parts) + GAP, heading)
    for part in parts:
        part.draw(figure, top)
        top += part.high


class Table:
    """Draw a table of shares 0..1 in cells, darker for more; NaN is hatched."""

    def __init__(self, title: str, lines: Sequence[str], columns: Sequence[str], shares: Array, colours: str) -> None:
        self.lines, self.shares, self.colours = lines, shares, colours  # shares: (lines, columns)
        self.names = min(max(text_width(line, LABEL_SIZE) for line in lines) + 2 * PAD, NAMES)
        self.wide = min(COLUMN, (WIDTH - 2 * GAP - self.names) / len(columns))
        self.title = wrapped(title, WIDTH - 2 * GAP, TITLE_SIZE, even=False)
        self.columns = [wrapped(column, self.wide - PAD, NUMBER_SIZE) for column in columns]
        self.lines = [wrapped(line, self.names - PAD, NUMBER_SIZE) for line in lines]
        self.over = text_height(self.title, TITLE_SIZE) + PAD
        self.over += max(text_height(column, NUMBER_SIZE) for column in self.columns) + PAD
        self.cell = max(CELL, max(text_height(line, NUMBER_SIZE) for line in self.lines) + PAD)
        self.high = self.over + self.cell * len(lines) + 2 * GAP

    def draw(self, figure: Figure, top: float) -> None:
        """Draw it, its top so many inches below the figure's."""
        height = figure.get_size_inches()[1]
        figure.text(GAP / WIDTH, 1 - top / height, self.title, fontsize=TITLE_SIZE, va="top")
        count, columns = self.shares.shape
        axes = axes_at(figure, GAP + self.names, top + self.over, self.wide * columns, self.cell * count)
        axes.imshow(np.ma.masked_invalid(self.shares), cmap=self.colours, vmin=0, vmax=1.25, aspect="auto")
        axes.set(xticks=range(columns), yticks=range(count), xlim=(-0.5, columns - 0.5), ylim=(count - 0.5, -0.5))
        axes.set_xticklabels(self.columns, fontsize=NUMBER_SIZE)
        axes.set_yticklabels(self.lines, fontsize=NUMBER_SIZE)
        axes.xaxis.tick_top()
        axes.tick_params(length=0, pad=3)
        axes.spines[:].set_visible(False)
        axes.set_xticks(np.arange(columns + 1) - 0.5, minor=True)
        axes.set_yticks(np.arange(count + 1) - 0.5, minor=True)
        axes.grid(which="minor", color="white", lw=2)
        axes.tick_params(which="minor", length=0)
        for line, column in np.ndindex(count, columns):
            share = float(self.shares[line, column])
            if np.isnan(share):
                _hatch(axes, (column - 0.5, line - 0.5))
            else:
                dark = share > 0.7
                axes.text(
                    column, line, percent(share), ha="center", va="center", fontsize=LABEL_SIZE,
                    color="white" if dark else "black",
                )  # fmt: skip


class Strip:
    """Draw pictures side by side, each with a title, and a name at the left."""

    def __init__(
        self, name: str, pictures: Sequence[Any], titles: Sequence[str], side: float, title: str = "", left: float = 0.0
    ) -> None:
        self.pictures, self.name = pictures, name
        self.title = wrapped(title, WIDTH - 2 * GAP, TITLE_SIZE, even=False) if title else ""
        self.left = min(max(text_width(name, LABEL_SIZE), left) + GAP, NAMES) if name else 0.0
        room = (WIDTH - GAP - self.left) / len(pictures) - GAP
        self.wide = min(side, room)
        self.titles = [wrapped(each, self.wide + GAP / 2, NUMBER_SIZE) for each in titles]
        first = next((picture for picture in pictures if picture is not None), np.zeros((1, 1)))
        self.tall = self.wide * min(first.shape[0] / first.shape[1], 2.0)
        self.head = text_height(self.title, TITLE_SIZE) + GAP + PAD if title else 0.0
        self.over = self.head + max(text_height(each, NUMBER_SIZE) for each in self.titles) + PAD
        self.high = self.over + self.tall + GAP

    def draw(self, figure: Figure, top: float) -> None:
        """Draw it, its top so many inches below the figure's."""
        height = figure.get_size_inches()[1]
        if self.title:
            figure.text(GAP / WIDTH, 1 - (top + GAP) / height, self.title, fontsize=TITLE_SIZE, va="top")
        if self.name:
            middle = top + self.over + self.tall / 2
            words = wrapped(self.name, self.left - PAD, LABEL_SIZE)
            figure.text(GAP / WIDTH, 1 - middle / height, words, fontsize=LABEL_SIZE, va="center")
        for place, (picture, title) in enumerate(zip(self.pictures, self.titles, strict=True)):
            axes = axes_at(figure, GAP + self.left + place * (self.wide + GAP), top + self.over, self.wide, self.tall)
            axes.set_title(title, fontsize=NUMBER_SIZE, pad=72 * PAD / 2, y=1.0)
            if picture is None:
                axes.set(xticks=[], yticks=[], xlim=(0, 1), ylim=(0, 1))
                _hatch(axes, (0, 0))
            else:
                show_image(axes, coloured(picture))


def percent(share: float) -> str:
    """Return a share in whole percent; one that is nearly all or nearly nothing is not called so."""
    if 0 < share < 0.005 or 0.995 <= share < 1:
        return f"{share:.1%}"
    return f"{share:.0%}"


def changes(photo: Array, changed: Array, eps: float) -> Array:
    """Return the change (h, w, C) uint8 as it is drawn: mid-grey is 0, black -eps, white +eps."""
    difference = changed.astype(np.float64) - photo
    return np.round(np.clip(127.5 + 127.5 * difference / eps, 0, 255)).astype(np.uint8)


def _ladder(result: Attacked) -> Table:
    within = np.concatenate([result.right[:, :-1], result.worst[:, None], result.right[:, -1:]], axis=1)
    columns = [*result.attacks[:-1], "all of these", result.attacks[-1]]
    count = int(result.counted.sum())
    title = f"Right after each attack, of {count} picture{'s' * (count > 1)}: from no attack to the strongest"
    return Table(title, result.rows, columns, within, "Blues")


def _transfer(result: Attacked) -> Table:
    lines = [*(f"made for {net}" for net in result.nets), "noise"]
    title = "Whose pictures fool whom: right answers that fall, of each column's"
    return Table(title, lines, result.rows, result.transfer, "Oranges")


def _photos(result: Attacked) -> list[Strip]:
    """Return strips of photos: for each of them and each net the photo, what PGD made of it, and the change."""
    pictures: list[Any] = []
    titles: list[str] = []
    photos = int((~result.counted).sum()) or len(result.counted)
    count = min(len(result.photos[0]), max(photos, TOGETHER // len(result.nets)))
    for number, net in np.ndindex(count, len(result.nets)):
        photo, name = result.photos[net][number], result.nets[net]
        if not result.answers[net]:
            pictures += [photo, None, None]
            titles += [name, "to come", ""]
            continue
        answer, changed = result.answers[net][number], result.changed[net][number]
        pictures += [photo, changed, changes(photo, changed, result.eps)]
        before, after = f"{answer.before} ({answer.before_share:.2g})", f"{answer.after} ({answer.after_share:.2g})"
        titles += [f"{name}: {before}", after, "the change"]
    title = "Pictures as each net sees them, changed by PGD, and the change: what it says, and how probable that is"
    return [
        Strip("", pictures[start : start + BESIDE], titles[start : start + BESIDE], PICTURE, title * (not start))
        for start in range(0, len(pictures), BESIDE)
    ]


def _models(result: Attacked) -> list[Strip]:
    """Return a strip a net: its class models without a regularizer; of few of them one strip for all nets."""
    title = "What each net finds most like a class, without any regularizer, and how probable it finds that"
    rows = [(name, *_of_net(result, net)) for net, name in enumerate(result.nets) if result.classes[net]]
    if rows and sum(len(titles) for _, _, titles in rows) <= BESIDE:
        pictures = [picture for _, row, _ in rows for picture in row]
        return [Strip("", pictures, [f"{name}: {words}" for name, _, row in rows for words in row], PICTURE, title)]
    widest = max((text_width(name, LABEL_SIZE) for name in result.nets), default=0)
    return [
        Strip(name, pictures, titles, MODEL if len(pictures) > BESIDE else PICTURE, title * (not place), widest)
        for place, (name, pictures, titles) in enumerate(rows)
    ]


def _of_net(result: Attacked, net: int) -> tuple[list[Any], list[str]]:
    """Return a net's class models, None for those to come, and what stands above each."""
    pictures, names = list(result.models[net]), list(result.classes[net])
    if not pictures:
        return [None] * len(names), names
    shares = result.probabilities[net]
    return pictures, [f"{name} ({share:.2g})" for name, share in zip(names, shares, strict=True)]


def _hatch(axes: Any, corner: tuple[float, float]) -> None:
    """Hatch a cell that is not measured yet."""
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle(corner, 1, 1, facecolor="#eeeeee", edgecolor="#999999", hatch="///", lw=0))
