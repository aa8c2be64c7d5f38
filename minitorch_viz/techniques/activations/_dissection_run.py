"""The passes of a dissection over the pictures, one after the other, each gone on from where it was stopped."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minitorch_viz._types import Array, Pair
from minitorch_viz.data.bits import unpacked
from minitorch_viz.data.concepts import Concepts, concepts_of
from minitorch_viz.data.mask_files import LIST
from minitorch_viz.data.picture_base import ChosenPictures
from minitorch_viz.data.pictures import Pictures, as_pictures
from minitorch_viz.errors import DataFileError, NetError, SettingError, near
from minitorch_viz.graph import channel_axis
from minitorch_viz.models.features import last_features
from minitorch_viz.techniques.activations._dissection_chance import Presence, presence
from minitorch_viz.techniques.activations._dissection_formulas import Label, best_formulas, ious, leaves_of
from minitorch_viz.techniques.activations._dissection_shown import Masks, Shown, shown
from minitorch_viz.techniques.activations._dissection_tallies import Overlaps, TopShare
from minitorch_viz.techniques.activations._dissection_trial import Court
from minitorch_viz.techniques.explain.anchored import Anchors, anchors
from minitorch_viz.techniques.explain.nothing import blank_tape
from minitorch_viz.techniques.explain.randomize import randomized, weighted_layers
from minitorch_viz.techniques.explain.strongest import Strongest
from minitorch_viz.techniques.state import State
from minitorch_viz.techniques.tally import Skipped, Tally, tallied

if TYPE_CHECKING:
    from minitorch_viz.models import Model

Arrays = dict[str, Array]
NOW = "now/"  # in a state: what the pass that runs has kept
# Among what is kept: the overlaps of all pictures are counted; all pictures that are shown were looked at.
COUNTED, LOOKED_AT = "counted", "looked at"


class Pass(NamedTuple):
    """Describe one pass: the net and the pictures that go through it, what is tallied, and what is kept of that."""

    begin: Callable[[Arrays], tuple[Model, Pictures, Sequence[Tally]]]
    keep: Callable[[Sequence[Any], Arrays], Arrays]


class Step(NamedTuple):
    """Hold what is known after a step."""

    kept: Arrays
    done: int
    skipped: tuple[Skipped, ...]
    state: State


@dataclass
class Run:
    """Hold the settings of a dissection, checked, and make its passes."""

    model: Model
    pictures: Pictures
    concepts: Concepts
    node: str
    anchors: Anchors
    quantile: float
    bar: float
    length: int
    beam: int
    rotate: bool
    untrained: int  # copies of the net
    examples: int  # pictures a unit
    trial: bool
    batch: int
    workers: int
    seed: int
    _labels: list[list[Label]] | None = field(default=None, init=False)
    _presence: Presence | None = field(default=None, init=False)
    _shown: Shown | None = field(default=None, init=False)

    @property
    def turned(self) -> int | None:
        """Return the seed of the random basis; None for no such control."""
        return self.seed if self.rotate else None

    @property
    def size(self) -> Pair:
        """Return the height and width at which pixels are counted."""
        return len(self.anchors.rows.low), len(self.anchors.columns.low)

    @property
    def total(self) -> int:
        """Return how many pictures go through a net, all passes together; a trial counts as one pass."""
        return len(self.pictures) * (len(self.passes()) + self.trial)

    def passes(self) -> list[Pass]:
        """Return the passes in their order."""
        copies = [two for copy in range(self.untrained) for two in self._untrained(copy)]
        return [self._thresholds(), self._overlaps(), *copies, self._looked_at()]

    def steps(self, state: State | None) -> Iterator[Step]:
        """Yield what is known after each step of each pass."""
        kept, number, skipped = _restored(state)
        passes = self.passes()
        marks = {1: COUNTED, len(passes) - 1: LOOKED_AT}
        for index in range(number, len(passes)):
            model, pictures, tallies = passes[index].begin(kept)
            going_on = state if state is not None and index == number else None
            newest: Arrays = {}
            for step in tallied(model, pictures, tallies, batch=self.batch, workers=self.workers, state=_now(going_on)):
                skipped = skipped if index else step.skipped
                if not all(tally.arrays for tally in step.tallies):
                    continue  # every picture so far was broken
                newest = passes[index].keep(step.tallies, kept)
                if step.done == step.total and index in marks:
                    newest[marks[index]] = np.array(1)
                    self._check_labelled(newest)
                share = step.done * len(self.pictures) // max(step.total, 1)
                done = index * len(self.pictures) + share
                yield Step(kept | newest, done, skipped, _state(kept, index, skipped, step.state))
            if not newest:
                raise DataFileError(
                    f"There is nothing to dissect: none of the {len(pictures)} pictures could be read. "
                    f"{skipped[0].why if skipped else ''}"
                )
            kept = kept | newest
        if self.trial:
            yield from self._trials(kept, skipped, len(passes))

    def _thresholds(self) -> Pass:
        def begin(kept: Arrays) -> tuple[Model, Pictures, Sequence[Tally]]:  # noqa: ARG001 (the first pass)
            top = TopShare(self.node, self.quantile, len(self.pictures), self.turned)
            return self.model, self.pictures, [top, Strongest(self.node, self.examples)]

        def keep(tallies: Sequence[Any], kept: Arrays) -> Arrays:  # noqa: ARG001
            top, strongest = tallies
            numbers = strongest.result().numbers
            return {
                "thresholds": top.result(),
                "largest": top.arrays["top"][:, 0],
                "stride": np.array(top.stride),
                "broken": top.arrays["broken"],
                "strongest": numbers,
            }

        return Pass(begin, keep)

    def _overlaps(self) -> Pass:
        def begin(kept: Arrays) -> tuple[Model, Pictures, Sequence[Tally]]:
            return self.model, self.pictures, [self._counting(kept["thresholds"], self.turned)]

        def keep(tallies: Sequence[Any], kept: Arrays) -> Arrays:  # noqa: ARG001
            return dict(tallies[0].arrays)

        return Pass(begin, keep)

    def _untrained(self, copy: int) -> tuple[Pass, Pass]:
        """Return the two passes of a copy of the net with random weights."""
        nodes = [name for names in weighted_layers(self.model.net) for name in names]
        model = dataclasses.replace(self.model, net=randomized(self.model.net, nodes, self.seed + copy))
        name = f"untrained {copy}"

        def begin(kept: Arrays) -> tuple[Model, Pictures, Sequence[Tally]]:  # noqa: ARG001
            return model, self.pictures, [TopShare(self.node, self.quantile, len(self.pictures))]

        def begin_counting(kept: Arrays) -> tuple[Model, Pictures, Sequence[Tally]]:
            return model, self.pictures, [self._counting(kept[name], None)]

        def keep(tallies: Sequence[Any], kept: Arrays) -> Arrays:
            best = self.table(tallies[0].arrays).max(axis=1)
            return {"untrained": np.concatenate([kept.get("untrained", best[:0]), best])}

        return Pass(begin, _only(name)), Pass(begin_counting, keep)

    def _looked_at(self) -> Pass:
        def begin(kept: Arrays) -> tuple[Model, Pictures, Sequence[Tally]]:
            wanted = kept["strongest"]
            numbers = np.unique(wanted[wanted >= 0]).tolist()
            masks = Masks(self.node, kept["thresholds"][: len(wanted)], wanted, numbers, self.anchors)
            return self.model, ChosenPictures(self.pictures, numbers), [masks]

        return Pass(begin, _only("masks"))

    def _counting(self, thresholds: Array, turned: int | None) -> Overlaps:
        return Overlaps(self.node, thresholds, self.concepts, self.model.preprocessing, self.anchors, turned)

    def _check_labelled(self, kept: Arrays) -> None:
        if "pixels" in kept and not kept["pixels"].sum():
            raise DataFileError(
                f"No pixel of {self.pictures.name} is labelled as the net sees it; masks that show what is where are "
                "needed."
            )

    # ------------------------------------------------------------------ what the counts say

    def table(self, kept: Mapping[str, Array]) -> Array:
        """Return (C or 2 C, K): the IoU of each unit with each concept."""
        return ious(kept["hits"], kept["pixels"], leaves_of(kept["cells"], len(self.concepts)))

    def labels(self, kept: Mapping[str, Array], units: int) -> list[list[Label]]:
        """Return the best label of each length for each unit."""
        if self._labels is None:
            leaves = leaves_of(kept["cells"], len(self.concepts))
            self._labels = best_formulas(kept["hits"][:units], kept["pixels"], leaves, self.length, self.beam)
        return self._labels

    def labelled(self, kept: Mapping[str, Array]) -> tuple[Array, Array, Array]:
        """Return of the labelled pictures (numbers (N,), means (N, C), shown (N, K) bool)."""
        rows = ~np.isin(kept["numbers"], kept["unlabelled"])
        present = unpacked(kept["shown"], len(self.concepts))
        return kept["numbers"][rows], kept["means"][rows], present[rows]

    def presence(self, kept: Mapping[str, Array]) -> Presence:
        """Return how well each unit tells the pictures that show a concept."""
        if self._presence is None:
            _, means, present = self.labelled(kept)
            self._presence = presence(means, present)
        return self._presence

    def shown(self, kept: Mapping[str, Array]) -> Shown:
        """Return the pictures that the units answer to most."""
        if self._shown is None:
            self._shown = shown(self.model, self.pictures, kept["strongest"], kept["masks"], self.size)
        return self._shown

    def remarks(self, kept: Mapping[str, Array]) -> tuple[str, ...]:
        """Return what a user should know of masks, thresholds and maps, in sentences."""
        remarks = [*self.concepts.notes]
        unlabelled = kept.get("unlabelled", np.zeros(0, int))
        if len(unlabelled):
            remarks.append(
                f"{len(unlabelled)} of {len(self.pictures)} pictures have no mask that can be read and count for "
                f"nothing: {self._titles(unlabelled)}."
            )
        resized = np.setdiff1d(kept.get("remarked", unlabelled), unlabelled)
        if len(resized):
            remarks.append(
                f"{len(resized)} masks have another size than their pictures, of the same proportions, and were "
                f"brought to it: {self._titles(resized)}."
            )
        if kept["stride"] > 1:
            remarks.append(
                f"The thresholds come from one picture in {int(kept['stride'])}, so that what is kept for them fits "
                "into memory; the share of places above them is off by a few percent of itself."
            )
        if kept["broken"].sum():
            remarks.append(f"{int(kept['broken'].sum())} answers are not finite and count for nothing.")
        if not self.anchors.exact:
            remarks.append(
                "Where the units look is not known of this net, so that maps are laid over the picture evenly."
            )
        own = kept["thresholds"][: len(kept["strongest"])]
        silent = int((kept["largest"][: len(own)] <= own).sum())
        if silent:
            remarks.append(f"{silent} units always answer the same, so that they detect nothing.")
        return tuple(remarks)

    def _titles(self, numbers: Array) -> str:
        return ", ".join(self.pictures.title(int(number)) for number in numbers[:3]) + " ..." * (len(numbers) > 3)

    def _trials(self, kept: Arrays, skipped: tuple[Skipped, ...], index: int) -> Iterator[Step]:
        """Put each detector's label on trial, that of the best first."""
        units = len(kept["strongest"])
        table = self.table(kept)[:units]
        best, order = table.max(axis=1), np.argsort(-table.max(axis=1), kind="stable")
        detectors = [int(unit) for unit in order if best[unit] >= self.bar]
        concepts = table.argmax(axis=1).tolist()
        first = list(dict.fromkeys(concepts[unit] for unit in detectors))
        detectors.sort(key=lambda unit: first.index(concepts[unit]))  # those of a concept one after the other
        cases = [(unit, concepts[unit]) for unit in detectors]
        numbers, means, present = self.labelled(kept)
        rows = kept.get("trials", np.zeros((0, 11)))
        thresholds = kept["thresholds"][:units]
        done = index * len(self.pictures)
        court = None
        for count, unit in enumerate(detectors, start=1):
            if count > len(rows):
                court = court or Court(
                    self.model,
                    self.node,
                    self.pictures,
                    self.concepts,
                    thresholds,
                    self.anchors,
                    numbers,
                    means,
                    present,
                    cases,
                )
                trial = court.trial(unit, concepts[unit])
                rows = np.concatenate([rows, np.array([trial], np.float64)])
            now = index * len(self.pictures) + count * len(self.pictures) // len(detectors)
            if now > done and (count == len(rows) or count == len(detectors)):
                done = now
                newest = kept | {"trials": rows}
                yield Step(newest, done, skipped, _state(newest, index, skipped, None))
        if not detectors:
            yield Step(kept, self.total, skipped, _state(kept, index, skipped, None))


def _only(name: str) -> Callable[[Sequence[Any], Arrays], Arrays]:
    """Return a function that keeps the result of a pass's one tally under a name."""
    return lambda tallies, kept: {name: tallies[0].result()}  # noqa: ARG005 (others look at it)


def _state(kept: Arrays, index: int, skipped: Sequence[Skipped], now: State | None) -> State:
    """Return what another run goes on from: what finished passes kept, and how far the one that runs is."""
    arrays = dict(kept)
    numbers: dict[str, Any] = {
        "pass": index,
        "skipped": [[picture.number, picture.title, picture.why] for picture in skipped],
    }
    if now is not None:
        arrays |= {NOW + name: value for name, value in now.arrays.items()}
        numbers["now"] = dict(now.numbers)
    return State(arrays, numbers)


def _now(state: State | None) -> State | None:
    """Return the state of the pass that ran."""
    if state is None or "now" not in state.numbers:
        return None
    arrays = {name.removeprefix(NOW): value for name, value in state.arrays.items() if name.startswith(NOW)}
    return State(arrays, state.numbers["now"])


def _restored(state: State | None) -> tuple[Arrays, int, tuple[Skipped, ...]]:
    """Return (what finished passes kept, the number of the pass that ran, the pictures that were skipped)."""
    if state is None:
        return {}, 0, ()
    kept = {name: value for name, value in state.arrays.items() if not name.startswith(NOW)}
    skipped = tuple(Skipped(int(number), str(title), str(why)) for number, title, why in state.numbers["skipped"])
    return kept, int(state.numbers["pass"]), skipped


# ------------------------------------------------------------------ what is asked for


def pictures_with_labels(source: Any) -> tuple[Pictures, Concepts]:
    """Return pictures and what their pixels show; SettingError if nothing tells that."""
    pictures = as_pictures(source)
    concepts = concepts_of(pictures)
    if concepts is None:
        raise SettingError(
            f"dissection needs to know what each pixel shows, and nothing says so of {pictures.name}: give scenes:500, "
            f"or a folder with pictures in photos, masks of the same names in masks, and a list of what their numbers "
            f"mean, {LIST} (number,name,category)."
        )
    return pictures, concepts


def node_and_shape(model: Model, node: str | None) -> tuple[str, tuple[int, ...]]:
    """Return the node that is dissected, by default the last feature layer, and the shape of its maps (C, h, w).

    Raises NetError for an unknown node, SettingError for one without maps.
    """
    net = model.net
    if node is not None and node not in net.inputs:
        net[node]  # NetError with near names
    tape = blank_tape(model)
    shapes = {name: value.shape for name, value in tape.values.items()}
    maps = [
        name
        for name, shape in shapes.items()
        if len(shape) == 4 and shape[2] * shape[3] > 1 and name not in net.inputs and channel_axis(net.nodes, name) == 1
    ]
    if node is None:
        node = last_features(net.nodes, net.inputs, model.logits or net.output, shapes)
        if (node is None or node in net.inputs) and model.last_conv in maps:
            node = model.last_conv
        if node is None:
            raise SettingError(
                f"{model.name} has no feature layer that all of its answer comes from; {near('', maps)}."
            )
    if node not in maps:
        if node not in shapes:
            raise NetError(f"{node!r} is not computed from the picture; {near(node, maps, 'node')}.")
        raise SettingError(
            f"{node!r} has no maps but {' x '.join(map(str, shapes[node][1:]))} numbers a picture; dissection asks "
            f"where a unit answers: {near(node, maps, 'node')}."
        )
    return node, tuple(shapes[node][1:])


def grid_for(model: Model, node: str, shape: Sequence[int], resolution: int) -> Anchors:
    """Return how maps (C, h, w) are enlarged: to the net's input, or less, `resolution` pixels of the longer side."""
    seen = model.preprocessing.size
    scale = min(1.0, resolution / max(seen))
    size = max(1, round(scale * seen[0])), max(1, round(scale * seen[1]))
    return anchors(model, node, shape[1:], seen, size)
