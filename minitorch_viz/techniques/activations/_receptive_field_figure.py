"""The picture of a receptive field: box, effective and empirical field over the photo, and their widths along depth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing import DARK, LABEL_SIZE, panels, robust_max
from minitorch_viz.drawing.layout import GAP, axes_at
from minitorch_viz.drawing.words import text_height, wrapped
from minitorch_viz.techniques.explain.fields import Spread
from minitorch_viz.techniques.explain.view import draw_photo, proportions_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minitorch_viz.techniques.activations.receptive_field import FieldsAlong

# Of the three fields, apart for colour-blind eyes (Okabe and Ito) and on any photo.
SEEN, USED, CHANGED = "#ffffff", "#e69f00", "#56b4e9"
EDGE = "#1b1f24"
CHART = 2.5  # inches: the height of the chart of widths
ROOM = 1.1  # of the photo's sides, shown at most beyond its border where the box hangs over


def draw(result: FieldsAlong, figure: Figure) -> None:
    """Draw the three in one picture, both maps, and the widths along depth."""
    depth = result.chosen
    high, wide = result.sides_of(depth)
    used, changed = result.spread(depth), result.changed_spread(depth)
    titles = [
        f"can see: {high} x {wide} pixels" if result.has_box[depth] else "may depend on every pixel",
        "no gradient comes back" if used.is_blank else f"uses (gradient): sigma {_pair(used.sigma)}",
        "nothing changes it" if changed.is_blank else f"changed by squares: sigma {_pair(changed.sigma)}",
    ]
    along = len(result.nodes) > 1
    sheet = panels(
        figure,
        [titles],
        proportions_of(result),
        heading=result.label,
        bottom=CHART + GAP if along else 0.0,
        least=8.0,
    )
    first, second, third = sheet.axes[0]
    draw_photo(first, result)
    _outline(first, result, depth, {"used": used, "changed": changed})
    _over(second, result, np.sqrt(np.nan_to_num(result.effective[depth])), USED)
    _ellipse(second, used, SEEN)
    _over(third, result, np.sqrt(result.changed(depth)), CHANGED)
    _ellipse(third, changed, SEEN)
    _hatch(third, result, depth)
    _frame(first, result, depth)
    for axes in (second, third):
        _box(axes, result, depth)
        axes.set_xlim(-0.5, result.picture.shape[1] - 0.5)
        axes.set_ylim(result.picture.shape[0] - 0.5, -0.5)
    if along:
        _chart(figure, result)


def _pair(sigma: tuple[float, float]) -> str:
    return f"{sigma[0]:.3g} x {sigma[1]:.3g}"


def _outline(axes: Axes, result: FieldsAlong, depth: int, spreads: dict[str, Spread]) -> None:
    _box(axes, result, depth)
    _ellipse(axes, spreads["used"], USED)
    _ellipse(axes, spreads["changed"], CHANGED)


def _box(axes: Axes, result: FieldsAlong, depth: int) -> None:
    from matplotlib.patches import Rectangle

    if not result.has_box[depth]:
        return
    box = result.box(depth)
    for width, colour in ((3.5, EDGE), (1.5, SEEN)):
        corner = (box.left - 0.5, box.top - 0.5)
        axes.add_patch(
            Rectangle(corner, box.right - box.left, box.bottom - box.top, fill=False, edgecolor=colour, linewidth=width)
        )


def _ellipse(axes: Axes, spread: Spread, colour: str) -> None:
    from matplotlib.patches import Ellipse

    if spread.is_blank:
        return
    for width, edge in ((3.5, EDGE), (1.8, colour)):
        middle = (spread.column, spread.row)
        axes.add_patch(
            Ellipse(middle, 2 * spread.sigma[1], 2 * spread.sigma[0], fill=False, edgecolor=edge, linewidth=width)
        )


def _over(axes: Axes, result: FieldsAlong, values: Array, colour: str) -> None:
    """Draw a map over the pale grey photo, in one colour, the clearer the larger."""
    from matplotlib.colors import to_rgb

    draw_photo(axes, result, grey=DARK)
    layer = np.empty((*values.shape, 4))
    layer[..., :3] = to_rgb(colour)
    layer[..., 3] = np.minimum(values / (robust_max(values)), 1)
    axes.imshow(layer, aspect=axes.get_aspect(), interpolation="nearest")


def _hatch(axes: Axes, result: FieldsAlong, depth: int) -> None:
    """Draw lines over the places where the square has not been yet."""
    from matplotlib.patches import Rectangle

    missing = np.isnan(result.changes[depth]).any(axis=1)
    if not missing.any():
        return
    high, wide = result.picture.shape[:2]
    top = max(int(result.tops[missing.argmax()]), 0)
    axes.add_patch(
        Rectangle((-0.5, top - 0.5), wide, high - top, fill=False, hatch="///", edgecolor="0.45", linewidth=0)
    )


def _frame(axes: Axes, result: FieldsAlong, depth: int) -> None:
    """Show some of what is beyond the photo's border, as grey, where the box hangs over it."""
    box, (high, wide) = result.box(depth), result.picture.shape[:2]
    axes.set_facecolor("0.8")
    axes.set_xlim(max(min(box.left - 1, 0), -ROOM * wide) - 0.5, min(max(box.right + 1, wide), (1 + ROOM) * wide) - 0.5)
    axes.set_ylim(min(max(box.bottom + 1, high), (1 + ROOM) * high) - 0.5, max(min(box.top - 1, 0), -ROOM * high) - 0.5)


def _chart(figure: Figure, result: FieldsAlong) -> None:
    """Draw the box's side and two sigmas to each side, of both fields, for each node."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    width, height = figure.get_size_inches()
    left, key = 0.85, 3.4  # inches: for the numbers, and for what the lines mean
    ends = f"1 is {result.nodes[0]}, {len(result.nodes)} is {result.nodes[-1]}"
    words = wrapped(f"nodes along the net: {ends}", width - left - key, LABEL_SIZE)
    below = 0.5 + text_height(words, LABEL_SIZE)
    axes = axes_at(figure, left, height - CHART, width - left - key, CHART - below)
    depths = range(len(result.nodes))
    sides = [np.sqrt(np.prod(np.array(result.sides_of(i)))) if result.has_box[i] else np.nan for i in depths]
    settings: dict[str, Any] = {"marker": "o", "markersize": 4, "linewidth": 1.8}
    axes.plot(depths, sides, color=EDGE, label="can see: side of the box", **settings)
    for spread_at, colour, name in (
        (result.spread, USED, "uses: 4 sigma (gradient)"),
        (result.changed_spread, CHANGED, "changed by squares: 4 sigma"),
    ):
        axes.plot(
            depths, [4 * float(np.mean(spread_at(i).sigma)) for i in depths], color=colour, label=name, **settings
        )
    axes.axvline(result.chosen, color="0.6", linewidth=1, linestyle="--")
    axes.axhline(min(result.picture.shape[:2]), color="0.6", linewidth=1.4, linestyle=":", label="the photo's side")
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(base=10, subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_ylabel("pixels", fontsize=LABEL_SIZE)
    axes.set_xticks(depths)
    axes.set_xticklabels([str(i + 1) for i in depths], fontsize=LABEL_SIZE)
    axes.tick_params(labelsize=LABEL_SIZE)
    axes.set_xlabel(words, fontsize=LABEL_SIZE)
    axes.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), frameon=False, fontsize=LABEL_SIZE)
