"""Occlusion: cover one place after another and watch the probability of a class, or a unit's value, fall."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.drawing.number_maps import NumberMap
from minitorch_viz.errors import need_whole
from minitorch_viz.graph import Tape
from minitorch_viz.objectives import ChannelSum, Objective, Unit
from minitorch_viz.techniques.activations._occlusion_numbers import Windows, spread, windows_of
from minitorch_viz.techniques.activations._occlusion_squares import FILLS, covered, covers, fill_value, places_on
from minitorch_viz.techniques.base import Technique
from minitorch_viz.techniques.explain.blank import blank_note, drawable, not_finite
from minitorch_viz.techniques.explain.start import start_any
from minitorch_viz.techniques.explain.unit import Which
from minitorch_viz.techniques.explain.view import PhotoResult, View
from minitorch_viz.techniques.options import spelled_out
from minitorch_viz.techniques.run import Pace, how_far, looping
from minitorch_viz.techniques.state import State

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

NEAR_THE_END = 0.05  # a probability that stays this near to 0 or 1 at every place is saturated
EFFECTS = {  # what a red cell means
    "probability": "without this place the class is less probable",
    "score": "without this place the class has a lower score",
    "value": "without this place the value is lower",
}


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
    fill: str  # what the occluder shows
    picture: Array  # (h, w, 3) uint8: what the net saw
    pixel_aspect: float
    kind: str = "probability"  # what the numbers are: probability, score (before the softmax) or value
    instead: str = ""  # why it is the score and not the probability
    reading: str = ""  # the score with its probability, in words, where it is the score
    done: int = 0  # places where the occluder has been
    state: State | None = None  # what another run goes on from

    @property
    def total(self) -> int:
        """Return the number of places."""
        return self.values.size

    @property
    def facts(self) -> tuple[str, ...]:
        rows, columns = self.values.shape
        if self.of_numbers is not None:
            return (self.label, self.of_numbers.words)
        return (self.label, f"{rows} x {columns} places", f"a square of {self.size} pixels")

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
        measured = np.ones(self.values.shape) if self.done == self.total else ~np.isnan(self.values)
        squares = rows.T @ measured @ columns  # (h, w): so many cover each pixel
        drop = np.where(measured, drawable(self.drop, self.blank), 0)
        return (rows.T @ drop @ columns) / np.maximum(squares, 1)

    @property
    def caption(self) -> str:
        reading = self.reading or f"{self.kind} {self.base:.3f}"
        if self.of_numbers is not None:
            return f"Explains {self.label}, {reading} on all of it. {self._numbers_words}"
        words = (
            f"Explains {self.label}, {reading} on the whole photo. A {self.fill} square of "
            f"{self.size} x {self.size} pixels stood at {self.done} places, one every {_step(self.tops)} "
            f"pixels; each cell shows by how much the {self.kind} falls with the square centred there (the outer cells "
            f"reach to the border), on the scale of the bar: red cells matter, {EFFECTS[self.kind]}, white ones do "
            f"not; blue ones hold it down: without them the {self.kind} rises."
        )
        if not self.shows_classes or self.best is None:
            return words
        return f"{words} Right: the most probable class at each place."

    @property
    def _numbers_words(self) -> str:
        """End a caption: what was covered of a row or a series, and what the colours mean."""
        given = self.of_numbers
        assert given is not None  # asked before
        part = (
            "One column at a time" if given.kind == "row" else f"A window of {self.size} steps of one curve at a time"
        )
        signs = (
            f"red: without it the {self.kind} falls, so that it speaks for the value; blue: without it the {self.kind} "
            f"rises. The largest is {np.abs(self.heat).max():.3g}."
        )
        return (
            f"{part} was replaced by {self.fill} ({self.done} of {self.total} places) and the net asked again; {signs}"
        )

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
        partial = (*self.given_notes, *how_far(self, "place"))
        if self.blank:
            return (*partial, *blank_note(self.blank))
        instead = self.instead if self.of_numbers is None else self.instead.replace("the square stands", "one covers")
        saturated = (*partial, f"{instead}.") if instead else partial
        values = self.values[~np.isnan(self.values)]
        least = 1e-3 * (1 if self.kind == "probability" else max(abs(self.base), 1e-30))
        if np.ptp(values) >= least:
            return saturated
        if np.abs(self.base - values).max() >= least:
            change = (values - self.base).mean()
            even = f"The map is even: wherever the square stands, it changes the {self.kind} by {change:+.3g}."
            return (even, *saturated)
        flat = (
            "The map is flat: no place alone matters. The net is sure whatever is covered, or the occluder is too "
            "small; try a larger size."
        )
        return (flat, *saturated)


@looping("place")
@spelled_out
def occlusion(
    model: Model,
    image: Any,
    *,
    size: int | None = None,
    stride: int | None = None,
    fill: str = "mean",
    batch: int = 32,
    state: State | None = None,
    **choice: Unpack[Which],
) -> Iterator[OcclusionMap]:
    """Cover one place after another with a square and record how far the class probability falls.

    Where the probability falls, the net was using what is covered. Unlike a gradient this is a measurement of what
    the net does. Only what the square can reach is computed anew, so that a place costs less than a forward pass.
    Where the net is sure whatever is covered, the probability says nothing and the score before the softmax is shown;
    of a unit inside the net its value.

    Args:
        size: the square's side in pixels of the net's input; by default a fifth of it; of a series steps, a tenth
        stride: pixels from one place to the next; by default a third of the size; of a series steps, half the size
        fill: what the square shows: mean (the photo's mean colour), grey, black, white, or a grey level 0 to 255; of
            numbers mean, black (zero) or a number
        batch: places a forward pass, all of one row; more than 32 save nothing, and take memory

    Returns an OcclusionMap with values (rows, columns), of a class in 0..1. The grid is centred; squares at its ends
    may hang over the border, so that every pixel is covered at least once (unless the stride is larger than the size).
    state= goes on from a result's.
    Raises SettingError for an unknown class, channel or position, or a size or stride below 1, NetError for an unknown
    node, ImageFileError for a bad image.

    Paper: Zeiler, Fergus 2013.
    """
    seen, tape, unit, _, reading = start_any(model, image, **choice)
    if seen.given is not None and seen.given.is_numbers:
        windows = windows_of(model, seen, seen.given, size, stride, fill)
        yield from _of_numbers(model, seen, tape, unit, windows, reading, fill, batch, state)
        return
    height, width = seen.x.shape[2:]
    side = min(height, width)
    size = need_whole("occluder's size", max(min(3, side), round(side / 5)) if size is None else size, 1, side)
    stride = need_whole("occluder's stride", max(1, size // 3) if stride is None else stride, 1, side)
    need_whole("batch", batch, 1)
    colour = fill_value(model, fill, seen.x)

    tops, lefts = places_on(height, size, stride), places_on(width, size, stride)
    # A batch stays in one row of places: the parts that alike places reach have nearly one size.
    rows = [[(int(top), int(left)) for left in lefts] for top in tops]
    batches = [row[begin : begin + batch] for row in rows for begin in range(0, len(row), batch)]
    of_class = _is_class(model, unit)
    whole = _outputs(unit, {node: tape[node] for node in unit.nodes}, of_class)  # (1, classes)
    outputs = np.full((len(tops) * len(lefts), whole.shape[1]), np.nan, whole.dtype)  # (places, classes)
    frame = OcclusionMap(
        values=np.full((len(tops), len(lefts)), np.nan),
        best=None,
        tops=tops,
        lefts=lefts,
        base=0.0,
        label=unit.label,
        blank="",
        class_names=model.class_names,
        size=size,
        fill={"mean": "mean-coloured"}.get(fill, fill if fill in FILLS else f"grey-level-{fill}"),
        picture=seen.picture,
        pixel_aspect=seen.pixel_aspect,
        photo=seen.area,
        given=seen.given,
        reading=reading,
    )
    done, pace = 0, Pace()
    if state is not None:
        done = int(state.numbers["done"])
        outputs[:done] = state.arrays["outputs"]
    todo = [places for places, end in zip(batches, accumulate(map(len, batches)), strict=True) if end > done]
    for places in todo:
        squares = {model.net.inputs[0]: covered(seen.x, places, size, colour)}
        changed = {node: model.net.predict_changed(tape, squares, node) for node in unit.nodes}
        answer = _outputs(unit, changed, of_class)
        outputs[done : done + len(places)] = answer
        done += len(places)
        if done == len(outputs) or pace.due():
            yield _filled(frame, model, tape, unit, outputs, whole, done)
    if not todo:
        yield _filled(frame, model, tape, unit, outputs, whole, done)


def _of_numbers(
    model: Model,
    seen: View,
    tape: Tape,
    unit: Objective,
    windows: Windows,
    reading: str,
    fill: str,
    batch: int,
    state: State | None,
) -> Iterator[OcclusionMap]:
    """Cover one column, or one window of a curve, after another; each asks the whole net."""
    need_whole("batch", batch, 1)
    given = seen.given
    assert given is not None  # what the caller has asked
    of_class = _is_class(model, unit)
    whole = _outputs(unit, tape.values, of_class)
    count = len(windows.curves) * len(windows.firsts)
    outputs = np.full((count, whole.shape[1]), np.nan, whole.dtype)
    mean = "the mean that the net's reader subtracts" if given.kind == "row" else "the mean of its curve"
    frame = OcclusionMap(
        values=np.full((len(windows.curves), len(windows.firsts)), np.nan),
        best=None,
        tops=windows.curves,
        lefts=windows.firsts,
        base=0.0,
        label=unit.label,
        blank="",
        class_names=model.class_names,
        size=windows.size,
        fill={"mean": mean, "black": "zero"}.get(fill, str(fill)),
        picture=seen.picture,
        pixel_aspect=seen.pixel_aspect,
        photo=seen.area,
        given=given,
        reading=reading,
    )
    done, pace = 0, Pace()
    if state is not None:
        done = int(state.numbers["done"])
        outputs[:done] = state.arrays["outputs"]
    while done < count:
        places = list(range(done, min(done + batch, count)))
        answers = model.net.forward(windows.covered(given, seen.x, places), upto=unit.nodes, fuse=True)
        outputs[places] = _outputs(unit, answers.values, of_class)
        done += len(places)
        if done < count and pace.due():
            yield _filled(frame, model, tape, unit, outputs, whole, done)
    yield _filled(frame, model, tape, unit, outputs, whole, done)


def _filled(
    frame: OcclusionMap, model: Model, tape: Tape, unit: Objective, outputs: Array, whole: Array, done: int
) -> OcclusionMap:
    """Return the map of the first `done` places, from their outputs (places, classes) and the photo's (1, classes).

    Probabilities, unless all are near one end of their range: then the scores that they come from.
    """
    of_class = _is_class(model, unit)
    chosen, sign = (unit.index[0], unit.sign) if isinstance(unit, Unit) and of_class else (0, 1)
    read = model.scores.answers if of_class else np.asarray
    answers, base_answers = read(outputs[:done]), read(whole)
    kind = model.scores.number if of_class else "value"
    values, base, instead = answers[:, chosen], float(base_answers[0, chosen]), ""
    if sign < 0:
        values, base = model.scores.opposite(values), model.scores.opposite(base)
    if kind == "probability" and not model.scores.squashed and _saturated(values, base):
        kind, instead = "score", _why_scores(model, values)
        values, base = sign * outputs[:done, chosen], sign * float(whole[0, chosen])
    of_classes = of_class and model.scores.number == "probability" and answers.shape[1] > 1
    shape, rest = frame.values.shape, len(outputs) - done
    return replace(
        frame,
        values=np.append(values, np.full(rest, np.nan, values.dtype)).reshape(shape),
        best=np.append(answers.argmax(axis=1), np.full(rest, -1)).reshape(shape) if of_classes else None,
        base=base,
        blank="" if np.isfinite(answers).all() and np.isfinite(base) else not_finite(model.net, tape),
        kind=kind,
        instead=instead,
        reading=frame.reading if instead or isinstance(unit, ChannelSum) else "",
        done=done,
        state=State({"outputs": outputs[:done].copy()}, {"done": done}),
    )


def _is_class(model: Model, unit: Objective) -> bool:
    """Return whether a class score is explained, of which there is a probability."""
    return isinstance(unit, Unit) and unit.node == model.logits


def _outputs(unit: Objective, outputs: Mapping[str, Array], of_class: bool) -> Array:
    """Return of nodes' outputs (K, ...) the scores of every class (K, classes), or the objective's value (K, 1)."""
    outputs = {node: kernels.to_cpu(values) for node, values in outputs.items()}
    return outputs[unit.nodes[0]] if of_class else unit.value(Tape(outputs, {}))[:, None]


def _saturated(probabilities: Array, base: float) -> bool:
    """Return whether a probability stays at one end of its range wherever one covers, so that it shows nothing."""
    numbers = np.append(probabilities, base)
    return bool((numbers > 1 - NEAR_THE_END).all() or (numbers < NEAR_THE_END).all())


def _why_scores(model: Model, probabilities: Array) -> str:
    squash = "softmax" if model.scores.name == "classes" else "sigmoid"
    far = float(probabilities.max())
    stays = f"below {far:.2g}" if far < NEAR_THE_END else f"within {1 - float(probabilities.min()):.2g} of 1"
    return f"The probability stays {stays} wherever the square stands, so the map shows the score before the {squash}"


def _step(tops: Array) -> int:
    return int(tops[1] - tops[0]) if len(tops) > 1 else 0


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
    takes_numbers=True,
)
