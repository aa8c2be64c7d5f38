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
from minitorch_viz.layers.kind import Kind
from minitorch_viz.net import Net
from minitorch_viz.rules.contributions import Stayed
from minitorch_viz.rules.shares import scales_and_shifts

ROUNDING = 1e-9  # of the relevance at a node: less than this is no amount to explain
SINGLE = 1e-5  # the same in single precision


@dataclass
class Books:
    """Hold what stayed at each node in one pass."""

    stayed: dict[str, Stayed] = field(default_factory=dict)  # {node: {why: how much}}, empty where all was handed on

    @property
    def total(self) -> float:
        """Return the sum of all that stayed."""
        return sum(sum(amounts.values()) for amounts in self.stayed.values())

    def by_cause(self) -> dict[str, dict[str, float]]:
        """Return {why: {node: how much}}, causes and nodes each in order, the largest first."""
        causes: dict[str, dict[str, float]] = {}
        for name, amounts in self.stayed.items():
            for cause, amount in amounts.items():
                causes.setdefault(cause, {})[name] = amount
        ordered = sorted(causes.items(), key=lambda cause: -sum(map(abs, cause[1].values())))
        return {cause: dict(sorted(places.items(), key=lambda place: -abs(place[1]))) for cause, places in ordered}


def with_books(net: Net, tape: Tape, rules: Rules, books: Books, user_nodes: Container[str]) -> Rules:
    """Return rules for each node of the tape that write down in `books` what the node got and did not hand on.

    user_nodes: the nodes with rules that the user gave, which are named as the cause of what these keep back.
    """
    bookkeepers: dict[Key, Rule] = {}
    for node in net.nodes:
        if node.name in tape.saved:
            cause = "biases" if "bias" in node.layer.params else "what the layer gives for an input of 0"
            cause = "a rule of one's own" if node.name in user_nodes else cause
            bookkeepers[node.name] = _with_account(rule_for(node, rules), books.stayed.setdefault(node.name, {}), cause)
    return bookkeepers


def _with_account(rule: Rule | None, stayed: Stayed, cause: str) -> Rule:
    def noting(layer: Any, r: Array, saved: Any) -> Any:
        stayed_before = sum(stayed.values())
        shares = rule(layer, r, saved) if rule else layer.backward(r, saved)
        handed = sum(float(share.sum()) for share in (shares if isinstance(shares, tuple) else (shares,)))
        difference = float(r.sum()) - handed - (sum(stayed.values()) - stayed_before)
        small = ROUNDING * float(kernels.to_cpu(abs(r).sum()))
        if difference:
            entry = "rounding" if abs(difference) <= small else cause
            stayed[entry] = stayed.get(entry, 0.0) + difference
        return shares

    return noting


def gradient_books(net: Net, tape: Tape, seeds: Mapping[str, Array]) -> tuple[Array, Books]:
    """Return the gradient (K, ...) at the net's first input, and the books of gradient times input.

    The books hold at each node what its value y and its input x account for differently. With g the gradients,
    <g_y, y> - <g_x, x> is 0 for what is linear without a bias, and for ReLU, maximum and whatever else doubles with its
    input (Euler). Elsewhere it is the bias's part, or the intercept of the tangent.
    tape: of one image, every node with its value.
    """
    books = Books()

    def at(node: Node) -> Rule:
        def noting(layer: Any, dy: Array, saved: Any) -> Any:
            gradient = layer.backward(dy, saved)
            parts = gradient if isinstance(gradient, tuple) else (gradient,)
            output_side = _product(dy, tape[node.name])
            difference = output_side - sum(
                _product(dx, tape[name]) for dx, name in zip(parts, node.inputs, strict=False)
            )
            linear = layer.kind in (Kind.WEIGHS, Kind.SUMS, Kind.SELECTS) or scales_and_shifts(layer)
            small = SINGLE * abs(dy * tape[node.name]).sum()
            cause = "rounding" if abs(difference) <= small else "biases" if linear else "curved layers"
            if difference:
                books.stayed.setdefault(node.name, {})[cause] = difference
            return gradient

        return noting

    rules: Rules = {node.name: at(node) for node in net.nodes if node.name in tape.saved}
    with np.errstate(invalid="ignore", over="ignore"):  # broken weights are for the map to diagnose
        gradient = net.backward(tape, seeds, wrt=net.inputs[0], rules=rules, crop=False)[net.inputs[0]]
    return gradient, books


def _product(a: Array, b: Array) -> float:
    """Return sum a b, added up in double precision."""
    return float((a * b).sum(dtype=np.float64))
