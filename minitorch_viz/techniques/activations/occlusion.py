"""Occlusion: cover one place after another and watch the probability of a class, or a unit's value, fall."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Pair
from minitorch_viz.boxes import Boxes, Patch
from minitorch_viz.errors import SettingError, need_whole
from minitorch_viz.less_work.forward import predict_changed
from minitorch_viz.plotting import colour_bar, show_image
from minitorch_viz.techniques.base import Result, Technique
from minitorch_viz.techniques.diagnose import blank_note, drawable, not_finite
from minitorch_viz.techniques.start import start
from minitorch_viz.techniques.target import Target

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

FILLS = {"grey": 128.0, "black": 0.0, "white": 255.0}


@dataclass(frozen=True, eq=False)
class OcclusionMap(Result):
    """The number that is explained, with the occluder at every place of a grid."""

    values: Array  # (rows, columns): with the occluder there; of a class its probability, 0..1, of a unit what it gives
    best: Array | None  # (rows, columns) int: the most probable class with the occluder there; None where there is none
    tops: Array  # (rows,) the occluder's first pixel row at each grid row
    lefts: Array  # (columns,) its first pixel column
    base: float  # the number on the whole photo
    label: str  # what is explained, in words: 'class "tiger cat" (282)'
    blank: str  # why there is nothing to draw: NaN or infinity among the numbers; else ""
    class_names: tuple[str, ...]
    size: int  # the occluder's side in pixels of the net's input
    fill: str  # what the occluder shows
    picture: Array  # (h, w, 3) uint8: what the net saw
    pixel_aspect: float
    kind: str = "probability"  # what the numbers are: probability or value

    @property
    def facts(self) -> tuple[str, ...]:
        rows, columns = self.values.shape
        return (self.label, f"{rows} x {columns} places", f"a square of {self.size} pixels")

    @property
    def drop(self) -> Array:
        """(rows, columns): how much the occluder takes away; negative where covering helps."""
        fall: Array = self.base - self.values
        return fall

    @property
    def heat(self) -> Array:
        """(h, w): how much is taken away on average by the squares that cover a pixel, in the units of the number.

        All zero if it is blank.
        """
        rows, columns = (
            _covers(firsts, self.size, side)
            for firsts, side in zip((self.tops, self.lefts), self.picture.shape[:2], strict=True)
        )
        squares = np.outer(rows.sum(axis=0), columns.sum(axis=0))  # (h, w): so many cover each pixel
        return (rows.T @ drawable(self.drop, self.blank) @ columns) / np.maximum(squares, 1)

    @property
    def caption(self) -> str:
        kind = self.kind
        words = (
            f"Explains {self.label}, {kind} {self.base:.3f} on the whole photo. A {self.fill} square of {self.size} x "
            f"{self.size} pixels stood at {self.values.size} places, one every {_step(self.tops)} pixels; each cell "
            f"shows the {kind} with the square centred there, on the scale of the bar. "
        )
        if self.kind == "value":
            return f"{words}Dark cells: without this place the value is gone."
        if self.best is None:
            return f"{words}Dark cells: without this place the class is gone."
        return f"{words}Dark cells: without this place the class is gone. Right: the most probable class at each place."

    @property
    def notes(self) -> tuple[str, ...]:
        if self.blank:
            return blank_note(self.blank)
        least = 1e-3 * (1 if self.kind == "probability" else max(abs(self.base), 1e-30))
        if np.ptp(self.values) >= least:
            return ()
        if np.abs(self.drop).max() >= least:
            change = -self.drop.mean()
            return (f"The map is even: wherever the square stands, it changes the {self.kind} by {change:+.3g}.",)
        return (
            "The map is flat: no place alone matters. The net is sure whatever is covered, or the occluder is too "
            "small; try a larger size.",
        )


def _covers(firsts: Array, size: int, side: int) -> Array:
    """(places, side): 1 where a square that begins at firsts[place] covers a pixel, else 0."""
    places, pixels = firsts[:, None], np.arange(side)
    return ((places <= pixels) & (pixels < places + size)).astype(float)


def occlusion(
    model: Model,
    image: Any,
    *,
    target: str | None = None,
    node: str | None = None,
    channel: int | None = None,
    position: Pair | None = None,
    size: int | None = None,
    stride: int | None = None,
    fill: str = "mean",
    batch: int = 32,
    progress: bool = True,
) -> OcclusionMap:
    """Cover one place after another with a square and record the class probability.

    Where the probability falls, the net was using what is covered. Unlike a gradient this is a measurement of what
    the net does. Only what the square can reach is computed anew, so that a place costs less than a forward pass.
    Of a unit inside the net its value is recorded instead.

    Args:
        target: the class, by number or name; by default the most probable one
        node: explain a unit of this node instead of a class
        channel: the unit's channel; by default the strongest on this image
        position: the unit's row and column; by default where the channel is strongest
        size: the square's side in pixels of the net's input; by default a fifth of it
        stride: pixels from one place to the next; by default a third of the size
        fill: what the square shows: mean (the photo's mean colour), grey, black, white, or a grey level 0 to 255
        batch: places a forward pass, all of one row; more than 32 save nothing, and take memory
        progress: show a progress bar

    Returns an OcclusionMap with values (rows, columns), of a class in 0..1. The last row and column of squares may hang
    over the border, so that every pixel is covered at least once (unless the stride is larger than the size).
    Raises SettingError for an unknown class, channel or position, or a size or stride below 1, NetError for an unknown
    node, ImageFileError for a bad image.

    Paper: Zeiler, Fergus 2013.
    """
    from tqdm.auto import tqdm

    seen, tape, unit = start(model, image, target, node, channel, position)
    height, width = seen.x.shape[2:]
    side = min(height, width)
    size = need_whole("occluder's size", max(min(3, side), round(side / 5)) if size is None else size, 1, side)
    stride = need_whole("occluder's stride", max(1, size // 3) if stride is None else stride, 1, side)
    need_whole("batch", batch, 1)
    colour = _fill_value(model, fill, seen.x)

    tops = np.arange(0, min(height - size + stride, height), stride)
    lefts = np.arange(0, min(width - size + stride, width), stride)
    # A batch stays in one row of places: the parts that alike places reach have nearly one size.
    rows = [[(int(top), int(left)) for left in lefts] for top in tops]
    batches = [row[begin : begin + batch] for row in rows for begin in range(0, len(row), batch)]
    found = []
    with tqdm(total=len(tops) * len(lefts), desc="occlusion", unit="place", disable=not progress, leave=False) as bar:
        for some in batches:
            squares = {model.net.inputs[0]: covered(seen.x, some, size, colour)}
            found.append(_numbers(model, unit, predict_changed(model.net, tape, squares, unit.node)))
            bar.update(len(some))
    of_class = unit.node == model.logits
    grid = np.concatenate(found).reshape(len(tops), len(lefts), -1)
    chosen = unit.index[0] if of_class else 0
    base = float(_numbers(model, unit, tape[unit.node])[0, chosen])
    values = grid[:, :, chosen]
    if unit.sign < 0:
        values, base = model.scores.opposite(values), model.scores.opposite(base)
    kind = model.scores.number if of_class else "value"
    return OcclusionMap(
        values=values,
        best=grid.argmax(axis=2) if kind == "probability" and grid.shape[2] > 1 else None,
        tops=tops,
        lefts=lefts,
        base=base,
        label=unit.label,
        blank="" if np.isfinite(grid).all() and np.isfinite(base) else not_finite(model.net, tape),
        class_names=model.class_names,
        size=size,
        fill={"mean": "mean-coloured"}.get(fill, fill if fill in FILLS else f"grey-level-{fill}"),
        picture=seen.picture,
        pixel_aspect=seen.pixel_aspect,
        kind=kind,
    )


def _numbers(model: Model, unit: Target, outputs: Array) -> Array:
    """A node's outputs (K, ...) -> what the net answers of every class (K, classes), or the unit's value (K, 1)."""
    outputs = kernels.to_cpu(outputs)
    if unit.node == model.logits:
        return model.scores.answers(outputs)
    every: Any = (slice(None), *unit.index)
    values: Array = outputs[every]
    return values[:, None]


def covered(x: Array, places: Sequence[Pair], size: int, colour: Array) -> Patch:
    """What x (1, C, h, w) shows where a square of `colour` (C, 1, 1) covers it, at each of K places (top, left).

    A square may hang over the lower or right border. Its patch is then moved inside and shows some of x itself.
    """
    last_top, last_left = x.shape[2] - size, x.shape[3] - size
    boxes = Boxes.at((min(i, last_top) for i, _ in places), (min(j, last_left) for _, j in places), (size, size))
    values = np.broadcast_to(boxes.take(x), (len(places), x.shape[1], size, size)).copy()
    for square, (top, left) in zip(values, places, strict=True):
        square[:, max(0, top - last_top) :, max(0, left - last_left) :] = colour
    return Patch(values, boxes)


def _fill_value(model: Model, fill: str, x: Array) -> Array:
    """The occluder's colour in the net's units, (C, 1, 1)."""
    if fill == "mean":
        colour: Array = x[0].mean(axis=(1, 2), keepdims=True)
        return colour
    try:
        level = FILLS[fill] if fill in FILLS else float(fill)
    except (TypeError, ValueError):
        level = -1.0
    if not 0 <= level <= 255:
        raise SettingError(f"fill must be mean, {', '.join(FILLS)} or a grey level from 0 to 255, but got {fill!r}.")
    mean, std = (
        np.asarray(value, x.dtype).reshape(-1, 1, 1) for value in (model.preprocessing.mean, model.preprocessing.std)
    )
    return kernels.to_device((level - mean) / std, kernels.device_of(x))


def _step(tops: Array) -> int:
    return int(tops[1] - tops[0]) if len(tops) > 1 else 0


def plot(result: OcclusionMap, figure: Figure) -> None:
    """The photo with the occluder's size, the number over the photo, and of a class the most probable one a place."""
    from matplotlib.patches import Rectangle

    best = None if result.blank else result.best
    base, values = (drawable(np.array(one), result.blank) for one in (result.base, result.values))
    figure.set_size_inches(9.2 if best is None else 13, 4.2)
    photo, heat, *classes = figure.subplots(1, 2 if best is None else 3)
    show_image(photo, result.picture, textwrap.fill(f"{result.label}: {result.base:.2f}", 36), result.pixel_aspect)
    corner = (result.picture.shape[1] - result.size) / 2 - 0.5, (result.picture.shape[0] - result.size) / 2 - 0.5
    photo.add_patch(Rectangle(corner, result.size, result.size, facecolor="0.5", edgecolor="white", lw=2))
    photo.set_xlabel(f"the occluder, {result.size} x {result.size} pixels, drawn at the middle", fontsize=9)

    kind = result.kind
    least, most = min(0.0, values.min()), max(base, values.max())
    drawn = _draw_grid(heat, result, values, cmap="magma", vmin=least, vmax=most)
    heat.set_title("blank: see the notes" if result.blank else f"{kind} with the place covered", fontsize=11)
    colour_bar(figure, drawn, heat, textwrap.fill(f"{kind} of {result.label}", 44))
    if best is not None:
        _draw_classes(classes[0], result, best)


def _draw_classes(axes: Axes, result: OcclusionMap, best: Array) -> None:
    """The most probable class at each place."""
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Rectangle

    kinds, counts = np.unique(best, return_counts=True)
    kinds = kinds[np.argsort(-counts)][:8]  # the commonest classes get a colour, the others stay grey
    ranks = np.full(best.shape, len(kinds))
    for rank, kind in enumerate(kinds):
        ranks[best == kind] = rank
    palette = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#000000"][: len(kinds)]
    _draw_grid(axes, result, ranks, cmap=ListedColormap([*palette, "#bbbbbb"]), vmin=-0.5, vmax=len(kinds) + 0.5)
    axes.set_title("most probable class", fontsize=11)
    handles = [Rectangle((0, 0), 1, 1, facecolor=colour) for colour in palette]
    labels = [result.class_names[kind] for kind in kinds]
    axes.legend(handles, labels, loc="center left", bbox_to_anchor=(1.02, 0.5), fontsize=8, frameon=False)


def _draw_grid(axes: Axes, result: OcclusionMap, values: Array, **colours: Any) -> Any:
    """Cells over the faded photo, each centred where the occluder was."""
    show_image(axes, result.picture.mean(axis=2), "", result.pixel_aspect, cmap="gray", vmin=-255, vmax=255)
    step = _step(result.tops) or result.size
    half = result.size / 2 - step / 2 - 0.5
    lefts = np.append(result.lefts, result.lefts[-1] + step) + half
    tops = np.append(result.tops, result.tops[-1] + step) + half
    return axes.pcolormesh(lefts, tops, values, alpha=0.8, **colours)


def example() -> OcclusionMap:
    """A digit of scikit-learn's, by the bundled net."""
    from minitorch_viz.models import load_model
    from minitorch_viz.models.samples import sample_digit

    return occlusion(load_model("digits"), sample_digit(), size=2, stride=1, progress=False)


TECHNIQUE = Technique(
    name="occlusion",
    compute=occlusion,
    plot=plot,
    title="Occlusion: what the answer depends on",
    paper="Zeiler, Fergus 2013",
    example=example,
    explains=True,
    in_comparison={"progress": False},
)
