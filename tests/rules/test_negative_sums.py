"""LRP where sums are negative, and through layers of one's own: whole nets against the formulas, and the books."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from minitorch_viz import Net
from minitorch_viz.layers import Add, BatchNorm2d, Conv2d, Layer, Linear, Nothing, ReLU
from minitorch_viz.rules import Books, alpha_beta, composite, epsilon, excitation_rules, gamma, lrp_rules
from tests.rules.share_nets import ACTIVATIONS, Gelu, Softplus, Swish, relevance_slowly, signed_net

RULES = {
    "epsilon": (epsilon(0.1), ("epsilon", 0.1)),
    "gamma": (gamma(0.25), ("gamma", 0.25)),
    "alpha-beta": (alpha_beta(2), ("alpha-beta", 2)),
    "alpha 1": (alpha_beta(1), ("alpha-beta", 1)),
}
SIGNS = {"a positive score": np.argmax, "a negative score": np.argmin}


def seed_at(tape, pick, top: str = "fc") -> dict[str, np.ndarray]:
    seed = np.zeros_like(tape[top])
    seed.flat[pick(tape[top])] = 1
    return {top: seed * tape[top]}


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_whole_net_is_the_formulas_on_explicit_matrices(activation, rule, sign, rng) -> None:
    net = signed_net(rng, ACTIVATIONS[activation])
    tape = net.forward(rng.standard_normal((1, 2, 6, 6)))
    seed, books = seed_at(tape, SIGNS[sign]), Books()
    value = seed["fc"].sum()
    assert (value > 0) == (sign == "a positive score")
    nodes = list(net.names)
    ours = net.backward(tape, seed, wrt=nodes, rules=lrp_rules(net, tape, RULES[rule][0], books=books))
    expected = relevance_slowly(net, tape, RULES[rule][1], seed)
    for node in nodes:
        scale = np.abs(expected[node]).max()
        np.testing.assert_allclose(ours[node].ravel(), expected[node], rtol=1e-8, atol=1e-9 * scale, err_msg=node)
    assert ours["input"].sum() + books.total == pytest.approx(value, rel=1e-10)
    head = sum(books.stayed["fc"].values())
    assert ours["flat"].sum() + head == pytest.approx(value, rel=1e-10)


# Two branches that nearly, or quite, cancel, before a ReLU or not, and a last weight of either sign: (branch, shortcut)
RESIDUAL = {
    "a negative branch": ((2.0, -3.5, 0.0), (2.5, 0.0, 0.0)),
    "a branch of the factor at which gamma's old sum was 0": ((4.0, -5.0, 0.0), (0.0, 3.0, 0.0)),
    "branches that nearly cancel": ((1.0, 1.0, -3.0), (0.0, 1.0, 0.001)),
    "a branch without sum": ((1.0, -1.0, 0.0), (0.0, 0.0, 2.0)),
    "all below 0": ((-1.0, -2.0, 0.0), (0.0, 0.0, -0.5)),
    "large against small": ((1000.0, -999.0, 0.0), (0.0, -0.5, 0.0)),
}


@pytest.mark.parametrize("last", [1.0, -2.0])
@pytest.mark.parametrize("case", RESIDUAL)
def test_shares_through_a_residual_sum_stay_bounded(case, last) -> None:
    """Every share is at most the product of the weights' magnitudes along its ways times what gamma or alpha allow."""
    branch, short = (np.array(one).reshape(1, 3, 1, 1) for one in RESIDUAL[case])
    net = Net(
        [
            ("pixels", Conv2d(np.eye(3).reshape(3, 3, 1, 1))),
            ("branch", Conv2d(branch)),
            ("short", Conv2d(short), ("pixels",)),
            ("sum", Add(), ("branch", "short")),
            ("last", Conv2d(np.full((1, 1, 1, 1), last))),
        ]
    )
    tape = net.forward(np.ones((1, 3, 1, 1)))
    seed = {"last": tape["last"]}
    most = (np.abs(branch) + np.abs(short)).sum() * abs(last)
    for rule, gain in [(epsilon(0), 1), (gamma(0.25), 1.25**3), (alpha_beta(2), 27), (alpha_beta(1), 1)]:
        shares = net.backward(tape, seed, rules=lrp_rules(net, tape, rule))["input"]
        assert np.abs(shares).sum() <= gain * most
        assert shares.sum() == pytest.approx(tape["last"].item(), rel=1e-9, abs=1e-12)
    mixed = net.backward(tape, seed, rules=composite(net, tape, -1.0, 2.0))["input"]
    assert mixed.sum() == pytest.approx(tape["last"].item(), rel=1e-5)


def test_by_hand() -> None:
    """gamma 0.25: at the sum 3 and -1 make 2, D = 2.75; at the branch 4 and -5 make -1, D = -2.25."""
    net = Net(
        [
            ("branch", Linear(np.array([[4.0, -5.0]]))),
            ("short", Linear(np.array([[3.0, 0.0]])), ("input",)),
            ("sum", Add(), ("branch", "short")),
        ]
    )
    tape = net.forward(np.ones((1, 2)))
    shares = net.backward(tape, {"sum": tape["sum"]}, rules=lrp_rules(net, tape, gamma(0.25)))["input"]
    to_branch, to_short = -1 / 2.75 * 2, 3.75 / 2.75 * 2
    first, second = 4 / -2.25 * to_branch + to_short, -6.25 / -2.25 * to_branch
    np.testing.assert_allclose(shares, [[first, second]], rtol=1e-12)
    assert first + second == pytest.approx(2)


@pytest.mark.parametrize("rule", RULES)
def test_the_sign_of_a_sum_does_not_matter(rule, rng) -> None:
    """A layer with all weights and biases negated divides the relevance of each unit in the same parts."""
    conv = Conv2d(rng.standard_normal((3, 2, 3, 3)), rng.standard_normal(3), padding=1)
    negated = conv.replace(weight=-conv.weight, bias=-conv.bias)
    x, r = rng.standard_normal((1, 2, 5, 5)), rng.standard_normal((1, 3, 5, 5))
    shares = [RULES[rule][0](layer, r, layer.forward(x)[1]) for layer in (conv, negated)]
    np.testing.assert_allclose(*shares, rtol=1e-12)


# ---------------------------------------------------------------------- layers of one's own


@dataclass(frozen=True, eq=False, repr=False)
class SwapChannels(Layer):
    """It says that it is pixelwise, and so it is; but a channel's share belongs to another channel."""

    pixelwise = True
    Saved = Nothing

    def forward(self, x):
        return x[:, ::-1].copy(), Nothing()

    def backward(self, dy, saved):  # noqa: ARG002 (the signature of every layer)
        return dy[:, ::-1].copy()


@dataclass(frozen=True, eq=False, repr=False)
class PixelNorm(Layer):
    """Each pixel's channels, divided by their norm."""

    pixelwise = True

    def forward(self, x):
        return x / np.sqrt((x * x).sum(axis=1, keepdims=True)), x

    def backward(self, dy, x):
        n = np.sqrt((x * x).sum(axis=1, keepdims=True))
        return dy / n - x * (dy * x).sum(axis=1, keepdims=True) / n**3


@dataclass(frozen=True, eq=False, repr=False)
class ForwardOnly(Layer):
    def forward(self, x):
        return np.maximum(x, 0), x


def own_net(rng, layer: Layer) -> tuple[Net, np.ndarray]:
    conv, last = Conv2d(rng.standard_normal((4, 2, 3, 3))), Conv2d(np.ones((1, 4, 2, 2)))
    net = Net([("conv", conv), ("own", layer), ("last", last)])
    return net, rng.standard_normal((1, 2, 4, 4))


@pytest.mark.parametrize("layer", [SwapChannels(), PixelNorm(), ForwardOnly()], ids=lambda layer: type(layer).__name__)
@pytest.mark.parametrize("rules_of", [lrp_rules, excitation_rules])
def test_a_layer_that_is_no_activation_needs_a_rule_and_takes_it(layer, rules_of, rng) -> None:
    net, x = own_net(rng, layer)
    tape = net.forward(x)
    kind, wrt = type(layer), ("conv", "own")
    run = lambda own: net.backward(tape, {"last": tape["last"]}, rules=rules_of(net, tape, rules=own), wrt=wrt)
    with pytest.raises(ValueError, match=rf"{kind.__name__}: no rule is known .* rules={{{kind.__name__}: rule}}"):
        run(None)
    rule = lambda layer, r, saved: r[:, ::-1].copy()
    for own in ({kind: rule}, {"own": rule}, {Layer: gamma(), "own": rule}):
        shares = run(own)
        assert shares["own"].any()
        np.testing.assert_array_equal(shares["conv"], shares["own"][:, ::-1])


def test_activations_of_ones_own_hand_on_all_but_their_value_at_0(rng) -> None:
    for kind, start in ((Gelu, 0.0), (Swish, 0.0), (Softplus, np.log(2))):
        net, x = own_net(rng, kind())
        tape = net.forward(x)
        books = Books()
        rules = lrp_rules(net, tape, epsilon(0), books=books)
        found = net.backward(tape, {"last": tape["last"]}, rules=rules, wrt=("conv", "own"))
        part = (tape["own"] - start) / tape["own"]
        np.testing.assert_allclose(found["conv"], part * found["own"], rtol=1e-12)
        stayed = books.stayed["own"].get("what the layer gives for an input of 0", 0.0)
        assert stayed == pytest.approx((found["own"] - found["conv"]).sum(), abs=1e-12)


def test_rules_of_ones_own_come_first(rng) -> None:
    """By type, by node, for sums, and for batch normalization, which is then no longer merged."""
    norm = BatchNorm2d(*rng.uniform(0.5, 1.5, (2, 3)), *rng.uniform(0.5, 1.5, (2, 3)))
    net = Net(
        [
            ("a", Conv2d(rng.standard_normal((3, 2, 3, 3)))),
            ("norm", norm),
            ("relu", ReLU()),
            ("b", Conv2d(rng.standard_normal((3, 3, 1, 1)))),
            ("sum", Add(), ("relu", "b")),
        ]
    )
    tape = net.forward(rng.standard_normal((1, 2, 4, 4)))
    run = lambda rules: net.backward(tape, {"sum": tape["sum"]}, rules=rules)["input"]
    by_type = run(lrp_rules(net, tape, epsilon(), rules={Conv2d: gamma(0.5)}))
    np.testing.assert_array_equal(by_type, run(lrp_rules(net, tape, epsilon(), {"a": gamma(0.5), "b": gamma(0.5)})))
    by_node = run(lrp_rules(net, tape, rules={"b": gamma(0.5)}))
    np.testing.assert_array_equal(by_node, run(lrp_rules(net, tape, at={"b": gamma(0.5)})))
    sums = run(lrp_rules(net, tape, epsilon(0), rules={Add: alpha_beta()}))
    assert np.abs(sums - run(lrp_rules(net, tape, epsilon(0)))).max() > 1e-3 * np.abs(sums).max()
    apart = run(lrp_rules(net, tape, epsilon(0), rules={BatchNorm2d: epsilon(0)}))
    alone = norm.forward(tape["a"])[0]
    rules = lrp_rules(net, tape, epsilon(0))
    seed = net.backward(tape, {"sum": tape["sum"]}, rules=rules, wrt="norm")["norm"]
    scale = (norm.weight / np.sqrt(norm.running_var + norm.eps))[:, None, None]
    to_a = tape["a"] * scale / alone * seed
    np.testing.assert_allclose(apart, epsilon(0)(net["a"].layer, to_a, tape.saved["a"]), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"nowhere": gamma()}, "known nodes"),
        ({Linear: "gamma"}, "rule is a function .*'gamma'"),
        ({3: gamma()}, "layer type or a node's name"),
    ],
)
def test_what_is_no_rule_is_told_in_a_sentence(own, message, rng) -> None:
    net, x = own_net(rng, ReLU())
    with pytest.raises(ValueError, match=message):
        lrp_rules(net, net.forward(x), rules=own)
