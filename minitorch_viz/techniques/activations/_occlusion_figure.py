"""How an occlusion map is drawn: in the colours of every signed map, cell by cell over the photo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing import BLACK, LABEL_SIZE, panels, text_width, wrapped
from minitorch_viz.techniques.explain.blank import drawable
from minitorch_viz.techniques.explain.view import draw_photo, proportions_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minitorch_viz.techniques.activations.occlusion import OcclusionMap

PALETTE = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#000000")
REST = "#bbbbbb"  # classes beyond these
LEGEND = 1.5  # inches for a class name beside the map


def draw(result: OcclusionMap, figure: Figure) -> None:
    """Draw the photo with the occluder's size, the fall over the photo, and of a class the likeliest one a place."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    from matplotlib.patches import Rectangle

    base = f"{result.base:.2f}" if result.kind == "probability" else f"{result.kind} {result.base:.3g}"
    square = f"the square covers {result.size} x {result.size} pixels"
    words = "blank: see the notes" if result.blank else f"fall of the {result.kind} where covered"
    titles = [f"{result.label}: {base}; {square}", words]
    classes, beside = _classes(result), 0.0
    if classes is not None:
        titles.append("most probable class where covered")
        names = [wrapped(name, LEGEND, LABEL_SIZE) for name in classes.names]
        beside = 0.5 + max(text_width(line, LABEL_SIZE) for name in names for line in name.split("\n"))
    sheet = panels(figure, [titles], proportions_of(result), bars=(1,), right=beside)
    photo, heat, *more = sheet.axes[0]
    draw_photo(photo, result)
    corner = (result.picture.shape[1] - result.size) / 2 - 0.5, (result.picture.shape[0] - result.size) / 2 - 0.5
    photo.add_patch(Rectangle(corner, result.size, result.size, facecolor="0.5", edgecolor="white", lw=2))

    drop = drawable(np.nan_to_num(result.drop), result.blank)
    scale = float(np.abs(drop).max()) or 1.0
    opaque = 0.85 * np.clip(np.abs(drop) / scale, 0, 1) ** 0.7
    _draw_grid(heat, result, drop, alpha=opaque, cmap="RdBu_r", vmin=-scale, vmax=scale)
    sheet.bar(ScalarMappable(Normalize(-scale, scale), "RdBu_r"), heat, "red matters, blue holds it down")
    if result.done < result.total:
        _hatch(heat, result)
    if classes is not None:
        _draw_classes(more[0], result, classes._replace(names=tuple(names)))


def _hatch(axes: Axes, result: OcclusionMap) -> None:
    """Draw lines over the places where the square has not been yet: nothing is known of them."""
    from matplotlib.patches import Rectangle

    high, wide = result.picture.shape[:2]
    tops, lefts = (edges(firsts, result.size, side) for firsts, side in ((result.tops, high), (result.lefts, wide)))
    missing = np.isnan(result.values)
    columns = missing.argmax(axis=1)  # the first of each row: the places come row by row, so all after it are missing
    for row in np.flatnonzero(missing.any(axis=1)):
        left, top = lefts[columns[row]], tops[row]
        sides = lefts[-1] - left, tops[row + 1] - top
        axes.add_patch(Rectangle((left, top), *sides, fill=False, hatch="///", edgecolor="0.45", linewidth=0))


class _Classes(NamedTuple):
    """Hold the classes that have a colour, the commonest first."""

    ranks: Array  # (rows, columns) int: the place in `names` of the class at each place
    names: tuple[str, ...]
    colours: tuple[str, ...]


def _classes(result: OcclusionMap) -> _Classes | None:
    """Return the classes to show; None if there is only one, or none."""
    best = result.best
    if best is None or not result.shows_classes:
        return None
    kinds, counts = np.unique(best[best >= 0], return_counts=True)
    kinds = kinds[np.argsort(-counts)]
    shown = kinds[: len(PALETTE)]
    ranks = np.full(best.shape, len(shown))
    for rank, kind in enumerate(shown):
        ranks[best == kind] = rank
    rest = len(kinds) > len(shown) or bool((best < 0).any())
    word = "others" if len(kinds) > len(shown) else "not there yet"
    names = (*(result.class_names[kind] for kind in shown), *([word] if rest else []))
    return _Classes(ranks, names, (*PALETTE[: len(shown)], *([REST] if rest else [])))


def _draw_classes(axes: Axes, result: OcclusionMap, classes: _Classes) -> None:
    """Draw the most probable class at each place, with their names beside it."""
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Rectangle

    limits = {"vmin": -0.5, "vmax": len(classes.names) - 0.5}
    _draw_grid(axes, result, classes.ranks, alpha=0.8, cmap=ListedColormap(classes.colours), **limits)
    handles = [Rectangle((0, 0), 1, 1, facecolor=colour) for colour in classes.colours]
    place: dict[str, Any] = {"loc": "center left", "bbox_to_anchor": (1.01, 0.5), "frameon": False}
    axes.legend(handles, classes.names, handlelength=1.2, fontsize=LABEL_SIZE, **place)


def _draw_grid(axes: Axes, result: OcclusionMap, values: Array, **colours: Any) -> Any:
    """Draw cells over the faded photo, each around the middle of the occluder, the outer ones up to the border."""
    high, wide = result.picture.shape[:2]
    draw_photo(axes, result, grey=BLACK)
    tops, lefts = (edges(firsts, result.size, side) for firsts, side in ((result.tops, high), (result.lefts, wide)))
    return axes.pcolormesh(lefts, tops, values, **colours)


def edges(firsts: Array, size: int, side: int) -> Array:
    """Return where the cells of squares begin and end on one axis, in Matplotlib's pixels: midway between middles."""
    middles = firsts + (size - 1) / 2
    between = (middles[1:] + middles[:-1]) / 2
    return np.array([-0.5, *between, side - 0.5])
