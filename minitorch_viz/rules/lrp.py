"""Layer-wise relevance propagation: the score is handed down to the pixels, layer by layer, nothing added or lost.

Bach et al. 2015; the rules as in the overview by Montavon et al. 2019. A unit j of a layer z_j = sum_i x_i w_ij + b_j
has the relevance R_j, and input i gets its share of it:

    epsilon     R_i = sum_j  x_i w_ij / (z_j ± epsilon)  R_j           epsilon 0 is the basic rule, LRP-0
    gamma       the same with w + gamma w⁺ (and b): what speaks for is favoured over what speaks against
    alpha-beta  R_i = sum_j  (alpha (x_i w_ij)⁺ / z⁺_j  -  beta (x_i w_ij)⁻ / z⁻_j)  R_j      with alpha - beta = 1
    z-box       (x_i w_ij - l_i w⁺_ij - h_i w⁻_ij) in place of x_i w_ij, for pixels between l and h

Two things take relevance away: the bias's share b_j / z_j stays at the bias, and epsilon absorbs a little. The input's
relevance is therefore the score less what stayed; for a net without biases and epsilon 0 it is the score itself. On a
net of ReLUs LRP-0 is nothing else than gradient x input.

    R = net.backward(tape, {"logits": scores * one_hot}, rules=composite(net, tape, low, high))["input"]
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError
from minitorch_viz.graph import Rule, Rules, Tape, local
from minitorch_viz.layers import Linear
from minitorch_viz.net import Net
from minitorch_viz.rules.shares import (
    WEIGHTED,
    away_from_zero,
    input_of,
    negative_part,
    positive_part,
    ratio,
    rules_for_tape,
)

EPSILON = 1e-9  # keeps a quotient finite and changes nothing that one could see


def epsilon(value: float = EPSILON) -> Rule:
    """LRP-epsilon: shares of z = x W + b, with |z| larger by `value` (in z's units), which damps weak, noisy units."""
    value = _at_least("epsilon", value, 0.0)

    @local
    def rule(layer: Any, r: Array, saved: object) -> Array:
        x = input_of(layer, saved)
        z, seen = layer.forward(x)
        shares: Array = x * layer.backward(_quotient(r, z, value), seen)
        return shares

    return rule


def gamma(value: float = 0.25) -> Rule:
    """LRP-gamma: contributions that speak for a unit count 1 + gamma times. Large gammas come to alpha-beta(1)."""
    value = _at_least("gamma", value, 0.0)

    @local
    def rule(layer: Any, r: Array, saved: object) -> Array:
        x = input_of(layer, saved)
        z, seen = layer.forward(x)
        favoured, extra = _parts(layer, x, positive_part)
        s = _quotient(r, z + value * extra, EPSILON)
        shares: Array = x * layer.backward(s, seen)
        for part, linear, seen in favoured:
            shares = shares + value * part * linear.backward(s, seen)
        return shares

    return rule


def alpha_beta(alpha: float = 2.0) -> Rule:
    """LRP-alpha-beta: what speaks for a unit gets alpha of its relevance, what speaks against it -beta = 1 - alpha.

    alpha 1 is the z⁺ rule. A unit for (or against) which nothing speaks hands all to the other side, so that nothing
    is lost there.
    """
    alpha = _at_least("alpha", alpha, 1.0)

    @local
    def rule(layer: Any, r: Array, saved: object) -> Array:
        x = input_of(layer, saved)
        pro, z_pro = _parts(layer, x, positive_part)
        if alpha == 1:
            return _sum(pro, _quotient(r, z_pro, 0.0))
        con, z_con = _parts(layer, x, negative_part)
        to_pro = np.where(z_con == 0, 1.0, alpha).astype(r.dtype)
        to_con = np.where(z_pro == 0, 1.0, 1.0 - alpha).astype(r.dtype)
        return _sum(pro, ratio(to_pro * r, z_pro)) + _sum(con, ratio(to_con * r, z_con))

    return rule


def z_box(low: Array | float, high: Array | float) -> Rule:
    """The z-box rule, for the layer that reads pixels: shares of what lies above the darkest a pixel could be.

    low, high: a number or (C, 1, 1), the least and the largest value of the net's input (black and white).
    """
    if not np.all(np.asarray(low) <= 0) or not np.all(np.asarray(high) >= 0):
        raise SettingError(f"A z-box holds the value 0 (low <= 0 <= high), but got low {low} and high {high}.")

    def rule(layer: Any, r: Array, saved: object) -> Array:
        x = input_of(layer, saved)
        limits = (kernels.to_device(np.asarray(limit, x.dtype), kernels.device_of(x)) for limit in (low, high))
        lows, highs = (np.zeros_like(x) + limit for limit in limits)
        plain = layer.replace(bias=None)
        up = plain.replace(weight=positive_part(layer.weight))
        down = plain.replace(weight=negative_part(layer.weight))
        passes = [(x, plain, 1), (lows, up, -1), (highs, down, -1)]
        done = [(sign * part, linear, *linear.forward(sign * part)) for part, linear, sign in passes]
        s = _quotient(r, sum(z for _, _, z, _ in done), EPSILON)
        shares: Array = sum(part * linear.backward(s, seen) for part, linear, _, seen in done)
        return shares

    same_everywhere = all(set(np.shape(limit)[-2:]) <= {1} for limit in (low, high))
    return local(rule) if same_everywhere else rule


def lrp_rules(net: Net, tape: Tape, rule: Rule | None = None, at: Mapping[str, Rule] | None = None) -> Rules:
    """The rules of LRP for one tape.

    rule: for every layer with weights; None is `epsilon()`. at: {node: another rule} for some of them.

    Means and sums share in proportion, a maximum is its winner's, gates and local response normalization pass on.
    Batch normalization is merged into the convolution before it; elsewhere it is a linear layer of its own. Raises
    NetError for an unknown node; the pass raises SettingError at layers without shares (Softmax, LSTM, ...).
    """
    chosen, places = rule or epsilon(), at or {}
    for name in places:
        if not isinstance(net[name].layer, WEIGHTED):
            raise SettingError(f"LRP's rules are for layers with weights, but {name!r} is {net[name].layer!r}.")
    return rules_for_tape(net, tape, lambda name: places.get(name, chosen), epsilon(), lambda x: x, EPSILON)


def composite(
    net: Net,
    tape: Tape,
    low: Array | float,
    high: Array | float,
    middle: Rule | None = None,
    upper: Rule | None = None,
) -> Rules:
    """The usual mixture: z-box where the pixels are read, `middle` in the convolutions, `upper` in the dense layers.

    middle: None is `gamma()`. upper: None is `epsilon()`; the last layer with weights counts as dense.
    """
    weighted = [node for node in net.nodes if isinstance(node.layer, WEIGHTED) and node.name in tape.saved]
    upper, middle = upper or epsilon(), middle or gamma()
    at = {}
    for node in weighted:
        if node.inputs[0] in net.inputs:
            at[node.name] = z_box(low, high)
        elif node is weighted[-1] or isinstance(node.layer, Linear):
            at[node.name] = upper
        else:
            at[node.name] = middle
    return lrp_rules(net, tape, upper, at)


Part = tuple[Array, Any, Any]  # a part of the input, the layer with a part of its weights, and what its forward saved


def _parts(layer: Any, x: Array, side: Any) -> tuple[list[Part], Array]:
    """The contributions x_i w_ij of one sign and their sums, the bias's included, without a bias in the layers.

    side: `positive_part` or `negative_part`. Where inputs are negative too, two passes: x⁺ with one part of the
    weights, x⁻ with the other.
    """
    other = negative_part if side is positive_part else positive_part
    bare = layer.replace(bias=None)
    pairs = [(positive_part(x), bare.replace(weight=side(layer.weight)))]
    if (x < 0).any():
        pairs.append((negative_part(x), bare.replace(weight=other(layer.weight))))
    done = [(part, linear, *linear.forward(part)) for part, linear in pairs]
    z: Array = sum(z for _, _, z, _ in done)
    if layer.bias is not None:
        z = z + side(layer.bias).reshape(-1, *[1] * (z.ndim - 2) if not isinstance(layer, Linear) else [])
    return [(part, linear, seen) for part, linear, _, seen in done], z


def _sum(parts: list[Part], s: Array) -> Array:
    shares: Array = sum(part * linear.backward(s, seen) for part, linear, seen in parts)
    return shares


def _quotient(r: Array, z: Array, value: float) -> Array:
    return ratio(r, away_from_zero(z, value) if value else z)


def _at_least(what: str, value: float, least: float) -> float:
    fits = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    if not fits or not np.isfinite(value) or value < least:
        raise SettingError(f"LRP's {what} must be a finite number of at least {least:g}, but got {value!r}.")
    return float(value)
