"""The same answers with less work. Nothing here is needed to understand a net: `plan="plain"` leaves all of it out.

    backward   a signal that is zero outside a box is carried as that box; K seeds a few at a time; kernels for rules
    gradients  a layer whose two backward passes begin alike does both at once
    fusion     a convolution that alone feeds a ReLU cuts off the negative before it writes its answer
    forward    a changed image: only what the change reaches is computed again (a function of its own)

`net.py` asks for a `Plan` and uses nothing else of this. The walk is the same one, that of `walk.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias, get_args

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, near
from minitorch_viz.graph import Node, Route
from minitorch_viz.layers.base import Layer
from minitorch_viz.less_work import backward, fusion, gradients
from minitorch_viz.walk import walk

PlanName = Literal["less", "plain"]
Arrays: TypeAlias = Mapping[str, Array]


class Plan(NamedTuple):
    """Say how a net goes about its passes."""

    fuse: Callable[[Sequence[Node], Sequence[str]], tuple[Sequence[Node], Mapping[str, str]]]  # see `fusion.fuse`
    carry_back: Callable[[Route, Arrays, bool, int | None], dict[str, Array]]  # {goal: gradient}, as in `backward`
    param_grads: Callable[[Route, Arrays, Mapping[str, Layer]], dict[str, Array]]  # see `gradients.param_grads`


def plan(name: PlanName = "less") -> Plan:
    """Return the plan of that name: "less" for less work, "plain" for the passes as they are taught.

    Raises SettingError for another name.
    """
    if name not in PLANS:
        raise SettingError(f"There is no plan {name!r}; {near(str(name), get_args(PlanName), 'plan')}.")
    return PLANS[name]


def _fuse_nothing(nodes: Sequence[Node], goals: Sequence[str]) -> tuple[Sequence[Node], dict[str, str]]:  # noqa: ARG001
    """Return all nodes as they are, none of them fused."""
    return nodes, {}


def _carry_whole_maps(route: Route, seeds: Arrays, crop: bool, chunk: int | None) -> dict[str, Array]:  # noqa: ARG001
    """Return {goal: gradient}, carried as whole maps and all seeds at once."""
    return {name: dy for name, dy in walk(route.nodes, seeds, route.step) if name in route.goals}


def _ask_each_layer(route: Route, seeds: Arrays, layers: Mapping[str, Layer]) -> dict[str, Array]:
    """Return {"node.parameter": gradient}: each layer that the walk reaches is asked for its own."""
    grads = {}
    for name, dy in walk(route.nodes, seeds, route.step):
        if name in layers:
            for parameter, grad in layers[name].param_grads(dy, route.tape.saved[name]).items():
                grads[f"{name}.{parameter}"] = grad
    return grads


PLANS: Mapping[str, Plan] = {
    "less": Plan(fusion.fuse, backward.carry_back, gradients.param_grads),
    "plain": Plan(_fuse_nothing, _carry_whole_maps, _ask_each_layer),
}
