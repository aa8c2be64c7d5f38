"""Natural pictures beside optimized ones: what of the user's own pictures excites the same unit most.

The search is a pass of its own beside the ascent, in step with it: after half of the steps half of the pictures have
been looked at, so that a run that is stopped early has both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.data.pictures import as_pictures
from minitorch_viz.errors import DataFileError, ImageFileError
from minitorch_viz.graph import Tape, channel_axis
from minitorch_viz.net import Net
from minitorch_viz.objectives import ChannelMean, Combination, Direction, Objective, Unit
from minitorch_viz.techniques.explain.patches import Answer, Patch, patches_of
from minitorch_viz.techniques.explain.strongest import Strongest, by_channel
from minitorch_viz.techniques.state import State
from minitorch_viz.techniques.subject import PICTURES
from minitorch_viz.techniques.tally import Tallied, tallied

if TYPE_CHECKING:
    from minitorch_viz.models import Model

Row: TypeAlias = tuple[Patch, ...]

BESIDE = 5  # natural patches of each optimized picture
OF_ITS_OWN = ("digits", "mnist", "scenes", "faces", "cifar10", "allcnn")  # nets whose data may be at hand, by name
FIRST = 400  # pictures of a data set


def pictures_beside(model: Model, pictures: Any) -> tuple[Any, str]:
    """Return the natural pictures that are searched, and a note where there are none.

    pictures: what the user gave; None: those of the kind that the net was trained on, as far as such are at hand.
    """
    if pictures is not None:
        return as_pictures(pictures), ""
    name = next((name for name in OF_ITS_OWN if model.name.startswith(name)), "")
    if name in ("mnist", "faces", "cifar10", "allcnn"):
        try:
            return as_pictures(f"{'cifar10' if name == 'allcnn' else name}:{FIRST}"), ""
        except DataFileError:  # the data set is not at hand
            pass
    if name in ("digits", "mnist", "scenes"):
        return as_pictures(PICTURES.read(model, [])), ""
    return None, (
        "No natural pictures stand beside these: give a folder of them with --pictures FOLDER. What a net is made to "
        "see says less of a unit than what excites it in real pictures (Borowski et al. 2020)."
    )


class StrongestFor(Strongest):
    """Keep the pictures, and the places in them, where an objective is highest.

    Of a unit and of a channel it is the channel anywhere in the picture; of a direction the dot product at each place;
    of anything else the objective itself, which has no places.
    """

    def __init__(self, net: Net, objective: Objective, k: int = BESIDE) -> None:
        self.objective = objective
        self.maps_of = maps_of(net, objective)
        super().__init__(objective.nodes[0], k)

    @property
    def upto(self) -> tuple[str, ...]:
        return self.objective.nodes

    @property
    def settings(self) -> str:
        return f"{self.objective.label} {self.k}"

    def see(self, tape: Tape, numbers: Array) -> None:
        self.take(answers(tape, self.objective, self.maps_of), numbers)


def maps_of(net: Net, objective: Objective) -> int | None:
    """Return the axis of the channels where an objective has places; None where it has none."""
    terms = [term for _, term in objective.terms] if isinstance(objective, Combination) else [objective]
    if len(set(objective.nodes)) > 1 or not all(isinstance(term, (Unit, ChannelMean, Direction)) for term in terms):
        return None
    return channel_axis(net.nodes, objective.nodes[0])


def answers(tape: Tape, objective: Objective, axis: int | None) -> Array:
    """Return an objective at every place of its node, (N, 1, ...)."""
    if axis is None:
        return kernels.to_cpu(objective.value(tape))[:, None]
    channels = by_channel(kernels.to_cpu(tape[objective.nodes[0]]), axis)
    return _along(channels, objective, axis)[:, None]


def _along(channels: Array, objective: Objective, axis: int) -> Array:
    """Return what an objective is made of at each place, (N, ...), from channels (N, C, ...)."""
    if isinstance(objective, Combination):
        total: Array = np.sum([weight * _along(channels, term, axis) for weight, term in objective.terms], axis=0)
        return total
    along: Array
    if isinstance(objective, Direction):
        along = np.einsum("nc...,c->n...", channels, objective.vector)
    elif isinstance(objective, Unit):
        along = objective.sign * channels[:, objective.index[axis - 1 if axis > 0 else axis]]
    elif isinstance(objective, ChannelMean):
        along = channels[:, objective.channel]
    return along


class Natural:
    """Search natural pictures in step with an ascent."""

    def __init__(self, model: Model, objectives: Sequence[Objective], pictures: Any, count: int = BESIDE) -> None:
        self.model, self.objectives, self.count = model, tuple(objectives), count
        self.pictures, self.note = pictures_beside(model, pictures)
        self.newest: Tallied | None = None
        self._pass: Iterator[Tallied] | None = None
        self._cut: dict[tuple[Any, ...], Patch | None] = {}

    @property
    def name(self) -> str:
        """Return what the pictures are called."""
        return "" if self.pictures is None else self.pictures.name

    @property
    def looked_at(self) -> int:
        """Return how many pictures have been looked at so far."""
        return 0 if self.newest is None else self.newest.done - len(self.newest.skipped)

    @property
    def state(self) -> State:
        """Return what another search goes on from."""
        return State({}, {}) if self.newest is None else self.newest.state

    def begin(self, state: State | None = None) -> None:
        """Begin the search, or go on from a state."""
        if self.pictures is None:
            return
        tallies = [StrongestFor(self.model.net, objective, self.count) for objective in self.objectives]
        given = state if state is not None and state.numbers else None
        self._pass = tallied(self.model, self.pictures, tallies, state=given)
        if given is not None:
            self.newest = next(self._pass)

    def up_to(self, share: float) -> None:
        """Look at pictures until this share of them has been seen."""
        if self._pass is None:
            return
        while (0 if self.newest is None else self.newest.done) < share * len(self.pictures):
            self.newest = next(self._pass)

    def rows(self) -> tuple[Row, ...]:
        """Return the strongest patches of each objective, the strongest first."""
        if self.newest is None:
            return tuple(() for _ in self.objectives)
        pairs = zip(self.objectives, self.newest.tallies, strict=True)
        return tuple(self._row(objective, tally) for objective, tally in pairs if isinstance(tally, Strongest))

    def _row(self, objective: Objective, tally: Strongest) -> Row:
        top, node = tally.result(), objective.nodes[0]
        patches = []
        for rank in range(top.count(0)):
            number, place, value = int(top.numbers[0, rank]), top.position(0, rank), float(top.values[0, rank])
            key = (node, number, place)
            if key not in self._cut:
                self._cut[key] = self._patch(node, number, Answer(0, place))
            patch = self._cut[key]
            if patch is not None:
                patches.append(patch._replace(value=value))
        return tuple(patches)

    def _patch(self, node: str, number: int, answer: Answer) -> Patch | None:
        try:
            return patches_of(self.model, self.pictures, node, number, [answer])[0]
        except ImageFileError:
            return None
