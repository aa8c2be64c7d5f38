"""The gradients of the parameters, on the same walk; what a layer's two backward passes have in common is done once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from minitorch_viz._types import Array
from minitorch_viz.graph import Key, Route, Rule, rule_for
from minitorch_viz.layers.base import Layer
from minitorch_viz.less_work.backward import one_pass


def param_grads(route: Route, seeds: Mapping[str, Array], layers: Mapping[str, Layer]) -> dict[str, Array]:
    """Return {"node.parameter": gradient, summed over the batch} of all parameters that the seeds depend on.

    layers: those with parameters, the goals of the route. Where the walk goes on beyond one, and no rule takes its
    place, `backward_and_grads` gives both.
    """
    grads: dict[str, Array] = {}
    pending: dict[str, Array] = {}  # the gradient of a layer's output, until its parameters have theirs

    def keep(name: str, parameters: Mapping[str, Array]) -> None:
        grads.update({f"{name}.{parameter}": grad for parameter, grad in parameters.items()})

    def backward_keeping_grads(name: str, layer: Layer, dy: Array, saved: Any) -> Any:
        dx, parameters = layer.backward_and_grads(dy, saved)
        keep(name, parameters)
        del pending[name]
        return dx

    def keep_pending() -> None:  # of layers that the walk has passed by a rule, or where it ended
        for name in list(pending):
            keep(name, layers[name].param_grads(pending.pop(name), route.tape.saved[name]))

    joint: dict[Key, Rule] = {
        node.name: partial(backward_keeping_grads, node.name)
        for node in route.nodes
        if node.name in layers and not rule_for(node, route.rules)
    }
    for name, dy in one_pass(route._replace(rules={**route.rules, **joint}), seeds, crop=False):
        keep_pending()
        pending[name] = dy
    keep_pending()
    return grads
