"""How every explanation of one number begins: the photo as the net sees it, a forward pass, and the number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from minitorch_viz._types import Pair
from minitorch_viz.graph import Tape
from minitorch_viz.objectives import Unit
from minitorch_viz.techniques.explain.unit import reading_of, resolve, value_of
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


def start(
    model: Model,
    image: Any,
    target: str | int | None = None,
    node: str | None = None,
    channel: int | None = None,
    position: Pair | int | None = None,
) -> Start:
    """Run `model` on one image as far as the class scores or `node`, and find the unit that the settings mean.

    The settings are those of `resolve`; it says what they raise.
    """
    seen = view(model, image)
    tape = model.net.forward(seen.x, upto=node or model.logits or None)
    unit = resolve(model, tape, target, node, channel, position)
    return Start(seen, tape, unit, value_of(unit, tape), reading_of(model, tape, unit))
