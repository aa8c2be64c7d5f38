"""The picture of a unit's field: the mean over its top pictures, and each of these, covered and segmented."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing import DARK, LABEL_SIZE, panels, robust_max, show_image, show_photo
from minitorch_viz.techniques.explain.receptive import Field

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minitorch_viz.techniques.activations.unit_field import UnitField

ACROSS = 4  # pictures side by side
SHADE = 0.25  # of the brightness that is left outside of a segment
COLOUR = "#56b4e9"  # of what squares change, as in receptive-field
EDGE = "#1b1f24"


def draw(result: UnitField, figure: Figure) -> None:
    """Draw the mean field and its numbers at the left; of each picture the changes above and the segment below."""
    count = len(result.values)
    columns = min(count, ACROSS)
    titles: list[list[str | None]] = []
    for begin in range(0, count, columns):
        ranks = range(begin, min(begin + columns, count))
        empty: list[str | None] = [None] * (columns - len(ranks))
        first = begin == 0
        titles.append(["the unit in the middle" if first else None, *[_title(result, rank) for rank in ranks], *empty])
        titles.append(["" if first else None, *[""] * len(ranks), *empty])
    high, wide = result.pictures.shape[1:3]
    sheet = panels(
        figure,
        titles,
        high / wide,
        heading=f"{result.label}: how far it looks, and what it answers to",
        size=LABEL_SIZE,
        side=1.9,
    )
    _mean(sheet.axes[0, 0], result)
    sheet.axes[1, 0].axis("off")
    sheet.write(sheet.axes[1, 0], _numbers(result))
    for rank in range(count):
        row, column = 2 * (rank // columns), 1 + rank % columns
        _covered(sheet.axes[row, column], result, rank)
        show_image(sheet.axes[row + 1, column], _segmented(result.pictures[rank], result.masks[rank]))
        _frame(sheet.axes[row, column], Field(*result.boxes[rank].tolist()), (high, wide))


def _title(result: UnitField, rank: int) -> str:
    return f"{result.values[rank]:.3g}: {result.titles[rank]}"


def _numbers(result: UnitField) -> list[str]:
    """Return the sizes in short sentences."""
    high, wide = result.box_sides
    spread = result.spread
    words = [f"can see {high} x {wide} pixels" if result.has_box else "may see everything"]
    if not spread.is_blank:
        share = spread.side**2 / (high * wide)
        words += [
            f"sigma {spread.sigma[0]:.3g} x {spread.sigma[1]:.3g}",
            f"95 % of the changes on {spread.side:.3g} x {spread.side:.3g}: {share:.0%} of what it can see",
        ]
    return words


def _mean(axes: Axes, result: UnitField) -> None:
    """Draw the mean field around the unit, with the box that it can see."""
    from matplotlib.patches import Ellipse, Rectangle

    high, wide = result.box_sides
    middle_row, middle_column = (side // 2 for side in result.field.shape)
    reach = min(max(high, wide) // 2 + 2, middle_row, middle_column)
    part = result.field[middle_row - reach : middle_row + reach + 1, middle_column - reach : middle_column + reach + 1]
    axes.imshow(np.sqrt(part), cmap="inferno", vmin=0, extent=(-reach - 0.5, reach + 0.5, reach + 0.5, -reach - 0.5))
    axes.set_xticks([])
    axes.set_yticks([])
    corner = (-(wide - 1) / 2 - 0.5, -(high - 1) / 2 - 0.5)
    axes.add_patch(Rectangle(corner, wide, high, fill=False, edgecolor="white", linewidth=1.5))
    spread = result.spread
    if not spread.is_blank:
        for width, colour in ((3.0, EDGE), (1.5, COLOUR)):
            place = (spread.column, spread.row)
            axes.add_patch(
                Ellipse(place, 2 * spread.sigma[1], 2 * spread.sigma[0], fill=False, edgecolor=colour, linewidth=width)
            )
    axes.set_xlim(-reach - 0.5, reach + 0.5)
    axes.set_ylim(reach + 0.5, -reach - 0.5)


def _covered(axes: Axes, result: UnitField, rank: int) -> None:
    """Draw what the squares changed over the pale picture."""
    from matplotlib.colors import to_rgb

    from minitorch_viz.techniques.activations._unit_field_measure import over_pixels

    show_photo(axes, result.pictures[rank], result.pictures.shape[1:3], grey=DARK)
    values, is_known = over_pixels(
        result.changes[rank], result.tops, result.lefts, result.size, result.pictures.shape[1:3]
    )
    layer = np.empty((*values.shape, 4))
    layer[..., :3] = to_rgb(COLOUR)
    layer[..., 3] = np.minimum(np.sqrt(values) / robust_max(np.sqrt(values)), 1)
    axes.imshow(layer, aspect=axes.get_aspect(), interpolation="nearest")
    _hatch(axes, is_known)


def _hatch(axes: Axes, is_known: Array) -> None:
    """Draw lines over the rows where the square has not been yet."""
    from matplotlib.patches import Rectangle

    missing = np.flatnonzero(~is_known.all(axis=1))
    if len(missing):
        high, wide = is_known.shape
        top = int(missing[0])
        axes.add_patch(
            Rectangle((-0.5, top - 0.5), wide, high - top, fill=False, hatch="///", edgecolor="0.45", linewidth=0)
        )


def _segmented(picture: Array, mask: Array) -> Array:
    """Return a picture, dark outside of a mask."""
    return np.where(mask[..., None], picture, (SHADE * picture).astype(np.uint8))


def _frame(axes: Axes, box: Field, size: tuple[int, int]) -> None:
    """Draw the box that the unit can see, where some of its border is on the picture."""
    from matplotlib.patches import Rectangle

    if box.top <= 0 and box.left <= 0 and box.bottom >= size[0] and box.right >= size[1]:
        return
    sides = (box.right - box.left, box.bottom - box.top)
    for width, colour in ((2.5, EDGE), (1.2, "white")):
        corner = (box.left - 0.5, box.top - 0.5)
        axes.add_patch(Rectangle(corner, *sides, fill=False, edgecolor=colour, linewidth=width))
    axes.set_xlim(-0.5, size[1] - 0.5)
    axes.set_ylim(size[0] - 0.5, -0.5)
