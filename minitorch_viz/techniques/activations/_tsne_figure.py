"""Drawing a map of pictures: points with class colours, sheets of pictures, and a picture's nearest."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing import (
    GAP,
    LABEL_SIZE,
    NUMBER_SIZE,
    WIDTH,
    Sheet,
    axes_at,
    panels,
    show_image,
    text_height,
    text_width,
)
from minitorch_viz.techniques.activations import _tsne_sheet as sheets
from minitorch_viz.techniques.activations._tsne_words import percent
from minitorch_viz.techniques.explain.thumbnails import Thumbnails, in_cells

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minitorch_viz.techniques.activations.tsne import Tsne

# Colours that stay apart in a colour-blind eye, most of them Okabe and Ito's; the next ten classes have another mark.
COLOURS = (
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#882255", "#333333", "#999933", "#6a3d9a",
)  # fmt: skip
MARKS = "os^DvP"
MOST_CLASSES = len(COLOURS) * len(MARKS)
MOST_NAMED = 40  # classes whose names stand on the map, where there is room
GREY = "#9aa0a6"
LINE = 1.32 * NUMBER_SIZE / 72  # inches of a line of the legend
LEGEND = 2.3  # inches, at most
MAP = 7.0  # inches: the side of a lone map


def colour_of(label: int) -> str:
    """Return a class's colour; grey where there is none."""
    return GREY if label < 0 else COLOURS[label % len(COLOURS)]


def mark_of(label: int) -> str:
    """Return a class's mark."""
    return "o" if label < 0 else MARKS[label // len(COLOURS) % len(MARKS)]


def _entries(result: Tsne) -> list[tuple[int, str]]:
    """Return the classes of the legend that have pictures; none where they are too many to tell apart."""
    present = sorted(set(result.classes[result.classes >= 0].tolist()))
    if not result.class_names or len(result.class_names) > MOST_CLASSES:
        return []
    entries = [(label, result.class_names[label]) for label in present]
    return [*entries, (-1, "without a class")] if (result.classes < 0).any() else entries


def _labels(result: Tsne) -> Array:
    """Return the classes that are drawn: none where they are too many to tell apart."""
    return result.classes if _entries(result) else np.full(len(result.codes), -2)


def draw_map(result: Tsne, figure: Figure) -> None:
    """Draw the maps side by side with one legend: beside a lone map, below several."""
    has_bar = result.has_seams and result.form != "points"
    entries, maps = ([] if has_bar else _entries(result)), result.drawn_maps
    is_lone = len(maps) == 1
    widest = max((text_width(name, NUMBER_SIZE) for _, name in entries), default=0)
    column = min(widest + 0.3, LEGEND)
    right = column + GAP if entries and is_lone else 0.0
    per_row = max(int((WIDTH - 2 * GAP) / (column + 0.1)), 1)
    rows = 0 if is_lone else -(-len(entries) // per_row)
    sheet = panels(
        figure,
        [_titles(result)],
        1.0,
        heading=_heading(result),
        side=MAP,
        right=right,
        bottom=rows * LINE + (GAP if rows else 0),
        bars=(len(maps) - 1,) if has_bar else (),
        size=LABEL_SIZE,
    )
    for axes, number in zip(sheet.axes[0], range(len(maps)), strict=True):
        if result.form == "points":
            _draw_points(result, axes, maps[number], sheet.wide, is_named=is_lone)
            _draw_new(result, axes, number, sheet.wide)
        else:
            _draw_sheet(result, sheet, axes, number, number == len(maps) - 1)
    if entries and is_lone:
        width, _ = figure.get_size_inches()
        left = width - right
        top = (1 - sheet.axes[0, 0].get_position().y1) * figure.get_size_inches()[1]
        _draw_legend(figure, entries, left, top, column, per_column=max(int(sheet.high / LINE), 1))
    elif entries:
        height = figure.get_size_inches()[1]
        _draw_legend(figure, entries, GAP, height - rows * LINE - GAP / 2, column, per_column=rows)


def _heading(result: Tsne) -> str:
    """Return what stands over all maps."""
    if len(result.maps):
        return f"t-SNE of {len(result.codes)} pictures of {result.source}"
    return f"{len(result.codes)} pictures of {result.source}, by their first two principal components"


def _titles(result: Tsne) -> list[str | None]:
    """Return a title for each map: the perplexity, and what it keeps."""
    return [
        f"perplexity {perplexity}: {percent(kept.share)} of the {result.k} nearest kept"
        for perplexity, kept in zip(result.perplexities, result.kept, strict=True)
    ] or [""]


def _draw_legend(
    figure: Figure, entries: list[tuple[int, str]], left: float, top: float, column: float, per_column: int
) -> None:
    """Draw the classes' marks and names, in columns; names that are too long are cut."""
    count = -(-len(entries) // per_column)
    wide, high = column * count, per_column * LINE
    axes = axes_at(figure, left, top, wide, high)
    axes.set(xlim=(0, wide), ylim=(high, 0))
    axes.axis("off")
    for number, (label, name) in enumerate(entries):
        x, y = number // per_column * column, (number % per_column + 0.5) * LINE
        axes.scatter([x + 0.09], [y], s=42, c=colour_of(label), marker=mark_of(label), linewidths=0)
        axes.text(x + 0.22, y, _cut(name, column - 0.28), va="center", fontsize=NUMBER_SIZE)


def _cut(name: str, wide: float) -> str:
    """Return a name that is at most so many inches wide."""
    if text_width(name, NUMBER_SIZE) <= wide:
        return name
    while len(name) > 1 and text_width(name + "…", NUMBER_SIZE) > wide:
        name = name[:-1]
    return name + "…"


def _draw_points(result: Tsne, axes: Axes, positions: Array, wide: float, is_named: bool) -> None:
    """Draw a point a picture, and on a lone map the classes' names where they are."""
    labels = _labels(result)
    size = float(np.clip(wide * wide * 1000 / max(len(positions), 1), 6, 60))
    for label in sorted(set(labels.tolist())):
        where = labels == label
        colour = COLOURS[0] if label == -2 else colour_of(label)
        x, y = positions[where].T
        axes.scatter(x, y, s=size, c=colour, marker=mark_of(label), alpha=0.85, linewidths=0.4, edgecolors="white")
    _plain(axes, positions)
    if is_named and _entries(result) and len(_entries(result)) <= MOST_NAMED:
        _draw_names(result, axes, positions, wide)


def _plain(axes: Axes, positions: Array) -> None:
    """Show all positions on one scale for both axes, which have no numbers since these mean nothing."""
    middle = (positions.min(axis=0) + positions.max(axis=0)) / 2
    half = 0.54 * float(np.ptp(positions, axis=0).max()) or 1.0
    axes.set(xlim=(middle[0] - half, middle[0] + half), ylim=(middle[1] - half, middle[1] + half))
    axes.set_xticks([])
    axes.set_yticks([])


def _draw_names(result: Tsne, axes: Axes, positions: Array, wide: float) -> None:
    """Write each class's name at the median of its pictures, the large ones first, unless it would lie on another."""
    from matplotlib.patheffects import withStroke

    low, high = axes.get_xlim()
    inch = (high - low) / wide
    down = axes.get_ylim()[0]
    taken: list[tuple[float, float, float, float]] = []
    entries = [(label, name) for label, name in _entries(result) if label >= 0]
    for label, name in sorted(entries, key=lambda entry: -int((result.classes == entry[0]).sum())):
        short = _cut(name, 1.4)
        half = np.array([text_width(short, LABEL_SIZE) / 2 + 0.04, text_height(short, LABEL_SIZE) / 2 + 0.03])
        x, y = (np.median(positions[result.classes == label], axis=0) - (low, down)) / inch
        x = float(np.clip(x, half[0], wide - half[0]))
        box = (x - half[0], y - half[1], x + half[0], y + half[1])
        if any(box[0] < o[2] and o[0] < box[2] and box[1] < o[3] and o[1] < box[3] for o in taken):
            continue
        taken.append(box)
        axes.text(
            low + x * inch, down + y * inch, short, ha="center", va="center", fontsize=LABEL_SIZE, weight="bold",
            color="black", path_effects=[withStroke(linewidth=3.5, foreground="white")], zorder=7,
        )  # fmt: skip


def _draw_new(result: Tsne, axes: Axes, number: int, wide: float) -> None:
    """Draw new photos at their places, with lines to the pictures that place them."""
    if result.placed is None or result.new is None:
        return
    low, high = axes.get_xlim()
    half = 0.045 * (high - low) * (1 if wide > 4 else 1.8)
    for index, place in enumerate(result.placed.positions[number]):
        for other in result.maps[number][result.placed.near.numbers[index]]:
            axes.plot(*np.stack([place, other]).T, color="black", linewidth=0.8, zorder=4)
    for index, place in enumerate(result.placed.positions[number]):
        picture = trimmed(result.new.small, index)
        tall = picture.shape[0] / picture.shape[1]
        x, y = half / max(tall, 1), half * min(tall, 1)
        extent = (place[0] - x, place[0] + x, place[1] - y, place[1] + y)
        axes.imshow(picture, extent=extent, zorder=5, aspect="equal", interpolation="lanczos")
        axes.plot(
            [extent[0], extent[1], extent[1], extent[0], extent[0]],
            [extent[2], extent[2], extent[3], extent[3], extent[2]],
            color="black", linewidth=2, zorder=6,
        )  # fmt: skip
    _plain(axes, result.maps[number])


def trimmed(small: Thumbnails, number: int) -> Array:
    """Return a picture in small without the paper beside it."""
    side = small.cells.shape[1]
    height, width = small.sizes[number].tolist()
    top, left = (side - height) // 2, (side - width) // 2
    cut: Array = small.cells[number][top : top + height, left : left + width]
    return cut


def _draw_sheet(result: Tsne, sheet: Sheet, axes: Axes, number: int, is_last: bool) -> None:
    """Draw the pictures themselves, with seams or with frames in the colours of their classes."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LinearSegmentedColormap, Normalize, to_rgb

    positions, labels = result.maps[number], _labels(result)
    colours = None
    if _entries(result) and not result.has_seams:
        colours = np.array([[round(255 * part) for part in to_rgb(colour_of(label))] for label in labels], np.uint8)
    if result.form == "pictures":
        show_image(axes, sheets.overlapping(*_with_new(result, number, colours)), interpolation="antialiased")
        return
    grid = sheets.filled(positions) if result.form == "filled" else sheets.snapped(positions, result.seed)
    gap = sheets.SEAM if result.has_seams else 0.04 if colours is not None else 0.0
    drawn, cell, between = sheets.on_grid(grid, result.small, gap, colours)
    if result.has_seams:
        ways = sheets.seams_of(grid, result.compared)
        scale = sheets.scale_of(ways)
        sheets.draw_seams(drawn, ways, cell, between, scale)
        if is_last:
            reds = LinearSegmentedColormap.from_list("seams", ["white", "#d20000"])
            sheet.bar(ScalarMappable(Normalize(*scale), reds), axes, "distance of the codes between neighbours")
    show_image(axes, drawn, interpolation="antialiased")


def _with_new(result: Tsne, number: int, colours: Array | None) -> tuple[Array, Thumbnails, Array | None]:
    """Return places, pictures and colours of frames, new photos behind the others and so over them, framed in black."""
    positions, small = result.maps[number], result.small
    if result.placed is None or result.new is None:
        return positions, small, colours
    count, side = len(result.new.titles), small.cells.shape[1]
    new = in_cells([trimmed(result.new.small, index) for index in range(count)], side)
    of_classes = np.full((len(positions), 3), 255, np.uint8) if colours is None else colours
    frames = np.concatenate([of_classes, np.zeros((count, 3), np.uint8)])
    everywhere = np.concatenate([positions, result.placed.positions[number]])
    joined = Thumbnails(np.concatenate([small.cells, new.cells]), np.concatenate([small.sizes, new.sizes]))
    return everywhere, joined, frames


def draw_nearest(result: Tsne, figure: Figure) -> None:
    """Draw a picture, beside it the nearest by codes, and below these the nearest by pixels."""
    query = result.query
    assert query is not None
    blocks = [("by codes", query.by_codes), ("by pixels", query.by_pixels)]
    blocks = [(words, neighbours) for words, neighbours in blocks if neighbours.numbers.shape[1]]
    across = 5
    titles: list[list[str | None]] = []
    for number, (_, neighbours) in enumerate(blocks):
        shown = [
            f"{_name(result, int(row))}\n{f'{way:,.0f}' if way >= 1000 else f'{way:.3g}'}"
            for row, way in zip(neighbours.numbers[0], neighbours.distances[0], strict=True)
        ]
        for begin in range(0, len(shown), across):
            part: list[str | None] = [*shown[begin : begin + across]]
            first = _stem(query.title) if number == begin == 0 else None
            titles.append([first, *part, *[None] * (across - len(part))])
    sheet = panels(figure, titles, 1.0, heading=f"The pictures nearest to {query.title}", size=NUMBER_SIZE, side=1.5)
    show_image(sheet.axes[0, 0], query.picture.cells[0])
    row, begin = 0, 0
    for words, neighbours in blocks:
        count = neighbours.numbers.shape[1]
        for number in range(count):
            axes = sheet.axes[row + number // across, 1 + number % across]
            show_image(axes, query.small.cells[begin + number])
        place = sheet.axes[row + (1 if row == 0 and count > across else 0), 0]
        if not place.images:
            sheet.write(place, [f"Nearest {words}, with their distances, the nearest first."])
        row, begin = row - (-count // across), begin + count


def _stem(title: str) -> str:
    return PurePath(title).stem if PurePath(title).suffix else title


def _name(result: Tsne, row: int) -> str:
    """Return what stands over a neighbour: its class where it is in no file of that name, else its file's name."""
    label, title = int(result.classes[row]), _stem(result.titles[row])
    is_file = title != result.titles[row]
    return title if is_file or label < 0 else f"{result.class_names[label]}"
