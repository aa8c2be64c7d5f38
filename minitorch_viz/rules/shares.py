"""What rules that hand out shares have in common: a unit's value is split among what made it.

Excitation backprop and LRP both go back through a linear layer z_j = sum_i x_i w_ij in the same three steps. A unit j
has r_j to hand out, and input i gets the share that it contributed:

    s_j = r_j / z_j        what each unit hands out for a contribution of 1
    c_i = sum_j w_ij s_j   the layer's own backward pass
    r_i = x_i c_i          so that sum_i r_i = sum_j r_j: nothing is lost

So a layer's forward and backward do the work, with weights changed as the rule says; only x is needed besides. Layers
with weights have saved it. An average or a sum needs no x for its gradient and saved none: their rules are made for
one tape and take the inputs from there.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from typing import Any, Never

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.checks import checked_rules
from minitorch_viz.errors import SettingError
from minitorch_viz.graph import Key, Node, Rule, Rules, Tape, is_local, local, readers, rule_for
from minitorch_viz.layers import (
    GRU,
    LSTM,
    RNN,
    BatchNorm2d,
    Concat,
    Dropout,
    Embedding,
    Flatten,
    Layer,
    LeakyReLU,
    LocalResponseNorm,
    LogSoftmax,
    MaxPool2d,
    Mul,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
    UpsampleNearest,
    folded,
)
from minitorch_viz.layers.kind import Kind
from minitorch_viz.net import Net


def ratio(r: Array, z: Array) -> Array:
    """Return r / z, and 0 where z is 0: a unit without contributions has no input to hand a share to."""
    nothing = z == 0
    share: Array = np.where(nothing, 0, r / np.where(nothing, 1, z))
    return share


def away_from_zero(z: Array, epsilon: float) -> Array:
    """Move z by epsilon away from 0 (0 itself upwards), so that a quotient stays bounded."""
    divisor: Array = z + np.where(z < 0, -epsilon, epsilon).astype(z.dtype)
    return divisor


def input_of(layer: Layer, saved: object) -> Array:
    """Return the input (N, ...) of a layer that saved it, as it was before any padding."""
    if getattr(saved, "values", 0):
        raise SettingError(
            "This tape was made with rng=, so that batch normalization mixed the images of the batch and nobody's "
            "share is its own; run net.forward without rng."
        )
    return layer.input_of(saved)


def expect_whole(layer: Layer, r: Array, like: Any) -> None:
    """Raise a sentence unless the relevance r is for a whole map, shaped like the layer's output on the rules' tape."""
    if like is None or r.shape[1:] != like.shape[1:]:
        raise SettingError(
            f"The shares of {layer.type_name} need its whole map, but the pass carries {r.shape[1:]}; go back "
            "over the tape that the rules were made for."
        )


def positive_part(x: Array) -> Array:
    """Return max(x, 0)."""
    return np.maximum(x, 0)


def negative_part(x: Array) -> Array:
    """Return min(x, 0)."""
    return np.minimum(x, 0)


@local
def pass_on(layer: Layer, r: Array, saved: object) -> Array:  # noqa: ARG001 (every rule has this signature)
    """Give all of a value's share to the input at the same place: gates, normalizations, dropout in use."""
    return r


@local
def as_gradient(layer: Layer, r: Array, saved: object) -> Array | tuple[Array, ...]:
    """Carry the shares as the gradient: values are only moved, or one of them wins."""
    shares: Array | tuple[Array, ...] = layer.backward(r, saved)
    return shares


def pass_to_first(layer: Mul, r: Array, saved: Mul.Saved) -> tuple[Array, Array]:  # noqa: ARG001 (every rule has this signature)
    """Give all to the value that was scaled: its factor says how much of a signal counts, as a weight does.

    Arras et al. 2017, "Explaining recurrent neural network predictions" ("signal take all").
    """
    return r, np.zeros_like(r, shape=(len(r), *saved.factor.shape[1:]))


def refuse(reason: str) -> Rule:
    """Return a rule that raises one sentence saying why there is none."""

    def rule(layer: Layer, r: Array, saved: object) -> Never:  # noqa: ARG001 (every rule has this signature)
        raise SettingError(f"Shares cannot be carried back through {layer.type_name}: {reason}.")

    return rule


def refuse_unless_factor(layer: Softmax, r: Array, saved: Softmax.Saved) -> Array:
    """Refuse a probability, unless nothing came to it: what weighs a signal, as the factor of a product, has no share.

    SettingError otherwise.
    """
    if r.any():
        refuse("a probability is no sum of shares of the scores; start at the scores, the node before it")(
            layer, r, saved
        )
    return layer.backward(r, saved)


def unknown(layer: Layer, r: Array, saved: object) -> Never:  # noqa: ARG001 (every rule has this signature)
    """Raise SettingError for a layer of which no rule is known."""
    kind = layer.type_name
    raise SettingError(
        f"Shares cannot be carried back through {kind}: no rule is known for this layer, and it is no function of each "
        f"value alone; give one with rules={{{kind}: rule}}, where rule(layer, r, saved) returns the shares of its "
        "input."
    )


# What is the same for every way of sharing; by kind for layers that are not named. `Layer`: nothing is known of it.
COMMON: Rules = {
    ReLU: pass_on,
    LeakyReLU: pass_on,
    Sigmoid: pass_on,
    Tanh: pass_on,
    Dropout: pass_on,
    LocalResponseNorm: pass_on,  # its neighbours only scale it
    Mul: pass_to_first,
    MaxPool2d: as_gradient,
    UpsampleNearest: as_gradient,
    Flatten: as_gradient,
    Concat: as_gradient,
    Softmax: refuse_unless_factor,
    LogSoftmax: refuse("a log-probability is no sum of shares of the scores; start at the scores, the node before it"),
    Embedding: refuse("a word's number has no shares; stop at the embedding's output with wrt="),
    GRU: refuse("its gates multiply signals, and no rule for products is kept here; stop at its output with wrt="),
    RNN: refuse("each step is made of all before it, and no rule for that is kept here; stop at its output with wrt="),
    LSTM: refuse("its gates multiply signals, and no rule for products is kept here; stop at its output with wrt="),
    Kind.SELECTS: as_gradient,
    Kind.SCALES: pass_on,
    Layer: unknown,
}


def rules_for_tape(
    net: Net,
    tape: Tape,
    *,
    weighted: Callable[[str], Rule],
    mixing: Callable[[str], Rule],
    norm: Callable[[str], Rule],
    gate: Callable[[type[Layer]], Rule],
    user_rules: Mapping[str, Rule],
) -> dict[Key, Rule]:
    """Return the rules of a whole net for one tape: COMMON, and what depends on the node.

    weighted: node -> the rule of that layer with weights; it is called with the batch normalization that follows
        merged in. mixing: node -> the rule of that mean or sum. norm: node -> the rule of that batch normalization,
        which follows no convolution. gate: type -> the rule of such layers, which are not in COMMON.
    user_rules: {node: rule}, before all others. A rule given for a batch normalization keeps it unmerged.
    """
    for name in net.inputs:
        tape[name]  # NetError if the tape is of another net
    rules: dict[Key, Rule] = dict(COMMON)
    merged = merged_norms(net, unmerged=user_rules)
    for node in net.nodes:
        if node.name not in tape.saved:
            continue
        if node.layer.kind is Kind.WEIGHS:
            share = user_rules.get(node.name) or weighted(node.name)
            rules[node.name] = in_place_of(share, merged[node.name]) if node.name in merged else share
        elif node.name in user_rules:
            rules[node.name] = user_rules[node.name]
        elif node.layer.kind is Kind.SUMS:
            rules[node.name] = mixing(node.name)
        elif scales_and_shifts(node.layer):
            rules[node.name] = pass_on if node.inputs[0] in merged else norm(node.name)
        elif _unlisted(node):
            rules[type(node.layer)] = gate(type(node.layer))
    return rules


def scales_and_shifts(layer: Any) -> bool:
    """Return whether a layer in use multiplies each channel by a constant and adds another: batch normalization."""
    return isinstance(layer, BatchNorm2d)


def no_rule_for(node: Node) -> bool:
    """Return whether nothing is known of this layer, not even that it is a function of each value alone."""
    return _unlisted(node) and node.layer.kind is not Kind.GATES


def _unlisted(node: Node) -> bool:
    """Return whether neither COMMON nor the rules of weights and sums name a rule for this layer."""
    has_rule = node.layer.kind in (Kind.WEIGHS, Kind.SUMS) or scales_and_shifts(node.layer)
    return not has_rule and rule_for(node, COMMON) is unknown


def by_node(net: Net, rules: Rules | None) -> dict[str, Rule]:
    """Return {node: the rule given for it or for its type}; NetError for a wrong key, SettingError for a wrong rule."""
    checked = checked_rules(rules, [node.name for node in net.nodes])
    for key, rule in checked.items():
        if not callable(rule):
            raise SettingError(f"A rule is a function (layer, r, saved) -> shares, but for {key!r} it is {rule!r}.")
    node_rules = {node.name: rule_for(node, checked) for node in net.nodes}
    return {name: rule for name, rule in node_rules.items() if rule is not None}


def in_place_of(rule: Rule, merged: Layer) -> Rule:
    """Return the same rule, with `merged` in place of the layer that it is called for."""

    def rule_of_merged(layer: Layer, r: Array, saved: object) -> Array:  # noqa: ARG001 (every rule has this signature)
        shares: Array = rule(merged, r, saved)
        return shares

    return local(rule_of_merged) if is_local(rule) else rule_of_merged


def merged_norms(net: Net, unmerged: Container[str] = ()) -> dict[str, Layer]:
    """Return {convolution: the one layer that it and the batch normalization that alone reads it make together}.

    A normalization may turn a channel's sign around: only together do the two say what excites a unit. Those in
    `unmerged` stay by themselves.
    """
    reading = readers(net.nodes)
    merged: dict[str, Layer] = {}
    for node in net.nodes:
        source = node.inputs[0]
        if source in net and len(reading[source]) == 1 and node.name not in unmerged:
            layer = folded(net[source].layer, node.layer)
            if layer is not None:
                merged[source] = layer
    return merged
