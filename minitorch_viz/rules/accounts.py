"""Where relevance stays on its way down: the books of one backward pass.

Whatever the rules are, what came to a node is what it handed to its inputs and what stayed there; so over a whole pass

    value  =  what the inputs hold  +  sum over the nodes of what stayed

exactly. LRP's own rules say why it stayed (biases, epsilon); for others the books hold the difference.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.graph import Key, Node, Rule, Rules, Tape, rule_for
from minitorch_viz.layers import BatchNorm2d
from minitorch_viz.layers.kind import Kind
from minitorch_viz.net import Net
from minitorch_viz.rules.contributions import Stayed

ROUNDING = 1e-9  # of the relevance at a node: less than this is no amount to explain
SINGLE = 1e-5  # the same in single precision


@dataclass
class Books:
    """What stayed in one pass."""

    stayed: dict[str, Stayed] = field(default_factory=dict)  # {node: {why: how much}}, empty where all was handed on

    @property
    def total(self) -> float:
        """All that stayed."""
        return sum(sum(here.values()) for here in self.stayed.values())

    def by_cause(self) -> dict[str, dict[str, float]]:
        """{why: {node: how much}}, the largest first, in both."""
        causes: dict[str, dict[str, float]] = {}
        for name, here in self.stayed.items():
            for why, amount in here.items():
                causes.setdefault(why, {})[name] = amount
        ordered = sorted(causes.items(), key=lambda cause: -sum(map(abs, cause[1].values())))
        return {why: dict(sorted(places.items(), key=lambda place: -abs(place[1]))) for why, places in ordered}


def noted(net: Net, tape: Tape, rules: Rules, books: Books, own: Container[str]) -> Rules:
    """The rules for each node of the tape, which write down in `books` what the node got and did not hand on.

    own: the nodes with rules that the user gave; what these keep back is theirs to explain.
    """
    found: dict[Key, Rule] = {}
    for node in net.nodes:
        if node.name in tape.saved:
            why = "a rule of one's own" if node.name in own else "what the layer gives for an input of 0"
            found[node.name] = _noted(rule_for(node, rules), books.stayed.setdefault(node.name, {}), why)
    return found


def _noted(rule: Rule | None, stayed: Stayed, why: str) -> Rule:
    def noting(layer: Any, r: Array, saved: Any) -> Any:
        before = sum(stayed.values())
        given = rule(layer, r, saved) if rule else layer.backward(r, saved)
        handed = sum(float(one.sum()) for one in (given if isinstance(given, tuple) else (given,)))
        rest = float(r.sum()) - handed - (sum(stayed.values()) - before)
        small = ROUNDING * float(kernels.to_cpu(abs(r).sum()))
        if rest:
            cause = "rounding" if abs(rest) <= small else why
            stayed[cause] = stayed.get(cause, 0.0) + rest
        return given

    return noting


def gradient_books(net: Net, tape: Tape, seeds: Mapping[str, Array]) -> tuple[Array, Books]:
    """The gradient (K, ...) at the net's first input, and the books of gradient times input.

    The books hold at each node what its value y and its input x account for differently. With g the gradients,
    <g_y, y> - <g_x, x> is 0 for what is linear without a bias, and for ReLU, maximum and whatever else doubles with its
    input (Euler). Elsewhere it is the bias's part, or the intercept of the tangent.
    tape: of one image, every node with its value.
    """
    books = Books()

    def at(node: Node) -> Rule:
        def noting(layer: Any, dy: Array, saved: Any) -> Any:
            given = layer.backward(dy, saved)
            parts = given if isinstance(given, tuple) else (given,)
            came = _product(dy, tape[node.name])
            rest = came - sum(_product(dx, tape[name]) for dx, name in zip(parts, node.inputs, strict=False))
            linear = layer.kind in (Kind.WEIGHS, Kind.SUMS, Kind.SELECTS) or isinstance(layer, BatchNorm2d)
            small = SINGLE * abs(dy * tape[node.name]).sum()
            why = "rounding" if abs(rest) <= small else "biases" if linear else "curved layers"
            if rest:
                books.stayed.setdefault(node.name, {})[why] = rest
            return given

        return noting

    rules: Rules = {node.name: at(node) for node in net.nodes if node.name in tape.saved}
    with np.errstate(invalid="ignore", over="ignore"):  # broken weights are for the map to diagnose
        gradient = net.backward(tape, seeds, wrt=net.inputs[0], rules=rules, crop=False)[net.inputs[0]]
    return gradient, books


def _product(a: Array, b: Array) -> float:
    """sum a b, added up in double precision."""
    return float((a * b).sum(dtype=np.float64))
