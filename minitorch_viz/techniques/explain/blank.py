"""Why a map is blank: found out and said in words, so that rounding noise is not taken for a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.graph import Rules, Tape, needed
from minitorch_viz.layers import Kind
from minitorch_viz.net import Net
from minitorch_viz.objectives import Objective, Unit
from minitorch_viz.rules.relu import relus
from minitorch_viz.techniques.explain.unit import value_of

if TYPE_CHECKING:
    from minitorch_viz.models import Model

SATURATED = 1000  # roundings: a probability this near to 1 has a slope of which few digits are left


def why_blank(model: Model, tape: Tape, objective: Objective, signal: Array, rules: Rules | None = None) -> str:
    """Return why `signal`, what came back to the pixels for an objective, is nothing to draw; "" if it is something.

    signal: of any shape; rules: those of the backward pass that made it.
    The answer goes on after "The map is blank because": broken weights, an overflow, a saturated softmax, a unit
    that did not fire, or a signal that ends on its way, with the names of the nodes.
    """
    signal, value = kernels.to_cpu(signal), value_of(objective, tape)
    if not (np.isfinite(signal).all() and np.isfinite(value)):
        return not_finite(model.net, tape)
    unit = objective if isinstance(objective, Unit) else None
    if unit and (saturated := _saturation(model, tape, unit, value)):
        return saturated
    if signal.any():
        return ""
    if broken := _broken_weights(model.net, _ancestors(model.net, objective.nodes)):
        return broken  # a NaN closes the gates that it meets: behind them it may look like silence
    if unit and unit.node in relus(model.net) and value <= 0:
        return f"the unit did not fire on this image: its value is {value:g}"
    return _where_it_ends(model.net, tape, objective, rules)


def blank_note(why: str) -> tuple[str, ...]:
    """Return a result's notes: the sentence that goes with a blank map, or none."""
    return (f"The map is blank because {why}.",) if why else ()


def drawable(values: Array, why: str = "") -> Array:
    """Return the map to draw and to compare: as it is, or all zero if there is a reason (NaN, rounding noise)."""
    return np.zeros_like(values) if why or not np.isfinite(values).all() else values


def not_finite(net: Net, tape: Tape) -> str:
    """Return where NaN or infinity comes from."""
    names = [name for name, value in tape.values.items() if not np.isfinite(kernels.to_cpu(value)).all()]
    if broken := _broken_weights(net, names or [node.name for node in net.nodes]):
        return broken
    if names:
        return f"the numbers of {names[0]} overflow: they are infinite or NaN, though its weights are finite"
    return "the backward pass overflows, though every activation is finite"


def _broken_weights(net: Net, names: list[str]) -> str:
    """Return a clause on the first of the nodes whose parameters are not finite; "" if all are."""
    for name in names:
        for key, value in (net[name].layer.state if name in net else {}).items():
            count = int((~np.isfinite(kernels.to_cpu(value))).sum())
            if count:
                return f"{name}.{key} holds NaN or infinity, at {count} of {value.size} places; load the weights again"
    return ""


def _saturation(model: Model, tape: Tape, unit: Unit, value: float) -> str:
    """Return a clause if the unit is a probability, or a squashed number, at the end of its range: nothing moves it."""
    if unit.node not in model.net:
        return ""  # a pixel
    layer, values = model.net[unit.node].layer, tape[unit.node]
    margin = SATURATED * float(np.finfo(values.dtype).eps)
    if any(abs(unit.sign * value - limit) < margin for limit in layer.limits):
        instead = " (explain the class score before it: target=)" if layer.kind is Kind.OPAQUE else ""
        return (
            f"the {layer.type_name.lower()} {unit.node} is saturated: its value is {value:.7g}, and no pixel "
            f"can move it by more than rounding does{instead}"
        )
    return ""


def _where_it_ends(net: Net, tape: Tape, objective: Objective, rules: Rules | None) -> str:
    """Return the node at which the last of the signal is lost."""
    names = _ancestors(net, objective.nodes)
    on_the_way = net.backward(tape, objective.seeds(tape), wrt=[*names, *net.inputs], rules=rules)
    alive = [name for name in names if on_the_way[name].any()]
    if not alive:
        return "the seed is 0"
    node = alive[0]  # in the order of the net: the last that the signal reaches
    if node in relus(net):
        open_ = float((tape[node] > 0).mean())
        return (
            f"no path of open gates leads to the pixels: the signal ends at {node}, of whose units {open_:.0%} fired, "
            "none where the signal is"
        )
    return f"the signal ends at {node}: every derivative there is exactly 0"


def _ancestors(net: Net, names: Sequence[str]) -> list[str]:
    """Return the nodes that `names` depend on, and themselves, in the order of the net."""
    return [node.name for node in needed(net.nodes, names)]
