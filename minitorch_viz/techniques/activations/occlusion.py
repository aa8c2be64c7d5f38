"""Occlusion: cover one place after another and watch the probability fall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Pair
from minitorch_viz.boxes import Boxes, Patch
from minitorch_viz.errors import SettingError, need_whole
from minitorch_viz.layers import Softmax
from minitorch_viz.partial import predict_changed
from minitorch_viz.plotting import colour_bar, show_image
from minitorch_viz.techniques.base import Result, Technique, classifies
from minitorch_viz.techniques.view import view

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

FILLS = {"grey": 128.0, "black": 0.0, "white": 255.0}


@dataclass(frozen=True, eq=False)
class OcclusionMap(Result):
    """The class probabilities with the occluder at every place of a grid."""

    probability: Array  # (rows, columns): of the explained class, with the occluder there; 0..1
    best: Array  # (rows, columns) int: the most probable class with the occluder there
    tops: Array  # (rows,) the occluder's first pixel row at each grid row
    lefts: Array  # (columns,) its first pixel column
    base: float  # the class's probability on the whole photo
    target: int  # the class
    class_names: tuple[str, ...]
    size: int  # the occluder's side in pixels of the net's input
    fill: str  # what the occluder shows
    picture: Array  # (h, w, 3) uint8: what the net saw
    pixel_aspect: float

    @property
    def drop(self) -> Array:
        """(rows, columns): how much probability the occluder takes away; negative where covering helps."""
        fall: Array = self.base - self.probability
        return fall

    @property
    def caption(self) -> str:
        return (
            f'Explains class "{self.class_names[self.target]}" ({self.target}), probability {self.base:.3f} on the '
            f"whole photo. A {self.fill} square of {self.size} x {self.size} pixels stood at {self.probability.size} "
            f"places, one every {_step(self.tops)} pixels; each cell shows the probability with the square centred "
            "there. Dark cells: without this place the class is gone. Right: the most probable class at each place."
        )

    @property
    def notes(self) -> tuple[str, ...]:
        if np.ptp(self.probability) < 1e-3:
            return (
                "The map is flat: no place alone matters. The net is sure whatever is covered, or the occluder is too "
                "small; try a larger size.",
            )
        return ()


def occlusion(
    model: Model,
    image: Any,
    *,
    target: str | None = None,
    size: int | None = None,
    stride: int | None = None,
    fill: str = "mean",
    batch: int = 32,
    progress: bool = True,
) -> OcclusionMap:
    """Cover one place after another with a square and record the class probability.

    Where the probability falls, the net was using what is covered. Unlike a gradient this is a measurement of what
    the net does. Only what the square can reach is computed anew, so that a place costs less than a forward pass.

    Args:
        target: the class, by number or name; by default the most probable one
        size: the square's side in pixels of the net's input; by default a fifth of it
        stride: pixels from one place to the next; by default a third of the size
        fill: what the square shows: mean (the photo's mean colour), grey, black, white, or a grey level 0 to 255
        batch: places a forward pass, all of one row; more than 32 save nothing, and take memory
        progress: show a progress bar

    Returns an OcclusionMap with probability (rows, columns) in 0..1. The last row and column of squares may hang over
    the border, so that every pixel is covered at least once (unless the stride is larger than the size).
    Raises SettingError for an unknown class, or a size or stride below 1.

    Paper: Zeiler, Fergus 2013.
    """
    from tqdm.auto import tqdm

    seen = view(model, image)
    height, width = seen.x.shape[2:]
    side = min(height, width)
    size = need_whole("occluder's size", max(min(3, side), round(side / 5)) if size is None else size, 1, side)
    stride = need_whole("occluder's stride", max(1, size // 3) if stride is None else stride, 1, side)
    need_whole("batch", batch, 1)
    if reason := classifies(model):
        raise SettingError(f"{reason}.")
    tape = model.net.forward(seen.x, upto=model.logits)
    base = Softmax().forward(kernels.to_cpu(tape[model.logits]))[0][0]
    chosen = int(np.argmax(base)) if target is None else model.class_index(target)
    colour = _fill_value(model, fill, seen.x)

    tops = np.arange(0, min(height - size + stride, height), stride)
    lefts = np.arange(0, min(width - size + stride, width), stride)
    # A batch stays in one row of places: the parts that alike places reach have nearly one size.
    rows = [[(int(top), int(left)) for left in lefts] for top in tops]
    batches = [row[start : start + batch] for row in rows for start in range(0, len(row), batch)]
    probabilities = []
    with tqdm(total=len(tops) * len(lefts), desc="occlusion", unit="place", disable=not progress, leave=False) as bar:
        for some in batches:
            squares = {model.net.inputs[0]: covered(seen.x, some, size, colour)}
            scores = kernels.to_cpu(predict_changed(model.net, tape, squares, model.logits))
            probabilities.append(Softmax().forward(scores)[0])
            bar.update(len(some))
    grid = np.concatenate(probabilities).reshape(len(tops), len(lefts), -1)
    return OcclusionMap(
        probability=grid[:, :, chosen],
        best=grid.argmax(axis=2),
        tops=tops,
        lefts=lefts,
        base=float(base[chosen]),
        target=chosen,
        class_names=model.class_names,
        size=size,
        fill={"mean": "mean-coloured"}.get(fill, fill if fill in FILLS else f"grey-level-{fill}"),
        picture=seen.picture,
        pixel_aspect=seen.pixel_aspect,
    )


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
    """The photo with the occluder's size, the probability over the photo, and the most probable class a place."""
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Rectangle

    figure.set_size_inches(13, 4.2)
    photo, heat, classes = figure.subplots(1, 3)
    name = result.class_names[result.target]
    show_image(photo, result.picture, f"{name}: {result.base:.2f}", result.pixel_aspect)
    corner = (result.picture.shape[1] - result.size) / 2 - 0.5, (result.picture.shape[0] - result.size) / 2 - 0.5
    photo.add_patch(Rectangle(corner, result.size, result.size, facecolor="0.5", edgecolor="white", lw=2))
    photo.set_xlabel(f"the occluder, {result.size} x {result.size} pixels, drawn at the middle", fontsize=9)

    drawn = _draw_grid(
        heat, result, result.probability, cmap="magma", vmin=0, vmax=max(result.base, result.probability.max())
    )
    heat.set_title("probability with the place covered", fontsize=11)
    colour_bar(figure, drawn, heat, f'probability of "{name}"')

    kinds, counts = np.unique(result.best, return_counts=True)
    kinds = kinds[np.argsort(-counts)][:8]  # the commonest classes get a colour, the others stay grey
    ranks = np.full(result.best.shape, len(kinds))
    for rank, kind in enumerate(kinds):
        ranks[result.best == kind] = rank
    palette = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#000000"][: len(kinds)]
    _draw_grid(classes, result, ranks, cmap=ListedColormap([*palette, "#bbbbbb"]), vmin=-0.5, vmax=len(kinds) + 0.5)
    classes.set_title("most probable class", fontsize=11)
    handles = [Rectangle((0, 0), 1, 1, facecolor=colour) for colour in palette]
    labels = [result.class_names[kind] for kind in kinds]
    classes.legend(handles, labels, loc="center left", bbox_to_anchor=(1.02, 0.5), fontsize=8, frameon=False)


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
    applies=classifies,
)
