"""The shares of an attention: how much a step reads of each is taken for given, and what it reads gets the shares.

    y = out_proj of o        o[t] = sum over s of p[t, s] v[s]        v = W x + b

An attention multiplies signals: the p depend on the input, too. As the factor of a product says how much of a signal
counts, so does p: it is held fixed as a weight is, and queries and keys get nothing. Then the layer is linear, three
steps one behind the other, and each hands down by a rule for layers with weights or, in the middle, for sums. Nothing
is lost but at the biases.

Ali et al. 2022, "XAI for transformers: better explanations through conservative propagation". (Achtibat et al. 2024,
AttnLRP, share the product out to p and v in halves and go on to queries and keys, by a rule that does not conserve
shares through the softmax exactly.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from minitorch_viz._types import Array
from minitorch_viz.graph import Rule
from minitorch_viz.layers import Kind, Layer, Linear, MultiheadAttention
from minitorch_viz.layers.base import Nothing
from minitorch_viz.rules.contributions import SharingRule, SplitRule, Stayed, booked
from minitorch_viz.rules.shares import expect_whole


@dataclass(eq=False)
class AttentionRule(SharingRule):
    """Hand shares down through the values that an attention read; queries and keys get none."""

    weighted: Rule  # through the two projections
    summed: SplitRule  # through the sums of what was read

    def hand_down(self, layer: MultiheadAttention, r: Array, saved: Any, stayed: Stayed) -> Any:
        expect_whole(layer, r, saved.o)
        through = booked(self.weighted, stayed)
        *_, (weight, bias) = layer.projections()
        outer, inner = Linear(layer.out_proj_weight, layer.out_proj_bias), Linear(weight, bias)
        answers = layer.split(through(outer, r, Linear.Saved(saved.o)))
        values = self.summed.of_sum([saved.v]).hand_down(_Reading(saved.p), answers, Nothing(), stayed)
        shares = through(inner, layer.joined(values), Linear.Saved(saved.value))
        if not saved.crossed:
            return shares
        nothing = shares * 0
        return nothing[:, :1].repeat(saved.x.shape[1], axis=1), nothing, shares


@dataclass(frozen=True, eq=False, repr=False)
class _Reading(Layer):
    """Add up what each step reads: v (N, heads, S, D) -> p v (N, heads, T, D), with fixed p (N, heads, T, S)."""

    p: Array

    kind: ClassVar[Kind] = Kind.SUMS

    def forward(self, x: Array) -> tuple[Array, Nothing]:
        return self.p @ x, Nothing()

    def backward(self, dy: Array, saved: Nothing) -> Array:  # noqa: ARG002 (a linear layer: its gradient needs no x)
        return self.p.swapaxes(2, 3) @ dy
