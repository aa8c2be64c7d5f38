"""Shares through the layers of later nets: what a scale, a smooth gate or a sequence's convolution hands on."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz import Net
from minitorch_viz.errors import SettingError
from minitorch_viz.layers import (
    ELU,
    GELU,
    GRU,
    RNN,
    SELU,
    Affine,
    BatchNorm1d,
    Conv1d,
    Conv2d,
    Flatten,
    GlobalAvgPool2d,
    GroupNorm,
    Hardsigmoid,
    Hardswish,
    InstanceNorm,
    LayerNorm,
    LeakyReLU,
    Linear,
    MaxPool1d,
    Mul,
    Pad,
    Permute,
    PReLU,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softplus,
    Tanh,
    UpsampleBilinear,
)
from minitorch_viz.rules import excitation_rules, lrp_rules
from minitorch_viz.rules.accounts import Books
from minitorch_viz.rules.lrp import epsilon, gamma
from minitorch_viz.rules.presets import passed_through
from minitorch_viz.rules.relu import hard_relus, is_on, relu_mode, relus

ZERO_AT_ZERO = [GELU(), GELU("tanh"), SiLU(), ReLU6(), Hardswish(), ELU(), SELU(), PReLU(np.array([0.2]))]


def squeezed(rng: np.random.Generator, gate) -> Net:
    """A convolution whose channels are scaled by what the whole map says (squeeze and excitation), without biases."""
    conv = lambda o, i, k: Conv2d(rng.standard_normal((o, i, k, k)) / k)
    return Net(
        [
            ("conv", conv(4, 2, 3)),
            ("gate", gate),
            ("mean", GlobalAvgPool2d()),
            ("squeeze", conv(2, 4, 1)),
            ("relu", ReLU()),
            ("excite", conv(4, 2, 1)),
            ("factor", Hardsigmoid()),
            ("scaled", Mul(), ("gate", "factor")),
            ("up", UpsampleBilinear(2)),
            ("gap", GlobalAvgPool2d()),
            ("flat", Flatten()),
            ("fc", Linear(rng.standard_normal((3, 4)))),
        ]
    )


@pytest.mark.parametrize("gate", ZERO_AT_ZERO, ids=repr)
@pytest.mark.parametrize("rule", [epsilon(0), gamma(0.25)], ids=["epsilon", "gamma"])
def test_without_biases_nothing_stays(gate, rule, rng) -> None:
    """Gates that are 0 at 0 pass all on, and of a product the signal gets all: the factor's own net gets none."""
    net = squeezed(rng, gate)
    tape = net.forward(rng.standard_normal((1, 2, 6, 6)))
    seed = {"fc": tape["fc"] * [[0.0, 1.0, 0.0]]}
    shares = net.backward(tape, seed, wrt=("input", "factor"), rules=lrp_rules(net, tape, rule), crop=False)
    assert shares["input"].sum() == pytest.approx(tape["fc"][0, 1], rel=1e-9)
    assert not shares["factor"].any()
    assert passed_through(net, tape) == ()  # the kind is known: nothing to note


def sequence(rng: np.random.Generator) -> Net:
    """A sequence of 3 features through everything that has shares; the last layer is linear."""
    norm = BatchNorm1d(*rng.standard_normal((2, 4)), rng.standard_normal(4), rng.uniform(0.5, 2, 4))
    of_vectors = BatchNorm1d(*rng.standard_normal((2, 5)), rng.standard_normal(5), rng.uniform(0.5, 2, 5))
    return Net(
        [
            ("pad", Pad((1, 0))),
            ("conv", Conv1d(rng.standard_normal((4, 3, 3)), rng.standard_normal(4), padding="same")),
            ("norm", norm),
            ("soft", Softplus()),
            ("pool", MaxPool1d(2)),
            ("last", Permute((0, 2, 1))),
            ("places", Affine(*rng.standard_normal((2, 4, 4)))),
            ("layer_norm", LayerNorm(4, rng.standard_normal(4), rng.standard_normal(4))),
            ("flat", Flatten()),
            ("hidden", Linear(rng.standard_normal((5, 16)), rng.standard_normal(5))),
            ("norm2", of_vectors),
            ("relu", ReLU()),
            ("fc", Linear(rng.standard_normal((2, 5)), rng.standard_normal(2))),
        ]
    )


@pytest.mark.parametrize("rule", [epsilon(1e-6), gamma(0.25)], ids=["epsilon", "gamma"])
def test_the_books_of_a_net_of_sequences_balance(rule, rng) -> None:
    net = sequence(rng)
    tape = net.forward(rng.standard_normal((1, 3, 7)))
    books = Books()
    seed = {"fc": tape["fc"] * [[1.0, 0.0]]}
    share = net.backward(tape, seed, rules=lrp_rules(net, tape, rule, books=books), crop=False)["input"]
    assert share.shape == (1, 3, 7)
    assert share.sum() + books.total == pytest.approx(tape["fc"][0, 0], rel=1e-9)
    assert set(books.stayed["soft"]) == {"what the layer gives for an input of 0"}


@pytest.mark.parametrize(
    "norm",
    [LayerNorm(6), GroupNorm(1), InstanceNorm(), Affine(np.full((3, 1), 2.0))],
    ids=lambda norm: type(norm).__name__,
)
def test_scales_pass_chances_on_whole(norm, rng) -> None:
    net = Net([("norm", norm), ("act", GELU())])
    tape = net.forward(np.abs(rng.standard_normal((1, 3, 6))))
    p = rng.random((1, 3, 6))
    np.testing.assert_array_equal(net.backward(tape, {"act": p}, rules=excitation_rules(net, tape))["input"], p)


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (GRU.random(np.random.default_rng(0), 4, 3), "gates multiply"),
        (RNN.random(np.random.default_rng(0), 4, 3), "each step is made of all before it"),
    ],
    ids=["gru", "rnn"],
)
def test_what_has_no_shares_says_so(layer, words, rng) -> None:
    net = Net([("layer", layer)])
    tape = net.forward(rng.standard_normal((1, 3, 4)).astype(np.float32))
    for rules in (lrp_rules(net, tape), excitation_rules(net, tape)):
        with pytest.raises(SettingError, match=words):
            net.backward(tape, {"layer": np.ones_like(tape["layer"])}, rules=rules)


def test_a_sigmoid_keeps_its_half_and_a_hard_one_too(rng) -> None:
    x = rng.standard_normal((1, 5))
    for gate in (Sigmoid(), Hardsigmoid(), Softplus()):
        net = Net([("gate", gate)])
        tape = net.forward(x)
        share = net.backward(tape, {"gate": tape["gate"]}, rules=lrp_rules(net, tape), crop=False)["input"]
        start = gate.forward(np.zeros((1, 1)))[0].item()
        np.testing.assert_allclose(share, tape["gate"] - start, atol=1e-12)


@pytest.mark.parametrize("mode", ["normal", "deconvnet", "guided"])
def test_a_relu6_is_a_gate_of_two_states(mode, rng) -> None:
    """Each mode's formula, written down."""
    x, dy = 4 * rng.standard_normal((2, 1, 3, 4, 5))
    net = Net([("gate", ReLU6())])
    found = net.backward(net.forward(x), {"gate": dy}, rules=relu_mode(mode))["input"]
    is_open = (x > 0) & (x < 6)
    expected = {"normal": dy * is_open, "deconvnet": np.maximum(dy, 0), "guided": np.maximum(dy, 0) * is_open}[mode]
    np.testing.assert_array_equal(found, expected)
    assert relus(net) == hard_relus(net) == ["gate"]


@pytest.mark.parametrize("gate", [GELU(), GELU("tanh"), SiLU(), Hardswish()], ids=repr)
@pytest.mark.parametrize("mode", ["normal", "deconvnet", "guided"])
def test_a_smooth_relu_is_open_by_its_derivative(mode, gate, rng) -> None:
    """Each mode's formula with the derivative by differences; where it is below 0 the gate counts as shut."""
    x, dy = 4 * rng.standard_normal((2, 1, 3, 4, 5))
    net, step = Net([("gate", gate)]), 1e-6
    derivative = (gate.forward(x + step)[0] - gate.forward(x - step)[0]) / (2 * step)
    assert (derivative < 0).any()
    tape = net.forward(x)
    found = net.backward(tape, {"gate": dy}, rules=relu_mode(mode))["input"]
    expected = {
        "normal": dy * derivative,
        "deconvnet": np.maximum(dy, 0),
        "guided": np.maximum(dy, 0) * np.maximum(derivative, 0),
    }[mode]
    np.testing.assert_allclose(found, expected, atol=1e-8)
    np.testing.assert_array_equal(is_on(gate, tape.saved["gate"], dy), derivative > 1e-8)
    assert relus(net) == ["gate"]
    assert hard_relus(net) == []


@pytest.mark.parametrize("gate", [SiLU(), Hardswish(), GELU()], ids=repr)
def test_far_from_0_a_smooth_relu_is_a_relu(gate, rng) -> None:
    x = 40 + 10 * rng.random((1, 3, 4)) * rng.choice([-1, 1], (1, 3, 4))
    x = x * rng.choice([-1, 1], x.shape)
    dy = rng.standard_normal(x.shape)
    for mode in ("normal", "deconvnet", "guided"):
        passes = []
        for layer in (gate, ReLU()):
            net = Net([("gate", layer)])
            passes.append(net.backward(net.forward(x), {"gate": dy}, rules=relu_mode(mode))["input"])
        np.testing.assert_allclose(*passes, atol=1e-12)


NEVER_SHUT = [LeakyReLU(0.2), PReLU(np.array([0.2])), ELU(), SELU(), Softplus(), Sigmoid(), Tanh()]


@pytest.mark.parametrize("gate", NEVER_SHUT, ids=repr)
def test_other_activations_pass_the_gradient(gate, rng) -> None:
    """In every mode, and the derivative is above 0 wherever one looks."""
    x, dy = rng.standard_normal((2, 1, 3, 4))
    net = Net([("gate", gate)])
    tape = net.forward(x)
    for mode in ("normal", "deconvnet", "guided"):
        found = net.backward(tape, {"gate": dy}, rules=relu_mode(mode))["input"]
        np.testing.assert_array_equal(found, gate.backward(dy, tape.saved["gate"]))
    assert is_on(gate, tape.saved["gate"], dy).all()
    assert relus(net) == []
