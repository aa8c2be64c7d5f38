"""How an occlusion map is drawn: in the colours of every signed map, cell by cell over the photo."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing import (
    LABEL_SIZE,
    TITLE_SIZE,
    colour_bar,
    panel_size,
    panels,
    proportions,
    show_image,
    title_width,
)
from minitorch_viz.techniques.explain.blank import drawable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minitorch_viz.techniques.activations.occlusion import OcclusionMap

PALETTE = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#000000")
REST = "#bbbbbb"  # classes beyond these


def draw(result: OcclusionMap, figure: Figure) -> None:
    """The photo with the occluder's size, the fall over the photo, and of a class the most probable one a place."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    from matplotlib.patches import Rectangle

    tall = proportions(result.picture, result.pixel_aspect)
    letters = title_width(tall)
    best = result.best if result.shows_classes else None
    words = "blank: see the notes" if result.blank else f"fall of the {result.kind} where covered"
    label = f"{result.label}: {result.base:.2f}" if result.kind == "probability" else ""
    label = label or f"{result.label}: {result.kind} {result.base:.3g}"
    titles = [textwrap.fill(text, letters) for text in (label, words)]
    size = textwrap.fill(f"the square, {result.size} x {result.size} pixels", letters)
    lines = 1 + max(title.count("\n") for title in titles)
    below = 0.2 * (1 + size.count("\n"))
    classes_of = _classes(result, best)
    beside = 0.0 if best is None else 0.5 + 0.085 * max(len(name) for name in classes_of.names)
    columns = 2 if best is None else 3
    photo, heat, *classes = panels(figure, 1, columns, tall, lines=lines, bars=1, below=below, beside=beside)[0]
    show_image(photo, result.picture, titles[0], result.pixel_aspect)
    corner = (result.picture.shape[1] - result.size) / 2 - 0.5, (result.picture.shape[0] - result.size) / 2 - 0.5
    photo.add_patch(Rectangle(corner, result.size, result.size, facecolor="0.5", edgecolor="white", lw=2))
    photo.set_xlabel(size, fontsize=LABEL_SIZE)

    drop = drawable(np.nan_to_num(result.drop), result.blank)
    scale = float(np.abs(drop).max()) or 1.0
    opaque = 0.85 * np.clip(np.abs(drop) / scale, 0, 1) ** 0.7
    _draw_grid(heat, result, drop, alpha=opaque, cmap="RdBu_r", vmin=-scale, vmax=scale)
    heat.set_title(titles[1], fontsize=TITLE_SIZE)
    colour_bar(figure, ScalarMappable(Normalize(-scale, scale), "RdBu_r"), heat, _bar_label(tall))
    if result.done < result.total:
        _hatch(heat, result)
    if best is not None:
        _draw_classes(classes[0], result, classes_of)


def _hatch(axes: Axes, result: OcclusionMap) -> None:
    """Lines over the places where the square has not been yet: nothing is known of them."""
    from matplotlib.patches import Rectangle

    high, wide = result.picture.shape[:2]
    tops, lefts = (edges(firsts, result.size, side) for firsts, side in ((result.tops, high), (result.lefts, wide)))
    for row, column in zip(*np.nonzero(np.isnan(result.values)), strict=True):
        corner, sides = (lefts[column], tops[row]), np.diff((lefts[column : column + 2], tops[row : row + 2]))[:, 0]
        axes.add_patch(Rectangle(corner, *sides, fill=False, hatch="///", edgecolor="0.45", linewidth=0))


def _bar_label(tall: float) -> str:
    """The sign convention, on two lines where the bar is too short for one."""
    return textwrap.fill("red matters, blue holds it down", max(16, int(panel_size(tall)[1] / 0.085)))


class _Classes(NamedTuple):
    """The classes that have a colour, the commonest first."""

    ranks: Array  # (rows, columns) int: the place in `names` of the class at each place
    names: tuple[str, ...]
    colours: tuple[str, ...]


def _classes(result: OcclusionMap, best: Array | None) -> _Classes:
    if best is None:
        return _Classes(np.zeros((0, 0), int), (), ())
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
    """The most probable class at each place, with their names beside it."""
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Rectangle

    limits = {"vmin": -0.5, "vmax": len(classes.names) - 0.5}
    _draw_grid(axes, result, classes.ranks, alpha=0.8, cmap=ListedColormap(classes.colours), **limits)
    axes.set_title("most probable class", fontsize=TITLE_SIZE)
    handles = [Rectangle((0, 0), 1, 1, facecolor=colour) for colour in classes.colours]
    place: dict[str, Any] = {"loc": "center left", "bbox_to_anchor": (1.01, 0.5), "frameon": False}
    axes.legend(handles, classes.names, handlelength=1.2, fontsize=LABEL_SIZE - 1, **place)


def _draw_grid(axes: Axes, result: OcclusionMap, values: Array, **colours: Any) -> Any:
    """Cells over the faded photo, each around the middle of the occluder, the outer ones up to the border."""
    high, wide = result.picture.shape[:2]
    show_image(axes, result.picture.mean(axis=2), "", result.pixel_aspect, cmap="gray", vmin=-255, vmax=255)
    tops, lefts = (edges(firsts, result.size, side) for firsts, side in ((result.tops, high), (result.lefts, wide)))
    return axes.pcolormesh(lefts, tops, values, **colours)


def edges(firsts: Array, size: int, side: int) -> Array:
    """Where the cells of squares begin and end on one axis, in Matplotlib's pixels: midway between two middles."""
    middles = firsts + (size - 1) / 2
    between = (middles[1:] + middles[:-1]) / 2
    return np.array([-0.5, *between, side - 0.5])
