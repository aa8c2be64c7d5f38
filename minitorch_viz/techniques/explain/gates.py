"""What the deconvnet and guided backpropagation mean on nets whose gates are not all ReLUs, in a sentence."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from minitorch_viz.graph import Tape
from minitorch_viz.layers import Affine, Dropout, Kind
from minitorch_viz.net import Net
from minitorch_viz.rules.relu import hard_relus, relus

if TYPE_CHECKING:
    from minitorch_viz.models import Model

SMOOTHLY = {
    "deconvnet": "the deconvnet passes a positive signal whole",
    "guided": "guided backpropagation passes a positive signal times the derivative, where that is positive",
}


def gates_note(net: Net, tape: Tape, modes: Collection[str]) -> str:
    """Return a sentence on what the modes are at gates on the tape that are no ReLUs; "" if all are.

    modes: of the map or maps; a plain gradient ("normal") alone needs none.
    """
    nodes = [node for node in net.nodes if node.name in tape.saved]
    with_modes, hard = set(relus(net)), set(hard_relus(net))
    others = _types(
        node.layer.type_name
        for node in nodes
        if node.layer.kind is Kind.GATES
        and node.name not in with_modes
        and not isinstance(node.layer, (Affine, Dropout))
    )
    if not any(node.name in with_modes for node in nodes):
        but = f" (but {others})" if others else ""
        return (
            f"No ReLU lies on the way{but}, so the deconvnet's and the guided mode have nothing to change: they are "
            "the gradient."
        )
    parts = []
    if smooth := _types(node.layer.type_name for node in nodes if node.name in with_modes - hard):
        passed = "; ".join(SMOOTHLY[mode] for mode in modes if mode in SMOOTHLY)
        parts.append(f"Gates that shut by degrees ({smooth}): {passed}")
    if others:
        parts.append(f"{'gates' if parts else 'Gates'} of other kinds ({others}): the gradient passes")
    return "; ".join(parts) + "." if parts else ""


def has_relus(model: Model) -> str | None:
    """Return None for a net with ReLUs or the like, else a clause: there deconvnet and guided are the gradient."""
    if relus(model.net):
        return None
    return "this net has no ReLU, so that it would be the plain gradient, which saliency shows"


def _types(names: Iterable[str]) -> str:
    """Return names in a sentence, each once: "GELU", "Sigmoid, SiLU and Tanh"."""
    *first, last = [*dict.fromkeys(names)] or [""]
    return f"{', '.join(first)} and {last}" if first else last
