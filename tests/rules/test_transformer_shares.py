"""Shares through what transformers are made of: attention and normalizations, with what multiplies taken for given."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz import Net
from minitorch_viz.layers import (
    GELU,
    Add,
    Affine,
    Flatten,
    GlobalAvgPool2d,
    GroupNorm,
    InstanceNorm,
    LayerNorm,
    Linear,
    Mul,
    MultiheadAttention,
    Softmax,
)
from minitorch_viz.rules import Books, alpha_beta, epsilon, excitation_rules, gamma, lrp_rules
from tests.rules.share_nets import slowly

RULES = {"epsilon": ("epsilon", 0.3), "gamma": ("gamma", 0.5), "alpha-beta": ("alpha-beta", 2)}
MADE = {"epsilon": epsilon(0.3), "gamma": gamma(0.5), "alpha-beta": alpha_beta(2)}


def attention(rng, features: int = 4, heads: int = 2, bias: bool = True, causal: bool = False) -> MultiheadAttention:
    shapes = (3 * features, features), (3 * features,), (features, features), (features,)
    weight, in_bias, out_weight, out_bias = (rng.standard_normal(shape) for shape in shapes)
    return MultiheadAttention(weight, in_bias if bias else None, out_weight, out_bias if bias else None, heads, causal)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("rule", RULES)
def test_an_attention_is_three_linear_steps(rule, causal, rng) -> None:
    """Each by its formula on its matrix of contributions: the projection, what is read with fixed p, the values."""
    net = Net([("attention", attention(rng, causal=causal))])
    layer, x = net["attention"].layer, rng.standard_normal((1, 3, 4))
    tape = net.forward(x)
    saved, r = tape.saved["attention"], rng.standard_normal((1, 3, 4))
    ours = net.backward(tape, {"attention": r}, rules=lrp_rules(net, tape, MADE[rule]), crop=False)["input"]
    eye = np.eye(3)
    outer = np.kron(eye, layer.out_proj_weight)
    shares = slowly(RULES[rule], outer, saved.o.ravel(), np.tile(layer.out_proj_bias, 3), r.ravel())
    p = saved.p[0]  # (heads, T, S)
    reading = np.zeros((3, 2, 2, 3, 2, 2))  # (T, head, D) by (S, head, D)
    for head in range(2):
        for d in range(2):
            reading[:, head, d, :, head, d] = p[head]
    v = saved.v[0].swapaxes(0, 1).ravel()  # (S, head, D)
    of_sums = ("epsilon", 0) if rule == "epsilon" else RULES[rule]
    shares = slowly(of_sums, reading.reshape(12, 12), v, np.zeros(12), shares)
    weight, bias = layer.in_proj_weight[8:], layer.in_proj_bias[8:]
    expected = slowly(RULES[rule], np.kron(eye, weight), x.ravel(), np.tile(bias, 3), shares)
    np.testing.assert_allclose(ours.ravel(), expected, rtol=1e-8, atol=1e-9)


def test_epsilon_0_is_gradient_times_input_with_fixed_weights(rng) -> None:
    """Of a whole block the Jacobian with p and the scales held fixed, times the input (Ali et al. 2022)."""
    net = block(rng, bias=False)
    x = rng.standard_normal((1, 3, 4))
    tape = net.forward(x)
    seed = np.zeros_like(tape["fc"])
    seed[0, 1] = tape["fc"][0, 1]
    ours = net.backward(tape, {"fc": seed}, rules=lrp_rules(net, tape, epsilon(0)), crop=False)["input"]

    def frozen(name: str):
        saved, layer = tape.saved[name], net[name].layer
        if isinstance(layer, LayerNorm):
            return lambda x: layer.weight * (x - x.mean(-1, keepdims=True)) * saved.scale
        if isinstance(layer, GELU):
            return lambda x: x * np.where(saved.x == 0, 0, tape[name] / saved.x)
        if isinstance(layer, MultiheadAttention):
            value = lambda x: layer.split(x @ layer.in_proj_weight[8:].T)
            return lambda x: layer.joined(saved.p @ value(x)) @ layer.out_proj_weight.T
        return lambda *xs: layer.forward(*xs)[0]

    def score(x: np.ndarray) -> float:
        values = {"input": x}
        for node in net.nodes:
            values[node.name] = frozen(node.name)(*(values[name] for name in node.inputs))
        return values["fc"][0, 1]

    assert score(x) == pytest.approx(tape["fc"][0, 1])
    gradient = [score(unit.reshape(1, 3, 4)) for unit in np.eye(12)]  # it is linear
    np.testing.assert_allclose(ours.ravel(), x.ravel() * gradient, rtol=1e-7, atol=1e-9)


def block(rng, bias: bool = True) -> Net:
    """A transformer's block over three steps of four features, with places added and a linear head."""
    b = lambda n: rng.standard_normal(n) if bias else None
    linear = lambda o, i: Linear(rng.standard_normal((o, i)), b(o))
    norm = lambda: LayerNorm(4, rng.standard_normal(4), b(4))
    return Net(
        [
            ("places", Affine(None, rng.standard_normal((3, 4)) if bias else np.zeros((3, 4)))),
            ("norm1", norm()),
            ("attention", attention(rng, bias=bias)),
            ("sum1", Add(), ("attention", "places")),
            ("norm2", norm()),
            ("wide", linear(6, 4)),
            ("gelu", GELU()),
            ("narrow", linear(4, 6)),
            ("sum2", Add(), ("narrow", "sum1")),
            ("norm3", norm()),
            ("flat", Flatten()),
            ("fc", linear(2, 12)),
        ]
    )


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("rule", [epsilon(0), gamma(0.25), alpha_beta(1)], ids=["epsilon", "gamma", "alpha-beta"])
def test_the_books_of_a_block_balance(rule, bias, rng) -> None:
    """Without biases nothing stays; with them the places that were added, and the shifts, keep their shares."""
    net = block(rng, bias)
    tape = net.forward(rng.standard_normal((1, 3, 4)))
    value, books = tape["fc"][0, 0], Books()
    seed = {"fc": tape["fc"] * [[1.0, 0.0]]}
    shares = net.backward(tape, seed, rules=lrp_rules(net, tape, rule, books=books), crop=False)["input"]
    assert shares.sum() + books.total == pytest.approx(value, rel=1e-9)
    if not bias:
        assert shares.sum() == pytest.approx(value, rel=1e-7)
        return
    for name in ("places", "norm1", "attention", "norm2", "fc"):
        assert "biases" in books.stayed[name], name


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(
    "make",
    [
        lambda w, b: LayerNorm(6, w(6), b(6)),
        lambda w, b: LayerNorm((3, 6), w((3, 6)), b((3, 6))),
        lambda w, b: GroupNorm(1, w(3), b(3)),
        lambda w, b: GroupNorm(3, w(3), b(3)),
        lambda w, b: InstanceNorm(w(3), b(3)),
    ],
    ids=["layer", "layer of maps", "group", "groups", "instance"],
)
def test_a_normalization_is_linear_with_a_fixed_scale(make, bias, rng) -> None:
    """Its formula by hand: w_j s ((i = j) - 1 / n) x_i contributes to y_j, and b_j keeps its share."""
    layer = make(rng.standard_normal, rng.standard_normal if bias else lambda shape: None)
    net, x = Net([("norm", layer)]), 2 + rng.standard_normal((1, 3, 6))
    tape = net.forward(x)
    r, books = rng.standard_normal((1, 3, 6)), Books()
    ours = net.backward(tape, {"norm": r}, rules=lrp_rules(net, tape, books=books), crop=False)["input"]
    groups = tape.saved["norm"].scale.size
    n = 18 // groups
    ones = np.ones((1, 3, 6))
    shape = lambda values: (ones * (values if isinstance(layer, LayerNorm) else values[:, None])).reshape(groups, n)
    weight, scale = shape(layer.weight), tape.saved["norm"].scale.reshape(groups)
    expected = []
    for g in range(groups):
        J = weight[g][:, None] * scale[g] * (np.eye(n) - 1 / n)
        b = shape(layer.bias)[g] if bias else np.zeros(n)
        expected.append(slowly(("epsilon", 0), J, x.reshape(groups, n)[g], b, r.reshape(groups, n)[g]))
    np.testing.assert_allclose(ours.ravel(), np.concatenate(expected), rtol=1e-8, atol=1e-10)
    assert ours.sum() + books.total == pytest.approx(r.sum(), rel=1e-9)


def test_a_sequence_that_is_read_gets_the_shares_and_the_questions_none(rng) -> None:
    layer = attention(rng, bias=False)
    names = ("query", "key", "value")
    net = Net([("attention", layer, names)], names)
    tape = net.forward(
        {"query": rng.standard_normal((1, 2, 4)), **{n: rng.standard_normal((1, 5, 4)) for n in names[1:]}}
    )
    r = tape["attention"] * [[[0, 0, 0, 0], [1, 1, 0, 0]]]
    shares = net.backward(tape, {"attention": r}, rules=lrp_rules(net, tape, epsilon(0)), crop=False)
    assert shares["query"].shape == (1, 2, 4)
    assert not shares["query"].any()
    assert not shares["key"].any()
    assert shares["value"].sum() == pytest.approx(r.sum())


def test_an_attention_is_won_by_the_steps_that_it_read(rng) -> None:
    """Excitation backprop's definition on the same three steps, of positive weights, and for K winners at once."""
    layer = attention(rng, bias=False)
    layer = layer.replace(in_proj_weight=np.abs(layer.in_proj_weight), out_proj_weight=np.abs(layer.out_proj_weight))
    net, x = Net([("attention", layer)]), np.abs(rng.standard_normal((1, 3, 4)))
    tape = net.forward(x)
    chances = rng.random((2, 3, 4))
    ours = net.backward(tape, {"attention": chances}, rules=excitation_rules(net, tape), crop=False)["input"]
    saved, split = tape.saved["attention"], lambda c, x: c * x / (c * x).sum(axis=1, keepdims=True)
    for p, found in zip(chances, ours, strict=True):
        p = p.ravel() @ split(np.kron(np.eye(3), layer.out_proj_weight), saved.o.ravel())
        reading = np.einsum("hts,hk,de->thdske", saved.p[0], np.eye(2), np.eye(2)).reshape(12, 12)
        p = p @ split(reading, saved.v[0].swapaxes(0, 1).ravel())
        p = p @ split(np.kron(np.eye(3), layer.in_proj_weight[8:]), x.ravel())
        np.testing.assert_allclose(found.ravel(), p, rtol=1e-9)
    np.testing.assert_allclose(ours.sum(axis=(1, 2)), chances.sum(axis=(1, 2)))


def test_a_softmax_that_weighs_maps_has_no_share(rng) -> None:
    """As the factor of a product it is a weight; as what is explained it is refused."""
    net = Net([("p", Softmax()), ("scaled", Mul(), ("input", "p")), ("gap", GlobalAvgPool2d()), ("flat", Flatten())])
    tape = net.forward(rng.standard_normal((1, 3, 2, 2)))
    rules = lrp_rules(net, tape, epsilon(0))
    shares = net.backward(tape, {"flat": tape["flat"]}, rules=rules, crop=False)["input"]
    assert shares.sum() == pytest.approx(tape["flat"].sum())
    with pytest.raises(ValueError, match="a probability is no sum of shares"):
        net.backward(tape, {"p": tape["p"]}, rules=rules, crop=False)
