"""How an occlusion map is drawn: in the colours of every signed map, cell by cell over the photo."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing import (
    BLACK,
    LABEL_SIZE,
    PALETTE,
    Sheet,
    panels,
    show_blank,
    show_image,
    show_photo,
    show_signed,
    text_width,
    wrapped,
)
from minitorch_viz.techniques.activations._occlusion_rises import outline
from minitorch_viz.techniques.activations._occlusion_squares import middle_of
from minitorch_viz.techniques.explain.blank import drawable
from minitorch_viz.techniques.explain.view import draw_photo, proportions_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minitorch_viz.techniques.activations._occlusion_reading import Fall
    from minitorch_viz.techniques.activations._occlusion_strongest import Projected, StrongestMap
    from minitorch_viz.techniques.activations.occlusion import OcclusionMap

# A place of the figure: its title (None: an empty place), and what draws it on axes of a sheet (None: drawn apart).
Cell: TypeAlias = "tuple[str | None, Callable[[Axes, Sheet], None] | None]"
NOTHING: Cell = (None, None)
REST = "#bbbbbb"  # classes beyond these
LEGEND = 1.5  # inches for a class name beside the map


def draw(result: OcclusionMap, figure: Figure) -> None:
    """Draw the photo with the occluder, the falls over it, the likeliest class at each place, and the strongest map."""
    classes, beside = _classes(result), 0.0
    if classes is not None:
        names = tuple(wrapped(name, LEGEND, LABEL_SIZE) for name in classes.names)
        beside = 0.5 + max(text_width(line, LABEL_SIZE) for name in names for line in name.split("\n"))
        classes = classes._replace(names=names)
    rows = _rows(result, classes)
    titles = [[title for title, _ in row] for row in rows]
    sheet = panels(figure, titles, proportions_of(result), bars=(1,), right=beside)
    photo = sheet.axes[0, 0]
    draw_photo(photo, result)
    _draw_square(photo, result)
    for axes, (title, drawing) in zip(sheet.axes.flat, (cell for row in rows for cell in row), strict=True):
        if title is not None and drawing is not None:
            drawing(axes, sheet)


def _draw_square(axes: Axes, result: OcclusionMap) -> None:
    """Draw the occluder in the middle of the photo, with what it shows there."""
    from matplotlib.patches import Rectangle

    top, left = (edge - 0.5 for edge in middle_of(result.picture.shape, result.size))
    limits = axes.get_xlim(), axes.get_ylim()
    if result.square is not None:
        extent = (left, left + result.size, top + result.size, top)
        show_image(axes, result.square, pixel_aspect=result.pixel_aspect, extent=extent)
    axes.set_xlim(limits[0])
    axes.set_ylim(limits[1])
    axes.add_patch(Rectangle((left, top), result.size, result.size, facecolor="none", edgecolor="white", lw=2))


def _rows(result: OcclusionMap, classes: _Classes | None) -> list[list[Cell]]:
    """Return what stands where: a title, and the function that draws it."""
    falls, strongest = result.falls, result.strongest
    others = () if result.search is None else result.search.others
    square = f"the square covers {result.size} x {result.size} pixels"
    first = f"{_named(result, falls[0])}; {square}" if len(falls) == 1 else square
    scale = max((float(np.abs(_drawn(result, fall)).max()) for fall in falls), default=0.0) or 1.0
    maps: list[Cell] = [
        (_title(result, fall), partial(_draw_fall, result=result, fall=fall, scale=scale, bar=fall is falls[0]))
        for fall in falls
    ]
    wide = classes is not None or len(falls) > 2 or bool(others)
    columns = 3 if wide else 2
    top, rest = [(first, None), maps[0]], maps[1:]
    if classes is not None:
        top.append(("most probable class where covered", partial(_draw_classes, result=result, classes=classes)))
    elif wide:
        top, rest = [*top, *rest[:1]], rest[1:]
    if strongest is not None and not result.blank:
        rest += _of_strongest(result, strongest)
    rows = [_filled_up(top, columns)]
    rows += [_filled_up(rest[begin : begin + columns], columns) for begin in range(0, len(rest), columns)]
    if others and not result.blank:
        for part in ("signal", "photo"):
            rows.append(_filled_up([_other(part, projection) for projection in others[:columns]], columns))
    return rows


def _filled_up(cells: list[Cell], columns: int) -> list[Cell]:
    return [*cells, *[NOTHING] * (columns - len(cells))]


def _named(result: OcclusionMap, fall: Fall) -> str:
    base = f"{fall.base:.2f}" if result.kind == "probability" else f"{result.kind} {fall.base:.3g}"
    return f"{fall.label}: {base}"


def _title(result: OcclusionMap, fall: Fall) -> str:
    if result.blank:
        return "blank: see the notes"
    of = (
        f"{_named(result, fall)}; its fall where covered"
        if result.others
        else f"fall of the {result.kind} where covered"
    )
    return f"{of}; outlined: it rises" if fall.rise is not None and fall.rise.marked.any() else of


def _drawn(result: OcclusionMap, fall: Fall) -> Array:
    return drawable(np.nan_to_num(fall.drop), result.blank)


def _draw_fall(axes: Axes, sheet: Sheet, result: OcclusionMap, fall: Fall, scale: float, bar: bool) -> None:
    """Draw one fall, red and blue on the page's scale, with the cells outlined that raise the number."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    drop = _drawn(result, fall)
    _draw_signed(axes, result, drop, scale)
    if bar:
        sheet.bar(ScalarMappable(Normalize(-scale, scale), "RdBu_r"), axes, "red matters, blue holds it down")
    if result.places < result.values.size:
        _hatch(axes, result)
    if fall.rise is not None and not result.blank:
        _outline(axes, result, fall.rise.marked)


def _draw_signed(axes: Axes, result: OcclusionMap, drop: Array, scale: float) -> None:
    opaque = 0.85 * np.clip(np.abs(drop) / scale, 0, 1) ** 0.7
    _draw_grid(axes, result, drop, alpha=opaque, cmap="RdBu_r", vmin=-scale, vmax=scale)


def _outline(axes: Axes, result: OcclusionMap, marked: Array) -> None:
    from matplotlib.lines import Line2D

    for line in outline(marked, *_cells(result)):
        x, y = zip(*line, strict=True)
        for colour, width, over in (("black", 3.6, 2.1), ("#ffd400", 1.8, 2.2)):
            look: dict[str, Any] = {"color": colour, "linewidth": width, "solid_capstyle": "round"}
            axes.add_line(Line2D(x, y, clip_on=False, zorder=over, **look))


def _of_strongest(result: OcclusionMap, strongest: StrongestMap) -> list[Cell]:
    """Return the total of the strongest map under the occluder, and its projection on this photo."""
    drop = drawable(np.nan_to_num(strongest.drop))
    scale = float(np.abs(drop).max()) or 1.0
    title = f"fall of the total of {strongest.label}, the strongest map: full red {scale:.0%} of {strongest.base:.3g}"
    return [
        (title, partial(_draw_totals, result=result, drop=drop, scale=scale)),
        (_answers(strongest.projection), partial(_draw_projection, projection=strongest.projection)),
    ]


def _answers(projection: Projected) -> str:
    return f"what it answers to in {projection.title}, where it is {projection.value:.3g}"


def _other(part: str, projection: Projected) -> Cell:
    if part == "signal":
        return _answers(projection), partial(_draw_projection, projection=projection)
    return "", partial(_draw_seen, projection=projection)


def _draw_totals(axes: Axes, sheet: Sheet, result: OcclusionMap, drop: Array, scale: float) -> None:  # noqa: ARG001
    _draw_signed(axes, result, drop, scale)
    if result.places < result.values.size:
        _hatch(axes, result)


def _draw_projection(axes: Axes, sheet: Sheet, projection: Projected) -> None:  # noqa: ARG001
    """Draw what a unit answers to: the deconvnet's signal inside its receptive field, the rest is 0."""
    aspect = projection.pixel_aspect
    if projection.blank:
        show_blank(axes, projection.picture.shape[:2], "", pixel_aspect=aspect)
    else:
        show_signed(axes, projection.signal, pixel_aspect=aspect)


def _draw_seen(axes: Axes, sheet: Sheet, projection: Projected) -> None:  # noqa: ARG001
    show_photo(axes, projection.photo, projection.picture.shape[:2], pixel_aspect=projection.pixel_aspect)


def _hatch(axes: Axes, result: OcclusionMap) -> None:
    """Draw lines over the places where the square has not been yet: nothing is known of them."""
    from matplotlib.patches import Rectangle

    tops, lefts = _cells(result)
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


def _draw_classes(axes: Axes, sheet: Sheet, result: OcclusionMap, classes: _Classes) -> None:  # noqa: ARG001
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
    draw_photo(axes, result, grey=BLACK)
    tops, lefts = _cells(result)
    return axes.pcolormesh(lefts, tops, values, **colours)


def _cells(result: OcclusionMap) -> tuple[Array, Array]:
    """Return where the cells of the places begin and end, in rows and in columns."""
    high, wide = result.picture.shape[:2]
    return edges(result.tops, result.size, high), edges(result.lefts, result.size, wide)


def edges(firsts: Array, size: int, side: int) -> Array:
    """Return where the cells of squares begin and end on one axis, in Matplotlib's pixels: midway between middles."""
    middles = firsts + (size - 1) / 2
    between = (middles[1:] + middles[:-1]) / 2
    return np.array([-0.5, *between, side - 0.5])
