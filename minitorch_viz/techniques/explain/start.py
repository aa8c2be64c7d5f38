"""How every explanation of one number begins: the photo as the net sees it, a forward pass, and the number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from minitorch_viz._types import Pair
from minitorch_viz.graph import Tape
from minitorch_viz.techniques.explain.unit import Target, resolve_target
from minitorch_viz.techniques.explain.view import View, view

if TYPE_CHECKING:
    from minitorch_viz.models import Model


class Start(NamedTuple):
    """One photo, on its way up to what is explained."""

    seen: View
    tape: Tape  # of one image, as far as it is needed
    unit: Target


def start(
    model: Model,
    image: Any,
    target: str | int | None = None,
    node: str | None = None,
    channel: int | None = None,
    position: Pair | None = None,
) -> Start:
    """Run `model` on one image as far as the class scores or `node`, and find the unit that the settings mean.

    The settings are those of `resolve_target`; it says what they raise.
    """
    seen = view(model, image)
    tape = model.net.forward(seen.x, upto=node or model.logits or None)
    return Start(seen, tape, resolve_target(model, tape, target, node, channel, position))
