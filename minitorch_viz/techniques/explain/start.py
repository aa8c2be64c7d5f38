"""How every explanation of one number begins: the photo as the net sees it, a forward pass, and the number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Unpack

from minitorch_viz.graph import Tape
from minitorch_viz.objectives import Unit
from minitorch_viz.techniques.explain.unit import Which, reading_of, resolve, resolve_several, value_of
from minitorch_viz.techniques.explain.view import View, view

if TYPE_CHECKING:
    from minitorch_viz.models import Model


class Start(NamedTuple):
    """One photo on its way up to what is explained, and what the net gives for it."""

    seen: View
    tape: Tape  # of one image, as far as it is needed
    unit: Unit
    value: float  # the unit's, of an opposite with the sign turned
    reading: str  # the value in a caption's words: "score -4, probability 0.018"


class Starts(NamedTuple):
    """The same for one or several units of one node."""

    seen: View
    tape: Tape
    units: list[Unit]


def start(model: Model, image: Any, **which: Unpack[Which]) -> Start:
    """Run `model` on one image as far as the class scores or a node, and find the unit that the settings mean.

    The settings are those of `resolve`; it says what they raise.
    """
    seen, tape = _run(model, image, which)
    unit = resolve(model, tape, **which)
    return Start(seen, tape, unit, value_of(unit, tape), reading_of(model, tape, unit))


def start_several(model: Model, image: Any, **which: Unpack[Which]) -> Starts:
    """Do the same where the setting `target` may name several classes."""
    seen, tape = _run(model, image, which)
    return Starts(seen, tape, resolve_several(model, tape, **which))


def _run(model: Model, image: Any, which: Which) -> tuple[View, Tape]:
    """The photo as the net sees it, and a forward pass as far as it is needed."""
    seen = view(model, image)
    return seen, model.net.forward(seen.x, upto=which.get("node") or model.logits or None)
