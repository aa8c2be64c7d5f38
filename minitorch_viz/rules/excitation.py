"""Excitation backprop: every unit hands its chance of winning to the units that excited it.

Zhang et al. 2016. A winner is drawn at the top, then one of the inputs that excited it, and so on down. The chance that
a unit is on the way is its marginal winning probability p. From unit j to its input i,

    p_i = sum_j  x_i w⁺_ij / (sum_k x_k w⁺_kj)  p_j            w⁺ = max(w, 0), and 0/0 is 0

that is  p_in = x ⊙ W⁺ᵀ(p ⊘ (W⁺ x)): the bias and inhibiting weights are left out. A maximum is won by its winner, a
mean by its inputs in proportion, a sum (residual) too. So the chances that start as 1 add up to 1 at every cut through
the net, except for what stops at units that nothing excites (their bias alone made them fire): there 0/0 ends the way.

    p = net.backward(tape, {"logits": seed}, wrt="pool2", rules=excitation_rules(net, tape))["pool2"]

Contrastive (c-MWP): the same from a unit with the opposite weights, subtracted. What excites both cancels, and what
speaks for this class rather than for any remains.
"""

from __future__ import annotations

from typing import Any

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError
from minitorch_viz.graph import Rule, Rules, Tape, local
from minitorch_viz.layers import Kind, Layer, MultiheadAttention
from minitorch_viz.net import Net
from minitorch_viz.rules.attention import AttentionRule
from minitorch_viz.rules.gates import gate_rule
from minitorch_viz.rules.lrp import epsilon, z_box
from minitorch_viz.rules.shares import by_node, input_of, pass_on, positive_part, ratio, rules_for_tape


@local
def excite(layer: Layer, p: Array, saved: object) -> Array:
    """Return p_in = x ⊙ W⁺ᵀ(p ⊘ (W⁺ x)), for Conv2d, ConvTranspose2d and Linear. Negative inputs excite no unit."""
    return _through(layer, p, saved, positive_part(layer.weight))  # type: ignore[attr-defined]  # it has weights


@local
def inhibit(layer: Layer, p: Array, saved: object) -> Array:
    """Return the same with all weights negated: the inputs that excite the unit that is against this one."""
    return _through(layer, p, saved, positive_part(-layer.weight))  # type: ignore[attr-defined]  # it has weights


def _through(layer: Layer, p: Array, saved: object, weight: Array) -> Array:
    """Share p out through a layer with other weights, none of them negative."""
    x = positive_part(input_of(layer, saved))
    z, saved_z = (linear := layer.replace(weight=weight, bias=None)).forward(x)
    shares: Array = x * linear.backward(ratio(p, z), saved_z)
    return shares


def excitation_rules(
    net: Net,
    tape: Tape,
    *,
    box: tuple[Array | float, Array | float] | None = None,
    against: str | None = None,
    rules: Rules | None = None,
) -> Rules:
    """Return the rules of excitation backprop for one tape.

    box: what stands for black and for white in the net's input, numbers or (C, 1, 1). Pixels are no activations: they
        are counted from their mean, so that the dark ones are negative. With a box the light (x - black) excites
        through positive weights and the darkness (white - x) through negative ones, which is LRP's z-box rule.
        Without it the pixels below 0 excite no unit; to stop above the first layer none is needed.
    against: a layer whose weights are negated, for the contrastive form.
    rules: {layer type or node: rule}, rules of one's own, which come before all of these.

    Batch normalization is merged into the convolution before it. An attention is won by the steps that it read. Layers
    of one's own that are functions of each value alone (activations) pass the chances on. Raises NetError for a tape of
    another net; the pass raises SettingError at layers that have no shares (Softmax, LSTM, Embedding, other layers of
    one's own).
    """
    if against is not None and net[against].layer.kind is not Kind.WEIGHS:
        raise SettingError(f"against names {against!r}, which has no weights to negate: {net[against].layer!r}.")

    def weighted(name: str) -> Rule:
        if name == against:
            return inhibit
        return z_box(*box) if box is not None and net[name].inputs[0] in net.inputs else excite

    def mixing(name: str) -> Rule:
        return epsilon(0).of_sum([positive_part(tape[source]) for source in net[name].inputs])

    node_rules = rules_for_tape(
        net,
        tape,
        weighted=weighted,
        mixing=mixing,
        norm=lambda name: pass_on,  # noqa: ARG005 (it is the same for all)
        gate=lambda kind: gate_rule(net, tape, kind, offset=False),
        user_rules=by_node(net, rules),
    )
    node_rules[MultiheadAttention] = _read
    return node_rules


def _read(layer: MultiheadAttention, p: Array, saved: MultiheadAttention.Saved) -> Any:
    """Go back to the steps that an attention read, in proportion to what of their values excites."""
    values = saved._replace(v=positive_part(saved.v))
    return AttentionRule(excite, epsilon(0))(layer, p, values)
