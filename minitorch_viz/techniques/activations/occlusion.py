"""Occlusion: cover one place after another and watch the probability of a class, or a unit's value, fall."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.data.pictures import as_pictures
from minitorch_viz.drawing.number_maps import NumberMap
from minitorch_viz.errors import SettingError, need_whole
from minitorch_viz.techniques.activations._occlusion_fills import filling
from minitorch_viz.techniques.activations._occlusion_numbers import over_numbers, spread, windows_of
from minitorch_viz.techniques.activations._occlusion_photo import over_photo, square_shown, watching
from minitorch_viz.techniques.activations._occlusion_reading import Fall, are_classes, begun
from minitorch_viz.techniques.activations._occlusion_rises import Rise
from minitorch_viz.techniques.activations._occlusion_squares import covers, places_on
from minitorch_viz.techniques.activations._occlusion_strongest import (
    Search,
    StrongestMap,
)
from minitorch_viz.techniques.activations._occlusion_words import caption_of, notes_of
from minitorch_viz.techniques.base import Technique
from minitorch_viz.techniques.explain.blank import drawable
from minitorch_viz.techniques.explain.start import start_several
from minitorch_viz.techniques.explain.unit import Which, reading_of
from minitorch_viz.techniques.explain.view import PhotoResult, View
from minitorch_viz.techniques.options import spelled_out
from minitorch_viz.techniques.run import looping
from minitorch_viz.techniques.state import State
from minitorch_viz.techniques.subject import Pictures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

NO_MAP = (
    "The pictures are searched for what excites the strongest feature map, and here none is watched: explain a class, "
    "or name the layer= whose map is meant, and leave strongest= on."
)


@dataclass(frozen=True, eq=False)
class OcclusionMap(PhotoResult):
    """Hold the number that is explained, with the occluder at every place of a grid."""

    values: Array  # (rows, columns): with the occluder there; `kind` says what the number is; NaN: not measured yet
    best: Array | None  # (rows, columns) int: the most probable class with the occluder there, -1 where it has not been
    tops: Array  # (rows,) the occluder's first pixel row at each grid row; negative where it hangs over the border
    lefts: Array  # (columns,) its first pixel column
    base: float  # the number on the whole photo
    label: str  # what is explained, in words: 'class "tiger cat" (282)'
    blank: str  # why there is nothing to draw: NaN or infinity among the numbers; else ""
    class_names: tuple[str, ...]
    size: int  # the occluder's side in pixels of the net's input
    fill: str  # what the occluder shows, as the setting names it; of numbers in words
    picture: Array  # (h, w, 3) uint8: what the net saw
    pixel_aspect: float
    kind: str = "probability"  # what the numbers are: probability, score (before the softmax) or value
    instead: str = ""  # why it is the score and not the probability
    reading: str = ""  # the score with its probability, in words, where it is the score
    rise: Rise | None = None  # where covering raises the number
    others: tuple[Fall, ...] = ()  # further classes, on the same scale
    strongest: StrongestMap | None = None  # the strongest feature map under the occluder
    square: Array | None = None  # (size, size, 3) uint8: what the occluder shows in the middle of the photo
    search: Search | None = None  # of other pictures that excite this map most; None: it was not asked for
    done: int = 0  # places where the occluder has been, and pictures that were searched
    state: State | None = None  # what another run goes on from

    @property
    def total(self) -> int:
        """Return the number of places, and of the pictures that are searched."""
        return self.values.size + (0 if self.search is None else self.search.total)

    @property
    def places(self) -> int:
        """Return at how many places the occluder has been."""
        return min(self.done, self.values.size)

    @property
    def facts(self) -> tuple[str, ...]:
        rows, columns = self.values.shape
        if self.of_numbers is not None:
            return (self.label, self.of_numbers.words)
        labels = (fall.label for fall in self.falls)
        return (*labels, f"{rows} x {columns} places", f"a square of {self.size} pixels")

    @property
    def drop(self) -> Array:
        """Return (rows, columns): how much the occluder takes away; negative where covering helps."""
        fall: Array = self.base - self.values
        return fall

    @property
    def heat(self) -> Array:
        """Return (h, w): what the squares that cover a pixel take away on average, in the units of the number.

        All zero if it is blank, and where no square has been yet.
        """
        if self.of_numbers is not None:
            measured = ~np.isnan(self.values)
            drop = np.where(measured, drawable(np.nan_to_num(self.drop), self.blank), 0)
            return spread(self.of_numbers, drop, measured, self.lefts, self.size)
        rows, columns = (
            covers(firsts, self.size, side)
            for firsts, side in zip((self.tops, self.lefts), self.picture.shape[:2], strict=True)
        )
        measured = np.ones(self.values.shape) if self.places == self.values.size else ~np.isnan(self.values)
        squares = rows.T @ measured @ columns  # (h, w): so many cover each pixel
        drop = np.where(measured, drawable(self.drop, self.blank), 0)
        return (rows.T @ drop @ columns) / np.maximum(squares, 1)

    @property
    def falls(self) -> tuple[Fall, ...]:
        """Return all that is explained, the first among them."""
        return (Fall(self.values, self.base, self.label, self.reading, self.rise), *self.others)

    @property
    def caption(self) -> str:
        return caption_of(self)

    @property
    def heads(self) -> tuple[str, ...]:
        return (f"{self.label}, {self.reading or f'{self.kind} {self.base:.3g}'}",)

    @property
    def number_maps(self) -> list[NumberMap]:
        """Return the falls, of a row or a series."""
        title = f"fall of the {self.kind} without it: red speaks for it, blue against it"
        return [NumberMap(title, self.heat, True, self.blank)]

    @property
    def shows_classes(self) -> bool:
        """Return whether there is a picture of the most probable classes: more than one of them."""
        return self.best is not None and not self.blank and len(np.unique(self.best[self.best >= 0])) > 1

    @property
    def notes(self) -> tuple[str, ...]:
        return notes_of(self)


@looping("place")
@spelled_out
def occlusion(
    model: Model,
    image: Any,
    *,
    size: int | None = None,
    stride: int | None = None,
    fill: str = "mean",
    strongest: bool = True,
    layer: str | None = None,
    pictures: Pictures | None = None,
    batch: int = 32,
    seed: int = 0,
    state: State | None = None,
    **choice: Unpack[Which],
) -> Iterator[OcclusionMap]:
    """Cover one place after another with a square and record how far the class probability falls.

    Where the probability falls, the net was using what is covered; where it rises, what is covered spoke against the
    class, and the notes say where and by how much. Unlike a gradient this is a measurement of what
    the net does. Only what the square can reach is computed anew, so that a place costs less than a forward pass.
    Where the net is sure whatever is covered, the probability says nothing and the score before the softmax is shown;
    of a unit inside the net its value. Of a class the page also shows the most probable class at each place, and what
    becomes of a late layer's strongest feature map, with what that map answers to.

    Args:
        target: the class, by number or name, or several with commas between, on one scale; by default the most
            probable one
        size: the square's side in pixels of the net's input; by default a fifth of it; of a series steps, a tenth
        stride: pixels from one place to the next; by default a third of the size; of a series steps, half the size
        fill: what the square shows: mean (the photo's mean colour), grey, black, white, a grey level 0 to 255, blur
            (the photo smoothed), noise (its pixels in random order), or texture (what lies around, mirrored in); of
            numbers mean, black (zero) or a number
        strongest: whether the strongest feature map is watched, too
        layer: the node whose strongest map is watched; by default the last one with maps of features
        pictures: search these for the ones that excite this map most, to see what they have in common with the photo
        batch: places a forward pass, all of one row; more than 32 save nothing, and take memory
        seed: of the noise

    Returns an OcclusionMap with values (rows, columns), of a class in 0..1. The grid is centred; squares at its ends
    may hang over the border, so that every pixel is covered at least once (unless the stride is larger than the size).
    state= goes on from a result's.
    Raises SettingError for an unknown class, channel or position, or a size or stride below 1, NetError for an unknown
    node, ImageFileError for a bad image.

    Paper: Zeiler, Fergus 2013.
    """
    seen, tape, units = start_several(model, image, **choice)
    need_whole("batch", batch, 1)
    frame = _frame(model, seen, units[0].label)
    readings = [reading_of(model, tape, unit) for unit in units]
    if seen.given is not None and seen.given.is_numbers:
        if pictures is not None:
            raise SettingError(NO_MAP)
        if len(units) > 1:
            raise SettingError(f"Of numbers one class is explained at a time, but target names {len(units)}; give one.")
        windows = windows_of(model, seen, seen.given, size, stride, fill)
        run = begun(model, tape, units, readings, 0)
        yield from over_numbers(frame, run, seen, windows, fill, batch, state)
        return
    height, width = seen.x.shape[2:]
    side = min(height, width)
    size = need_whole("occluder's size", max(min(3, side), round(side / 5)) if size is None else size, 1, side)
    stride = need_whole("occluder's stride", max(1, size // 3) if stride is None else stride, 1, side)
    shown = filling(model, fill, seen.x, size, need_whole("seed", seed, 0))

    tops, lefts = places_on(height, size, stride), places_on(width, size, stride)
    empty = np.full((len(tops), len(lefts)), np.nan)
    square = square_shown(model, seen.x, shown, size)
    frame = replace(frame, values=empty, tops=tops, lefts=lefts, size=size, fill=str(fill), square=square)
    run = begun(model, tape, units, readings, empty.size)
    if strongest and (layer is not None or are_classes(model, units)):
        run = watching(run, seen, layer, empty)
    others = None if pictures is None else as_pictures(pictures)
    if others is not None and run.strongest is None:
        raise SettingError(NO_MAP)
    yield from over_photo(frame, run, seen.x, shown, batch, others, state)


def _frame(model: Model, seen: View, label: str) -> OcclusionMap:
    """Return a map of no place, with what is known of the photo."""
    return OcclusionMap(
        values=np.empty((0, 0)),
        best=None,
        tops=np.empty(0, int),
        lefts=np.empty(0, int),
        base=0.0,
        label=label,
        blank="",
        class_names=model.class_names,
        size=0,
        fill="",
        picture=seen.picture,
        pixel_aspect=seen.pixel_aspect,
        photo=seen.area,
        given=seen.given,
    )


def plot(result: OcclusionMap, figure: Figure) -> None:
    """Draw the photo with the occluder's size, the fall over the photo, and of a class the likeliest one a place."""
    from minitorch_viz.techniques.activations._occlusion_figure import draw

    draw(result, figure)


def example() -> OcclusionMap:
    """Explain a digit of scikit-learn's, by the bundled net."""
    from minitorch_viz.models import load_model
    from minitorch_viz.models.samples import sample_digit

    return occlusion(load_model("digits"), sample_digit(), size=2, stride=1)


TECHNIQUE = Technique(
    name="occlusion",
    compute=occlusion,
    plot=plot,
    title="Occlusion: what the answer depends on",
    paper="Zeiler, Fergus 2013",
    example=example,
    chapter="places",
    level=10,
    explains=True,
    in_comparison={"strongest": False},
    takes_numbers=True,
)
