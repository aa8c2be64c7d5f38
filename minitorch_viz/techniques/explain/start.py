"""How every explanation of one number begins: the photo as the net sees it, a forward pass, and the number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar, Unpack

from minitorch_viz.graph import Tape
from minitorch_viz.objectives import Objective, Unit
from minitorch_viz.techniques.explain.unit import (
    Which,
    goals,
    need_unit,
    reading_of,
    resolve_any,
    resolve_several,
    value_of,
)
from minitorch_viz.techniques.explain.view import View, view

if TYPE_CHECKING:
    from minitorch_viz.models import Model


What = TypeVar("What", bound=Objective)


class Start(NamedTuple, Generic[What]):
    """Hold one photo on its way up to what is explained, and what the net gives for it."""

    seen: View
    tape: Tape  # of one image, as far as it is needed
    unit: What
    value: float  # the unit's, of an opposite with the sign turned
    reading: str  # the value in a caption's words: "score -4, probability 0.018"


class Starts(NamedTuple):
    """Hold the same for one or several objectives."""

    seen: View
    tape: Tape
    objectives: list[Objective]


def with_value(label: str, reading: str, value: float) -> str:
    """Return what is explained and the value it has, for a heading: 'class "dog" (0), score -4, probability 0.018'."""
    return f"{label}, {reading or f'value {value:.4g}'}"


def start(model: Model, image: Any, **choice: Unpack[Which]) -> Start[Unit]:
    """Run `model` on one image as far as the class scores or a node, and find the unit that the settings mean.

    The settings are those of `resolve`; it says what they raise.
    """
    seen, tape, objective, value, reading = start_any(model, image, **choice)
    return Start(seen, tape, need_unit(objective), value, reading)


def start_any(model: Model, image: Any, **choice: Unpack[Which]) -> Start[Objective]:
    """Do the same where any objective is explained, not only a unit."""
    seen, tape = _run(model, image, choice)
    objective = resolve_any(model, tape, **choice)
    return Start(seen, tape, objective, value_of(objective, tape), reading_of(model, tape, objective))


def start_several(model: Model, image: Any, **choice: Unpack[Which]) -> Starts:
    """Do the same where the setting `target` may name several."""
    seen, tape = _run(model, image, choice)
    return Starts(seen, tape, resolve_several(model, tape, **choice))


def _run(model: Model, image: Any, choice: Which) -> tuple[View, Tape]:
    """Return the photo as the net sees it, and a forward pass as far as it is needed."""
    seen = view(model, image)
    return seen, model.net.forward(seen.x, upto=goals(model, **choice))
