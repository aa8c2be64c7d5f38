"""What one pass over the pictures tells of all units of a node: the tallies, and their results together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from minitorch_viz.data.pictures import Pictures
from minitorch_viz.errors import DataFileError, SettingError
from minitorch_viz.graph import Tape, channel_axis
from minitorch_viz.techniques.explain.answers import Answers, answers_of
from minitorch_viz.techniques.explain.class_use import (
    ClassUse,
    GradientTimesActivation,
    Reading,
    head_weights,
    leads_to_scores,
)
from minitorch_viz.techniques.explain.in_context import InContext
from minitorch_viz.techniques.explain.nothing import blank_tape
from minitorch_viz.techniques.explain.receptive import Geometry, geometry
from minitorch_viz.techniques.explain.strongest import Strongest, Top
from minitorch_viz.techniques.explain.tenths import Sampled, Spread
from minitorch_viz.techniques.tally import Skipped, Tallied, Tally

if TYPE_CHECKING:
    from minitorch_viz.models import Model


@dataclass(frozen=True, eq=False)
class Ground:
    """Hold what is known of a node before any picture is seen."""

    model: Model
    node: str
    tape: Tape  # of a blank picture, with all that the net saved
    context: InContext
    geometry: Geometry | None
    head: ClassUse | None  # where one linear layer reads the node's means

    @property
    def channels(self) -> int:
        """Return how many channels the node has."""
        return int(self.tape[self.node].shape[channel_axis(self.model.net.nodes, self.node)])

    @property
    def uses_gradients(self) -> bool:
        """Return whether the classes' use of a channel is measured by gradients."""
        return self.head is None and leads_to_scores(self.model, self.node)


@dataclass(frozen=True, eq=False)
class Survey:
    """Hold what the pictures seen so far tell of all units of a node."""

    ground: Ground
    top: Top
    spread: Spread  # each channel's strongest answer in each of some pictures
    answers: Answers
    classes: ClassUse | None
    done: int  # pictures
    total: int
    skipped: tuple[Skipped, ...]


def ground_of(model: Model, node: str, tape: Tape | None = None) -> Ground:
    """Return what is known of a node before any picture is seen.

    Raises NetError for an unknown node, SettingError for one without channels or behind the class scores.
    """
    net = model.net
    if node not in net.inputs:
        net[node]  # NetError with near names
    tape = blank_tape(model) if tape is None else tape
    if tape[node].ndim not in (2, 3, 4):
        raise SettingError(f"{node!r} gives an array of shape {tape[node].shape[1:]}, which has no channels.")
    head = head_weights(model, tape, node) if leads_to_scores(model, node) else None
    return Ground(model, node, tape, InContext(net, tape, node), geometry(model, node), head)


def tallies_for(ground: Ground, top: int) -> list[Tally]:
    """Return the empty tallies of one node; `survey_of` takes them when they have seen pictures."""
    axis = channel_axis(ground.model.net.nodes, ground.node)
    tallies: list[Tally] = [
        Strongest(ground.node, top, axis=axis),
        Sampled(ground.node, axis=axis),
        answers_of(ground.model.net, ground.node),
    ]
    if ground.uses_gradients:
        tallies.append(GradientTimesActivation(ground.node, Reading(ground.model)))
    return tallies


def survey_of(ground: Ground, tallies: Sequence[Tally], step: Tallied) -> Survey | None:
    """Return what the tallies of a node know; None as long as no picture could be read."""
    strongest, spread, answers, *gradients = tallies
    if not strongest.arrays:
        return None
    classes = gradients[0].result() if gradients else ground.head
    return Survey(
        ground, strongest.result(), spread.result(), answers.result(), classes, step.done, step.total, step.skipped
    )


def need_pictures(survey: Survey | None, pictures: Pictures, skipped: Sequence[Skipped]) -> Survey:
    """Return the survey, if any picture could be read; else raise DataFileError."""
    if survey is None:
        raise DataFileError(f"None of the {len(pictures)} pictures of {pictures.name} could be read. {skipped[0].why}")
    return survey
