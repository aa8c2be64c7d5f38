"""From what the net answered at each place to the numbers of the map: probabilities, scores or values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.graph import Tape
from minitorch_viz.objectives import ChannelSum, Objective, Unit
from minitorch_viz.techniques.activations._occlusion_rises import Rise, rise_of
from minitorch_viz.techniques.activations._occlusion_strongest import StrongestMap
from minitorch_viz.techniques.explain.blank import not_finite
from minitorch_viz.techniques.state import State

if TYPE_CHECKING:
    from minitorch_viz.models import Model
    from minitorch_viz.techniques.activations.occlusion import OcclusionMap

NEAR_THE_END = 0.05  # a probability that stays this near to 0 or 1 at every place is saturated


class Fall(NamedTuple):
    """Hold one number, with the occluder at every place of a grid."""

    values: Array  # (rows, columns): the number with the occluder there; NaN: not measured yet
    base: float  # on the whole photo
    label: str  # what is explained, in words
    reading: str = ""  # the score with its probability, in words, where it is the score
    rise: Rise | None = None  # where covering raises it; None: of numbers that are no picture

    @property
    def drop(self) -> Array:
        """Return (rows, columns): how much the occluder takes away; negative where covering helps."""
        fall: Array = self.base - self.values
        return fall


@dataclass(frozen=True, eq=False)
class Measured:
    """Hold what a run knows: what is explained, what the net said of the whole photo, and of each place so far."""

    model: Model
    tape: Tape  # of the whole photo
    units: Sequence[Objective]
    readings: Sequence[str]  # one a unit: its value in a caption's words
    outputs: Array  # (places, classes): the scores of every class, or (places, units); NaN: not measured yet
    totals: Array = field(default_factory=lambda: np.empty(0))  # (places,) of the strongest map; (0,): none
    strongest: StrongestMap | None = None

    @property
    def of_classes(self) -> bool:
        """Return whether class scores are explained, of which there are probabilities."""
        return are_classes(self.model, self.units)

    @property
    def nodes(self) -> tuple[str, ...]:
        """Return the nodes that are read, each once."""
        layer = () if self.strongest is None else (self.strongest.layer,)
        return tuple(dict.fromkeys([*(node for unit in self.units for node in unit.nodes), *layer]))

    @property
    def whole(self) -> Array:
        """Return what `read` gives for the whole photo, (1, classes)."""
        return self.read({node: self.tape[node] for node in self.nodes})

    def read(self, outputs: Mapping[str, Array]) -> Array:
        """Return of nodes' outputs (K, ...) the scores of every class (K, classes), or each unit's value (K, units)."""
        outputs = {node: kernels.to_cpu(values) for node, values in outputs.items()}
        if self.of_classes:
            return outputs[self.units[0].nodes[0]]
        return np.stack([unit.value(Tape(outputs, {})) for unit in self.units], axis=1)

    def state(self, done: int) -> State:
        """Return what another run goes on from."""
        arrays = {"outputs": self.outputs[:done].copy()}
        if self.strongest is not None:
            arrays["totals"] = self.totals[:done].copy()
        return State(arrays, {"done": done})

    def go_on(self, state: State | None) -> int:
        """Take in what another run knew, and return at how many places it had been."""
        if state is None:
            return 0
        done = int(state.numbers["done"])
        self.outputs[:done] = state.arrays["outputs"]
        if self.strongest is not None:
            self.totals[:done] = state.arrays["totals"]
        return done


def are_classes(model: Model, units: Sequence[Objective]) -> bool:
    """Return whether all that is explained are class scores."""
    return all(isinstance(unit, Unit) and unit.node == model.logits for unit in units)


def begun(model: Model, tape: Tape, units: Sequence[Objective], readings: Sequence[str], places: int) -> Measured:
    """Return a run that knows nothing of any place yet."""
    nothing = Measured(model, tape, units, readings, np.empty((0, 0)))
    whole = nothing.whole
    return replace(nothing, outputs=np.full((places, whole.shape[1]), np.nan, whole.dtype))


def filled(frame: OcclusionMap, run: Measured, done: int) -> OcclusionMap:
    """Return the map of the first `done` places.

    Probabilities, unless all are near one end of their range: then the scores that they come from.
    """
    model, of_class, shape = run.model, run.of_classes, frame.values.shape
    outputs, whole = run.outputs[:done], run.whole
    read = model.scores.answers if of_class else np.asarray
    answers, base_answers = read(outputs), read(whole)
    kind, instead = model.scores.number if of_class else "value", ""
    columns = [
        (unit.index[0], unit.sign) if of_class and isinstance(unit, Unit) else (number, 1)
        for number, unit in enumerate(run.units)
    ]

    def opposite(values: Any, sign: int) -> Any:
        return model.scores.opposite(values) if sign < 0 else values

    numbers = [opposite(answers[:, column], sign) for column, sign in columns]
    bases = [float(opposite(float(base_answers[0, column]), sign)) for column, sign in columns]
    if kind == "probability" and not model.scores.squashed and all(map(_saturated, numbers, bases)):
        kind, instead = "score", _why_scores(model, np.concatenate(numbers))
        numbers = [sign * outputs[:, column] for column, sign in columns]
        bases = [sign * float(whole[0, column]) for column, sign in columns]
    of_classes = of_class and model.scores.number == "probability" and answers.shape[1] > 1
    rest = len(run.outputs) - done
    finite = np.isfinite(answers).all() and np.isfinite(bases).all()
    grids = [np.append(values, np.full(rest, np.nan, values.dtype)).reshape(shape) for values in numbers]
    readings = [
        reading if instead or isinstance(unit, ChannelSum) else ""
        for reading, unit in zip(run.readings, run.units, strict=True)
    ]
    labels = [unit.label for unit in run.units]
    falls = [Fall(*parts) for parts in zip(grids, bases, labels, readings, strict=True)]
    if finite and frame.of_numbers is None:
        full = max(float(np.nanmax(np.abs(fall.drop))) for fall in falls)
        chances = (answers, base_answers[0]) if of_classes and kind == "probability" else (None, None)
        falls = [fall._replace(rise=rise_of(fall.values, fall.base, full, kind, *chances)) for fall in falls]
    strongest = run.strongest
    if strongest is not None:
        totals = np.append(run.totals[:done], np.full(rest, np.nan)).reshape(shape)
        strongest = strongest._replace(totals=totals)
    return replace(
        frame,
        values=falls[0].values,
        best=np.append(answers.argmax(axis=1), np.full(rest, -1)).reshape(shape) if of_classes else None,
        base=falls[0].base,
        blank="" if finite else not_finite(model.net, run.tape),
        kind=kind,
        instead=instead,
        reading=falls[0].reading,
        rise=falls[0].rise,
        others=tuple(falls[1:]),
        strongest=strongest,
        done=done,
        state=run.state(done),
    )


def _saturated(probabilities: Array, base: float) -> bool:
    """Return whether a probability stays at one end of its range wherever one covers, so that it shows nothing."""
    numbers = np.append(probabilities, base)
    return bool((numbers > 1 - NEAR_THE_END).all() or (numbers < NEAR_THE_END).all())


def _why_scores(model: Model, probabilities: Array) -> str:
    squash = "softmax" if model.scores.name == "classes" else "sigmoid"
    least, most = float(probabilities.min()), float(probabilities.max())
    stays = "near 0 or near 1"  # some of several
    if most < NEAR_THE_END:
        stays = f"below {most:.2g}"
    elif least > 1 - NEAR_THE_END:
        stays = f"within {1 - least:.2g} of 1"
    return f"The probability stays {stays} wherever the square stands, so the map shows the score before the {squash}"
