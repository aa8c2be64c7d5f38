"""What the microscope draws: tiles of inputs, weights and products, and the table of what each gate lets through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing import (
    GAP,
    HEAD_SIZE,
    LABEL_SIZE,
    PAD,
    TITLE_SIZE,
    WIDTH,
    axes_at,
    picture_size,
    show_image,
    start_sheet,
    text_height,
    wrapped,
)
from minitorch_viz.layers.window import Field
from minitorch_viz.techniques.explain.view import draw_photo, proportions_of
from minitorch_viz.techniques.gradients._microscope_sums import Sum, Terms

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minitorch_viz.techniques.gradients.microscope import UnitView

MOST_CHANNELS = 16  # channels drawn; the others are summed up in words
ACROSS = 29  # cells across the figure in which numbers can be read
CELL = 0.55  # inches of a cell, at most
SMALLEST = 9.0  # points: numbers that would have to be smaller are left out


def draw(result: UnitView, figure: Figure) -> None:
    """Draw the way forwards: photo, inputs, weights, products; and the way back: the gates and what is sent down."""
    shown = strongest(result.sum)
    forwards = [[getattr(term, factor) for term, _ in shown] for factor in ("x", "weight", "products")]
    sent_down = [[signals[-1] * term.weight for term, _ in shown] for signals in result.signals.values()]
    names = _colours(result, shown)
    above = _rows_of(("inputs", "times weights", "are products"), forwards, names)
    below = _rows_of(tuple(result.signals), sent_down, names, beside=True)
    photo = picture_size(proportions_of(result), 2.8, 3.2)
    beside = WIDTH - 2 * photo[0] - 4 * GAP  # inches for the words
    words = wrapped(forwards_in_words(result, shown), beside, even=False)
    sent = "sent down to each input: the signal behind the gate, times the weight (each mode on a scale of its own)"
    if letters(below.cell) < SMALLEST:
        sent += "; the numbers are the weights above times this signal"
    sent = wrapped(sent, WIDTH - 2 * GAP, even=False)
    back_head = wrapped(f"backwards, from {result.top}", WIDTH - 2 * GAP, HEAD_SIZE)
    crop_title = wrapped(_crop_title(result.field), photo[0])
    titles = max(text_height(crop_title), text_height(wrapped("what the unit can see", photo[0]))) + PAD
    first = max(titles + photo[1], titles + text_height(words)) + GAP
    table = 0.45 * (1 + len(result.signals))
    back = text_height(back_head, HEAD_SIZE) + GAP + PAD
    heights = [0.4, first, above.high, back, table + GAP, text_height(sent) + PAD, below.high]
    start_sheet(figure, WIDTH, sum(heights) + GAP, f"{result.label}: forwards")
    tops = np.cumsum([0.0, *heights])

    seen = axes_at(figure, GAP, tops[1] + titles, *photo)
    draw_photo(seen, result)
    seen.set_title(wrapped("what the unit can see", photo[0]), fontsize=TITLE_SIZE)
    _frame(seen, result.field)
    part = axes_at(figure, 2 * GAP + photo[0], tops[1] + titles, *photo)
    part.set_anchor("N")
    field = result.field
    show_image(part, result.picture[field.top : field.bottom, field.left : field.right], "", result.pixel_aspect)
    part.set_title(crop_title, fontsize=TITLE_SIZE)
    _write(figure, words, WIDTH - beside - GAP, tops[1] + titles, TITLE_SIZE)
    above.draw(figure, tops[2])
    figure.text(0.5, 1 - (tops[3] + PAD) / sum([*heights, GAP]), back_head, ha="center", va="top", fontsize=HEAD_SIZE)
    _draw_gates(axes_at(figure, GAP, tops[4], WIDTH - 2 * GAP, table), result)
    _write(figure, sent, GAP, tops[5], TITLE_SIZE)
    below.draw(figure, tops[6])


def _write(figure: Figure, words: str, left: float, top: float, size: float) -> None:
    """Write words on the sheet, in inches from its left and its top."""
    width, height = figure.get_size_inches()
    figure.text(left / width, 1 - top / height, words, va="top", fontsize=size)


def _crop_title(field: Field) -> str:
    return f"{field.bottom - field.top} x {field.right - field.left} pixels, enlarged"


def _colours(result: UnitView, shown: Sequence[tuple[Terms, list[int]]]) -> tuple[str, ...]:
    """Return the names of the tiles where they are the picture's three colours."""
    of_picture = [term for term, _ in shown if term.groups == (0, 1, 2) and term.source in result.inputs]
    return ("red", "green", "blue") if len(shown) == len(of_picture) == 1 else ()


def forwards_in_words(result: UnitView, shown: Sequence[tuple[Terms, list[int]]]) -> str:
    """Say the sum and the way up, in numbers."""
    products = [float(term.products.sum()) for term in result.sum.terms]
    count = sum(term.x.size for term in result.sum.terms)
    channels = sum(len(term.groups) for term in result.sum.terms)
    drawn = sum(len(groups) for _, groups in shown)
    words = f"{count} products add up to {sum(products):.6g}, with the bias {result.sum.bias:+.6g}: "
    words += "  →  ".join(f"{place.node} {place.value:.6g}" for place in result.way[::-1])
    if drawn < channels:
        rest = sum(products) - sum(float(term.products.sum()) for term, _ in shown)
        words += f"\n(drawn: the {drawn} of {channels} channels with the largest products; the others add {rest:+.4g})"
    return words


def strongest(total: Sum) -> list[tuple[Terms, list[int]]]:
    """Cut each input's terms down to the channels that weigh most, in their order: as many as can be read."""
    side = max(max(term.products.shape[1:]) for term in total.terms)
    most = MOST_CHANNELS if side == 1 else max(3, (ACROSS + 1) // (side + 1))
    sizes = [
        (float(np.abs(tile).sum()), t, g) for t, term in enumerate(total.terms) for g, tile in enumerate(term.products)
    ]
    keep = sorted((t, g) for _, t, g in sorted(sizes, key=lambda size: -size[0])[:most])
    shown = []
    for t, term in enumerate(total.terms):
        groups = [g for of, g in keep if of == t]
        if groups:
            cut = term._replace(
                groups=tuple(term.groups[g] for g in groups), x=term.x[groups], weight=term.weight[groups]
            )
            shown.append((cut, groups))
    return shown


class _Tiles(NamedTuple):
    """Lay three sheets of tiles side by side where their numbers can be read so, else below one another."""

    titles: list[str]
    sheets: tuple[list[Array], ...]  # tiles (a, b)
    names: tuple[str, ...]  # of the tiles, written above them
    across: int  # tiles in a row of a sheet
    beside: bool
    cell: float  # inches
    wide: float  # of a sheet, in inches
    sheet: float  # its height
    head: float  # inches above a sheet
    high: float  # of all, in inches

    def draw(self, figure: Figure, top: float) -> None:
        """Draw them from `top` on, in inches."""
        for number, (title, tiles) in enumerate(zip(self.titles, self.sheets, strict=True)):
            slot = (WIDTH - 4 * GAP) / 3
            left = GAP + number * (slot + GAP) + (slot - self.wide) / 2 if self.beside else (WIDTH - self.wide) / 2
            down = top + self.head if self.beside else top + self.head + number * (self.head + self.sheet + GAP)
            place = axes_at(figure, left, down, self.wide, self.sheet)
            draw_tiles(place, tiles, title, self.across, self.cell, self.names)


def _rows_of(
    titles: tuple[str, ...], sheets: Sequence[Sequence[Array]], names: tuple[str, ...], beside: bool = False
) -> _Tiles:
    """Choose how three sheets lie; beside: beside one another even if there is no room for numbers."""
    tiles = tuple([np.nan_to_num(tile) for part in parts for tile in part] for parts in sheets)
    count = len(tiles[0])
    side = max(max(tile.shape) for tile in tiles[0])
    slot = (WIDTH - 4 * GAP) / 3
    square = int(np.ceil(np.sqrt(count)))
    beside = beside or slot / _cells(square, side, count) >= SMALLEST / 27
    across = square if beside else count
    down = -(-count // across)
    room = slot if beside else WIDTH - 2 * GAP
    cell = min(CELL, room / _cells(across, side, count))
    full = [wrapped(_title(title, of, cell), slot if beside else room) for title, of in zip(titles, tiles, strict=True)]
    wide, sheet = cell * _cells(across, side, count), cell * _cells(down, side, count)
    head = max(text_height(title) for title in full) + PAD + (text_height("A", LABEL_SIZE) if names else 0.0)
    high = (head + sheet + GAP) * (1 if beside else len(titles))
    return _Tiles(full, tiles, names, across, beside, cell, wide, sheet, head, high)


def _cells(tiles: int, side: int, count: int) -> int:
    """Return how many cells so many tiles take in a row, with an empty one between two tiles."""
    gap = _gap(side, count)
    return tiles * (side + gap) - gap


def _gap(side: int, count: int) -> int:
    return 1 if side > 1 and count > 1 else 0


def draw_tiles(
    axes: Axes, tiles: Sequence[Array], title: str, across: int, cell: float, names: Sequence[str] = ()
) -> None:
    """Draw tiles (a, b) in rows, red and blue around white, with numbers where they can be read.

    cell: inches of a number's place; names: of the tiles, written above them.
    """
    side = max(max(tile.shape) for tile in tiles)
    gap = _gap(side, len(tiles))
    down = -(-len(tiles) // across)
    sheet = np.full((_cells(down, side, len(tiles)), _cells(across, side, len(tiles))), np.nan)
    corners = [((k // across) * (side + gap), (k % across) * (side + gap)) for k in range(len(tiles))]
    for tile, (row, column) in zip(tiles, corners, strict=True):
        sheet[row : row + tile.shape[0], column : column + tile.shape[1]] = tile
    scale = _largest(tiles) or 1.0
    unit, decimals, _ = written(scale)
    colours: dict[str, Any] = {"cmap": "RdBu_r", "vmin": -scale, "vmax": scale}
    show_image(axes, np.ma.masked_invalid(sheet), "", **colours)
    above = 72 * text_height("A", LABEL_SIZE) if names else 0.0
    axes.set_title(title, fontsize=TITLE_SIZE, pad=above + 72 * PAD)
    axes.spines[:].set_visible(False)
    for tile, (row, column) in zip(tiles, corners, strict=True):
        _outline(axes, row, column, tile.shape)
    for name, (row, column) in zip(names, corners, strict=False):
        axes.text(column - 0.45, row - 0.55, name, fontsize=LABEL_SIZE, va="bottom")
    if letters(cell) >= SMALLEST:
        for (row, column), value in np.ndenumerate(sheet):
            if np.isfinite(value):
                ink = "white" if abs(value) > 0.6 * scale else "black"
                text = f"{value / unit:.{decimals}f}" if value else "0"
                text = text if float(text) else text.lstrip("-")
                axes.text(column, row, text, ha="center", va="center", fontsize=letters(cell), color=ink)


def letters(cell: float) -> float:
    """Return how large numbers are, in points: five letters fill a cell of so many inches."""
    return min(LABEL_SIZE, 27 * cell)


def _largest(tiles: Sequence[Array]) -> float:
    return float(max(np.abs(tile).max() for tile in tiles))


def _title(title: str, tiles: Sequence[Array], cell: float) -> str:
    """Return a sheet's title with its scale, and the common power of ten of its numbers."""
    largest = _largest(tiles)
    power = written(largest or 1.0)[2] if letters(cell) >= SMALLEST else ""
    return f"{title}: ±{largest:.3g}{power}" if largest else f"{title}: nothing"


def _outline(axes: Axes, row: int, column: int, shape: tuple[int, ...]) -> None:
    from matplotlib.patches import Rectangle

    corner = (column - 0.5, row - 0.5)
    axes.add_patch(Rectangle(corner, shape[1], shape[0], fill=False, edgecolor="black", lw=0.8, clip_on=False))


def written(scale: float) -> tuple[float, int, str]:
    """Choose how numbers up to `scale` stand in cells, five letters at most: unit, decimals, and the title's words.

    From 0.1 to 999 as they are; else in a common power of ten, which the title names.
    """
    if 0.1 <= scale < 999.5:
        return 1.0, 2 if scale < 9.995 else 1 if scale < 99.95 else 0, ""
    power = int(np.floor(np.log10(scale)))
    return 10.0**power, 1, f"\n(numbers in 1e{power})"


def _frame(axes: Axes, field: Field) -> None:
    """Draw the receptive field on the photo."""
    from matplotlib.patches import Rectangle

    size = (field.right - field.left, field.bottom - field.top)
    for colour, width in (("black", 4.0), ("#ffd400", 2.0)):
        axes.add_patch(
            Rectangle((field.left - 0.5, field.top - 0.5), *size, fill=False, edgecolor=colour, linewidth=width)
        )


def _draw_gates(axes: Axes, result: UnitView) -> None:
    """Draw the table of the three modes: what arrives, what the gate says, what goes on."""
    from matplotlib.transforms import Bbox

    axes.axis("off")
    gate = len(result.way) > 1
    up_at, down_at = result.way[0].node, result.way[-1].node
    fired = result.way[-1].value > 0
    rows = []
    for mode, signals in result.signals.items():
        up, down = signals[0], signals[-1]
        rows.append([mode, f"{up:.4g}", _gate_says(mode, fired, up) if gate else "no gate here", f"{down:.4g}"])
    table = axes.table(
        cellText=rows,
        colLabels=["mode", f"arrives at\n{_short(up_at)}", "gate", f"goes on at\n{_short(down_at)}"],
        colWidths=(0.15, 0.26, 0.33, 0.26),
        cellLoc="center",
        bbox=Bbox.unit(),
    )
    table.auto_set_font_size(False)
    table.set_fontsize(LABEL_SIZE)


def _gate_says(mode: str, fired: bool, up: float) -> str:
    """Say why a ReLU lets a signal through in this mode, or not."""
    open_, positive = ("fired" if fired else "did not fire"), ("signal > 0" if up > 0 else "signal ≤ 0")
    says = {"normal": [open_], "deconvnet": [positive], "guided": [open_, positive]}[mode]
    passes = {"normal": fired, "deconvnet": up > 0, "guided": fired and up > 0}[mode]
    return f"{', '.join(says)}:\n{'passes' if passes else 'blocked'}"


def _short(name: str) -> str:
    return name if len(name) < 26 else f"…{name[-24:]}"
