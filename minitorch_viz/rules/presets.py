"""LRP's rules for a whole net: one rule everywhere, or the composite of Montavon et al., which mixes them."""

from __future__ import annotations

from collections.abc import Mapping

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError
from minitorch_viz.graph import Rule, Rules, Tape, rule_for
from minitorch_viz.layers import MultiheadAttention, Sigmoid
from minitorch_viz.layers.kind import Kind
from minitorch_viz.net import Net
from minitorch_viz.rules.accounts import Books, with_books
from minitorch_viz.rules.attention import AttentionRule
from minitorch_viz.rules.contributions import SplitRule, Stayed, booked
from minitorch_viz.rules.gates import gate_rule
from minitorch_viz.rules.lrp import epsilon, gamma, z_box
from minitorch_viz.rules.shares import by_node, no_rule_for, rules_for_tape
from minitorch_viz.rules.statistics import NORMS, StatisticsRule

FINE = 5  # maps of more than a fifth of the picture's sides are fine: halved twice, not three times


def lrp_rules(
    net: Net,
    tape: Tape,
    rule: Rule | None = None,
    at: Mapping[str, Rule] | None = None,
    *,
    rules: Rules | None = None,
    books: Books | None = None,
) -> Rules:
    """Return the rules of LRP for one tape.

    rule: for every layer with weights, and for means and sums; None is `epsilon()`. at: {node: another rule} for some
        of those with weights.
    rules: {layer type or node: rule}, rules of one's own, which come before all of these.
    books: the pass fills it with what stayed at each node; see `Books`.

    A maximum is its winner's, gates and local response normalization pass on; of a product the signal gets all, and its
    factor none. Batch normalization is merged into the convolution before it; elsewhere it is a linear layer of its
    own. Normalizations by the input's own statistics and attention are linear with fixed factors. Raises NetError for
    an unknown node; the pass raises SettingError at layers without shares (Softmax, LSTM, ...).
    """
    chosen, places = rule or epsilon(), at or {}
    for name in places:
        if net[name].layer.kind is not Kind.WEIGHS:
            raise SettingError(f"LRP's rules are for layers with weights, but {name!r} is {net[name].layer!r}.")
    user_rules = by_node(net, rules)
    stayed: dict[str, Stayed] = {} if books is None else books.stayed

    def with_account(rule: Rule, name: str) -> Rule:
        return rule if books is None else booked(rule, stayed.setdefault(name, {}))

    def of_sum(rule: SplitRule, name: str) -> Rule:
        return rule.of_sum([tape[source] for source in net[name].inputs])

    for name, user_rule in user_rules.items():
        mixes = net[name].layer.kind is Kind.SUMS and name in tape.saved
        user_rules[name] = with_account(
            of_sum(user_rule, name) if mixes and isinstance(user_rule, SplitRule) else user_rule, name
        )
    # Epsilon damps weak sums of many weights; a mean or a sum of a few branches is divided as it is.
    for_sums = chosen if isinstance(chosen, SplitRule) and not chosen.whole else epsilon(0)
    node_rules = rules_for_tape(
        net,
        tape,
        weighted=lambda name: with_account(places.get(name, chosen), name),
        mixing=lambda name: with_account(of_sum(for_sums, name), name),
        norm=lambda name: with_account(epsilon(0), name),
        gate=lambda kind: gate_rule(net, tape, kind),
        user_rules=user_rules,
    )
    node_rules[Sigmoid] = gate_rule(net, tape, Sigmoid)
    whole = chosen if isinstance(chosen, SplitRule) else epsilon()
    factors: Rules = {MultiheadAttention: AttentionRule(whole, for_sums), **{norm: StatisticsRule() for norm in NORMS}}
    for node in net.nodes:
        if node.name in tape.saved and node.name not in user_rules and (fixed := rule_for(node, factors)):
            node_rules[node.name] = with_account(fixed, node.name)
    return node_rules if books is None else with_books(net, tape, node_rules, books, user_rules)


def composite(
    net: Net,
    tape: Tape,
    low: Array | float,
    high: Array | float,
    middle: Rule | None = None,
    upper: Rule | None = None,
    *,
    rules: Rules | None = None,
    books: Books | None = None,
) -> Rules:
    """Return the mixture of Montavon et al. 2019: z-box at the pixels, `middle` in the lower layers, `upper` above.

    Gamma everywhere would give nearly one map for every class: high up, what excites a unit at all is much the same for
    all of them. So the paper's VGG-16 has gamma in the first three blocks of convolutions, 7 of its 16 layers with
    weights, and epsilon from there on. Here, for any net, `middle` is for the convolutions

        below half of the depth (the layers with weights on the longest way from the input), or
        whose maps are not yet coarse: more than a fifth of the picture's sides,

    save the last layer with weights; of VGG-16 either says the paper's layers. Small nets often stop where a large
    one's lower layers do.

    low, high: black and white in the net's input, as for `z_box`. middle: None is `gamma()`. upper: None is
        `epsilon()`; the paper takes a quarter of the layer's root mean square for epsilon, which keeps most of the
        score back. rules, books: as for `lrp_rules`.
    """
    upper, middle = upper or epsilon(), middle or gamma()
    depths = depths_of(net, tape)
    depth_of_net = max(depths.values(), default=0)
    picture = tape[net.inputs[0]].shape[2:]
    at: dict[str, Rule] = {}
    for name, depth in depths.items():
        if net[name].layer.kind is not Kind.WEIGHS:
            continue
        fine = all(
            FINE * side > picture_side for side, picture_side in zip(tape[name].shape[2:], picture, strict=False)
        )
        if net[name].inputs[0] in net.inputs:
            at[name] = z_box(low, high)
        elif depth < depth_of_net and (2 * depth < depth_of_net or fine) and net[name].layer.has_filters:
            at[name] = middle
        else:
            at[name] = upper
    return lrp_rules(net, tape, upper, at, rules=rules, books=books)


def depths_of(net: Net, tape: Tape) -> dict[str, int]:
    """Return {node on the tape: how many layers with weights are on the longest way from the input to it, with it}."""
    depths: dict[str, int] = {}
    for node in net.nodes:
        if node.name in tape.saved:
            depth_below = max((depths.get(name, 0) for name in node.inputs), default=0)
            depths[node.name] = depth_below + (node.layer.kind is Kind.WEIGHS)
    return depths


def passed_through(net: Net, tape: Tape, rules: Rules | None = None) -> tuple[str, ...]:
    """Return the types of layers on the tape without a rule, here or in `rules`: they count as activations."""
    user_rules = by_node(net, rules)
    type_names = (
        node.layer.type_name
        for node in net.nodes
        if node.name in tape.saved and node.name not in user_rules and no_rule_for(node)
    )
    return tuple(dict.fromkeys(type_names))
