"""What the microscope draws: tiles of inputs, weights and products, and the table of what each gate lets through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing import LABEL_SIZE, TITLE_SIZE, show_image
from minitorch_viz.techniques.explain.receptive import Field
from minitorch_viz.techniques.gradients._microscope_sums import Sum, Terms

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from minitorch_viz.techniques.gradients.microscope import UnitView

TILES = 16  # channels drawn; the others are summed up in words
SMALLEST = 7.0  # points: numbers that would have to be smaller are left out


def forwards_in_words(result: UnitView, shown: Sequence[tuple[Terms, list[int]]]) -> str:
    """The sum and the way up, in numbers."""
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
    """Each input's terms cut down to the channels that weigh most, at most TILES in all, in their order."""
    sizes = [
        (float(np.abs(tile).sum()), t, g) for t, term in enumerate(total.terms) for g, tile in enumerate(term.products)
    ]
    keep = sorted((t, g) for _, t, g in sorted(sizes, key=lambda one: -one[0])[:TILES])
    found = []
    for t, term in enumerate(total.terms):
        groups = [g for one, g in keep if one == t]
        if groups:
            cut = term._replace(
                groups=tuple(term.groups[g] for g in groups), x=term.x[groups], weight=term.weight[groups]
            )
            found.append((cut, groups))
    return found


def draw_tiles(axes: Axes, parts: Sequence[Array], title: str, side: float = 3.0, names: Sequence[str] = ()) -> None:
    """Tiles side by side, red and blue around white, with numbers where they can be read.

    side: of the axes, in inches; names: of the tiles, written above them.
    """
    tiles = [np.nan_to_num(tile) for part in parts for tile in part]
    across = int(np.ceil(np.sqrt(len(tiles))))
    down = -(-len(tiles) // across)
    high, wide = (max(tile.shape[a] for tile in tiles) for a in (0, 1))
    gap = 1 if high * wide > 1 and len(tiles) > 1 else 0
    sheet = np.full((down * (high + gap) - gap, across * (wide + gap) - gap), np.nan)
    corners = [((k // across) * (high + gap), (k % across) * (wide + gap)) for k in range(across * down)]
    for tile, (row, column) in zip(tiles, corners, strict=False):
        sheet[row : row + tile.shape[0], column : column + tile.shape[1]] = tile
    largest = float(max(np.abs(tile).max() for tile in tiles))
    scale = largest or 1.0
    axes.set_facecolor("#d9d9d9")
    unit, decimals, power = written(scale)
    size = min(11.0, 27 * side / max(sheet.shape))  # five letters fill a cell
    readable = size >= SMALLEST
    full = f"±{scale:.3g}{power if readable else ''}" if largest else "nothing"
    colours: dict[str, Any] = {"cmap": "RdBu_r", "vmin": -scale, "vmax": scale}
    show_image(axes, np.ma.masked_invalid(sheet), "", **colours)
    axes.set_title(f"{title}: {full}", fontsize=TITLE_SIZE, pad=18 if names else 6)
    for row, column in corners[len(tiles) :]:  # places without a tile
        axes.add_patch(_cells(row - gap / 2, column - gap / 2, high + gap, wide + gap))
    for name, (row, column) in zip(names, corners, strict=False):
        axes.text(column - 0.45, row - 0.55, name, fontsize=LABEL_SIZE - 1, va="bottom")
    if readable:
        for (row, column), value in np.ndenumerate(sheet):
            if np.isfinite(value):
                ink = "white" if abs(value) > 0.6 * scale else "black"
                text = f"{value / unit:.{decimals}f}" if value else "0"
                text = text if float(text) else text.lstrip("-")
                axes.text(column, row, text, ha="center", va="center", fontsize=size, color=ink)


def written(scale: float) -> tuple[float, int, str]:
    """How numbers up to `scale` are written in cells, in five letters at most: unit, decimals, and the title's words.

    From 0.1 to 999 as they are; else in a common power of ten, which the title names.
    """
    if 0.1 <= scale < 999.5:
        return 1.0, 2 if scale < 9.995 else 1 if scale < 99.95 else 0, ""
    power = int(np.floor(np.log10(scale)))
    return 10.0**power, 1, f"\n(numbers in 1e{power})"


def _cells(row: float, column: float, high: float, wide: float) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((column - 0.5, row - 0.5), wide, high, facecolor="white", edgecolor="none")


def frame(axes: Axes, field: Field) -> None:
    from matplotlib.patches import Rectangle

    size = (field.right - field.left, field.bottom - field.top)
    for colour, width in (("black", 4.0), ("#ffd400", 2.0)):
        axes.add_patch(
            Rectangle((field.left - 0.5, field.top - 0.5), *size, fill=False, edgecolor=colour, linewidth=width)
        )


def draw_gates(axes: Axes, result: UnitView) -> None:
    """The table of the three modes: what arrives, what the gate says, what goes on."""
    axes.axis("off")
    gate = len(result.way) > 1
    up_at, down_at = result.way[0].node, result.way[-1].node
    fired = result.way[-1].value > 0
    rows = []
    for mode, one in result.signals.items():
        up, down = one[0], one[-1]
        rows.append([mode, f"{up:.4g}", _gate_says(mode, fired, up) if gate else "no gate here", f"{down:.4g}"])
    table = axes.table(
        cellText=rows,
        colLabels=["mode", f"arrives at\n{_short(up_at)}", "gate", f"goes on at\n{_short(down_at)}"],
        colWidths=(0.2, 0.24, 0.32, 0.24),
        cellLoc="center",
        loc="center",
    )
    table.auto_set_font_size(False)
    table.set_fontsize(10)
    table.scale(1, 2.3)


def _gate_says(mode: str, fired: bool, up: float) -> str:
    """Why a ReLU lets a signal through in this mode, or not."""
    open_, positive = ("fired" if fired else "did not fire"), ("signal > 0" if up > 0 else "signal ≤ 0")
    says = {"normal": [open_], "deconvnet": [positive], "guided": [open_, positive]}[mode]
    passes = {"normal": fired, "deconvnet": up > 0, "guided": fired and up > 0}[mode]
    return f"{', '.join(says)}:\n{'passes' if passes else 'blocked'}"


def _short(name: str) -> str:
    return name if len(name) < 18 else f"…{name[-16:]}"
