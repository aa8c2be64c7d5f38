"""LRP: each rule against its formula on explicit contributions, what is conserved, and Captum."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from minitorch_viz import Net
from minitorch_viz.layers import (
    LSTM,
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    ConvTranspose2d,
    Embedding,
    Flatten,
    Linear,
    LogSoftmax,
    MaxPool2d,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
)
from minitorch_viz.models.fold import fold_batch_norms
from minitorch_viz.rules import Books, alpha_beta, composite, epsilon, gamma, lrp_rules, z_box
from tests.map_nets import MAP_NETS, Mirror
from tests.rules.share_nets import matrix, share_net, slowly

NETS = pytest.mark.parametrize("name", MAP_NETS)
LOW, HIGH = -2.0, 3.0
LAYERS = {
    "linear": (lambda rng: Linear(rng.standard_normal((4, 6)), rng.standard_normal(4)), (1, 6)),
    "linear without bias": (lambda rng: Linear(rng.standard_normal((4, 6))), (1, 6)),
    "vectors": (lambda rng: Linear(rng.standard_normal((4, 3)), rng.standard_normal(4)), (1, 2, 3)),
    "conv": (
        lambda rng: Conv2d(rng.standard_normal((3, 2, 3, 2)), rng.standard_normal(3), padding=1, stride=2),
        (1, 2, 5, 6),
    ),
    "grouped conv": (
        lambda rng: Conv2d(rng.standard_normal((4, 1, 3, 3)), rng.standard_normal(4), groups=2),
        (1, 2, 5, 4),
    ),
    "transposed conv": (
        lambda rng: ConvTranspose2d(rng.standard_normal((2, 3, 3, 3)), rng.standard_normal(3), stride=2),
        (1, 2, 3, 4),
    ),
}


RULES = {
    "epsilon": epsilon(0.3),
    "gamma": gamma(0.5),
    "alpha-beta": alpha_beta(2),
    "alpha 1": alpha_beta(1),
    "z-box": z_box(LOW, HIGH),
}
RULES_BY_HAND = {
    "epsilon": ("epsilon", 0.3),
    "gamma": ("gamma", 0.5),
    "alpha-beta": ("alpha-beta", 2),
    "alpha 1": ("alpha-beta", 1),
    "z-box": ("z-box", (LOW, HIGH)),
}


@pytest.mark.parametrize("inputs", ["nonnegative", "of both signs"])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("layer", LAYERS)
def test_each_rule_is_its_formula(layer, rule, inputs, rng) -> None:
    make, shape = LAYERS[layer]
    net = Net([("layer", make(rng))])
    x = np.clip(rng.standard_normal(shape), LOW, HIGH)
    x = np.abs(x) if inputs == "nonnegative" else x
    tape = net.forward(x)
    r = rng.standard_normal(tape["layer"].shape)
    ours = net.backward(tape, {"layer": r}, rules={"layer": RULES[rule]})["input"]
    J = matrix(net["layer"].layer, (r.shape[1:], tape.saved["layer"]))
    b = (tape["layer"] - (J @ x.ravel()).reshape(r.shape)).ravel()
    b = np.where(np.abs(b) < 1e-9, 0, b)
    expected = slowly(RULES_BY_HAND[rule], J, x.ravel(), b, r.ravel())
    np.testing.assert_allclose(ours.ravel(), expected, rtol=1e-7, atol=1e-9)


def test_a_mirrored_border_is_the_convolution_of_the_mirrored_image(rng) -> None:
    weight, x = rng.standard_normal((2, 2, 3, 3)), np.abs(rng.standard_normal((1, 2, 5, 6)))
    net = Net([("conv", Conv2d(weight, padding=1, padding_mode="reflect"))])
    r = rng.standard_normal((1, 2, 5, 6))
    ours = net.backward(net.forward(x), {"conv": r}, rules={"conv": gamma()})["input"]
    from minitorch_viz.layers.padding import reflect_pad, reflect_pad_backward

    plain = Net([("conv", Conv2d(weight))])
    padded = plain.backward(plain.forward(reflect_pad(x, (1, 1))), {"conv": r}, rules={"conv": gamma()})["input"]
    np.testing.assert_allclose(ours, reflect_pad_backward(padded, (1, 1)), atol=1e-12)


def scores(tape, top: str) -> np.ndarray:
    seed = np.zeros_like(tape[top])
    seed.flat[np.abs(tape[top]).argmax()] = 1
    return seed * tape[top]


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("name", ["fires", "relus"])
def test_lrp_0_on_a_net_of_relus_is_gradient_times_input(name, bias, rng) -> None:
    """With biases too: they only keep their share."""
    if name == "fires":
        net, x, top = share_net("fires", rng, bias)
        net = net.with_layers({"norm1": ReLU()})  # the gradient of a normalization is not what is passed on
    else:
        make = lambda o, i: Linear(rng.standard_normal((o, i)), rng.standard_normal(o) if bias else None)
        net, x, top = Net([("a", make(8, 6)), ("r", ReLU()), ("b", make(3, 8))]), rng.standard_normal((1, 6)), "b"
    tape = net.forward(x, upto=top)
    seed = scores(tape, top)
    ours = net.backward(tape, {top: seed}, rules=lrp_rules(net, tape, epsilon(0)), crop=False)["input"]
    gradient = net.backward(tape, {top: (seed != 0).astype(float)})["input"]
    np.testing.assert_allclose(ours, x * gradient, rtol=1e-6, atol=1e-9 * np.abs(ours).max())


@pytest.mark.parametrize("rule", ["epsilon", "gamma", "alpha-beta", "alpha 1", "composite"])
@NETS
def test_nothing_is_lost_without_biases(name, rule, rng) -> None:
    """The pixels' relevance adds up to the score, whatever the rule."""
    net, x, top = share_net(name, rng, bias=False)
    if name == "residual":  # no shift, nor an activation that is not 0 at 0, which is a bias, too
        norm = net["bn1"].layer.replace(bias=None, running_mean=np.zeros(4))
        net = net.with_layers({"bn1": norm, "sigmoid": Tanh()})
    tape = net.forward(x, upto=top)
    seed = scores(tape, top)
    rules = {
        "epsilon": lambda: lrp_rules(net, tape, epsilon()),
        "gamma": lambda: lrp_rules(net, tape, gamma()),
        "alpha-beta": lambda: lrp_rules(net, tape, alpha_beta()),
        "alpha 1": lambda: lrp_rules(net, tape, alpha_beta(1)),
        "composite": lambda: composite(net, tape, LOW, HIGH),
    }[rule]()
    relevance = net.backward(tape, {top: seed}, rules=rules, crop=False)["input"]
    assert relevance.sum() == pytest.approx(seed.sum(), rel=1e-6)


@pytest.mark.parametrize("value", [1e-9, 0.2])
@NETS
def test_what_is_missing_stayed_at_biases_and_at_epsilon(name, value, rng) -> None:
    """The books balance: score = pixels + sum over all layers of (bias's share + what epsilon absorbed)."""
    net, x, top = share_net(name, rng)
    net = fold_batch_norms(net)
    tape = net.forward(x, upto=top)
    seed = scores(tape, top)
    nodes = [node for node in net.names if node in tape]
    rules = lrp_rules(net, tape, epsilon(value), books=(books := Books()))
    relevance = net.backward(tape, {top: seed}, wrt=nodes, rules=rules, crop=False)
    stayed = 0.0
    for node in net.nodes:
        if isinstance(node.layer, Sigmoid):  # half of every sigmoid's range is there without any input
            stayed += (relevance[node.name] * 0.5 / tape[node.name]).sum()
        if node.name in tape.saved and node.layer.params:
            z = tape[node.name]
            per_unit = relevance[node.name] / (z + np.where(z < 0, -value, value))
            bias = getattr(node.layer, "bias", None)
            if bias is not None:
                axes = (0,) if isinstance(node.layer, Linear) else (0, 2, 3)
                stayed += (per_unit.sum(axis=axes) * bias).sum()
            stayed += (per_unit * np.where(z < 0, -value, value)).sum()
    assert relevance["input"].sum() + stayed == pytest.approx(seed.sum(), rel=1e-6)
    assert books.total == pytest.approx(stayed, rel=1e-6, abs=1e-6 * abs(seed).max())
    assert relevance["input"].sum() + books.total == pytest.approx(seed.sum(), rel=1e-12)


def test_a_normalization_is_merged_into_its_convolution(rng) -> None:
    """The same as on the net in which the two are one layer; alone it is a linear layer of its own."""
    net, x, top = share_net("residual", rng)
    folded = fold_batch_norms(net)
    tape, plain = net.forward(x), folded.forward(x)
    for make in (lambda n, t: lrp_rules(n, t, gamma()), lambda n, t: composite(n, t, LOW, HIGH)):
        ours = net.backward(tape, {top: scores(tape, top)}, rules=make(net, tape), crop=False)
        theirs = folded.backward(plain, {top: scores(plain, top)}, rules=make(folded, plain), crop=False)
        np.testing.assert_allclose(ours["input"], theirs["input"], rtol=1e-9, atol=1e-12)
    norm = BatchNorm2d(np.array([2.0]), np.array([1.0]), np.array([3.0]), np.array([4.0]), eps=0)
    alone = Net([("norm", norm)])
    x = rng.standard_normal((1, 1, 2, 2)) + 5
    tape = alone.forward(x)
    ours = alone.backward(tape, {"norm": np.ones_like(x)}, rules=lrp_rules(alone, tape), crop=False)["input"]
    np.testing.assert_allclose(ours, x / (x - 3 + 1), rtol=1e-6)  # y = 2 (x - 3) / 2 + 1


def test_a_large_gamma_is_alpha_1(rng) -> None:
    net = Net([("conv", Conv2d(rng.standard_normal((3, 2, 3, 3)), padding=1))])
    tape = net.forward(np.abs(rng.standard_normal((1, 2, 6, 6))))
    r = rng.standard_normal(tape["conv"].shape)
    large, plus = (
        net.backward(tape, {"conv": r}, rules={"conv": rule})["input"] for rule in (gamma(1e9), alpha_beta(1))
    )
    np.testing.assert_allclose(large, plus, rtol=1e-6, atol=1e-7)
    none, zero = (net.backward(tape, {"conv": r}, rules={"conv": rule})["input"] for rule in (gamma(0), epsilon(0)))
    np.testing.assert_allclose(none, zero, rtol=1e-9)


def test_the_composite_gives_each_layer_its_rule(rng) -> None:
    net, x, top = share_net("plain", rng)
    tape = net.forward(x, upto=top)
    seed = {top: scores(tape, top)}
    mixed = composite(net, tape, LOW, HIGH, middle=alpha_beta(), upper=epsilon(0.1))
    by_hand = lrp_rules(
        net, tape, at={"conv1": z_box(LOW, HIGH), "conv2": alpha_beta(), "conv3": alpha_beta(), "fc": epsilon(0.1)}
    )
    a, b = (net.backward(tape, seed, rules=rules, crop=False)["input"] for rules in (mixed, by_hand))
    np.testing.assert_array_equal(a, b)
    other = net.backward(tape, seed, rules=lrp_rules(net, tape, alpha_beta()), crop=False)["input"]
    assert np.abs(a - other).max() > 1e-3 * np.abs(a).max()


def test_the_last_convolution_of_a_net_without_dense_layers_counts_as_dense(rng) -> None:
    net, x, top = share_net("fires", rng)
    tape = net.forward(x, upto=top)
    seed = {top: scores(tape, top)}
    nodes = {node.name: gamma() for node in net.nodes if isinstance(node.layer, Conv2d)}
    by_hand = lrp_rules(net, tape, at=nodes | {"conv1": z_box(LOW, HIGH), "last": epsilon()})
    a, b = (
        net.backward(tape, seed, rules=rules, crop=False)["input"]
        for rules in (composite(net, tape, LOW, HIGH), by_hand)
    )
    np.testing.assert_array_equal(a, b)


def run_pass(*nodes, x=None, rules=lrp_rules, rng=None) -> None:
    net = Net([("conv", Conv2d(np.ones((2, 1, 3, 3)), padding=1)), *nodes])
    tape = net.forward(np.ones((1, 1, 6, 6)) if x is None else x, rng=rng)
    seed = np.zeros_like(tape[net.output])
    seed.flat[0] = 1
    net.backward(tape, {net.output: seed}, rules=rules(net, tape), crop=False)


def words_pass() -> None:
    net = Net([("words", Embedding(np.ones((3, 2))))])
    tape = net.forward(np.zeros((1, 2), int))
    net.backward(tape, {"words": np.ones((1, 2, 2))}, rules=lrp_rules(net, tape), crop=False)


def recurrent_pass() -> None:
    net = Net([("lstm", LSTM.random(np.random.default_rng(0), 2, 3))])
    tape = net.forward(np.ones((1, 4, 2), np.float32))
    net.backward(tape, {"lstm": np.ones_like(tape["lstm"])}, rules=lrp_rules(net, tape), crop=False)


NORM = BatchNorm2d(None, None, np.zeros(2), np.ones(2))
BAD = {
    "negative epsilon": (lambda: epsilon(-1), r"epsilon .* at least 0, .*-1"),
    "epsilon is nan": (lambda: epsilon(float("nan")), "epsilon .*nan"),
    "epsilon is a word": (lambda: epsilon("small"), "epsilon .*'small'"),
    "epsilon is None": (lambda: epsilon(None), "epsilon .*None"),
    "negative gamma": (lambda: gamma(-0.1), "gamma .*-0.1"),
    "infinite gamma": (lambda: gamma(float("inf")), "gamma .*inf"),
    "gamma is True": (lambda: gamma(True), "gamma .*True"),
    "alpha below 1": (lambda: alpha_beta(0.5), "alpha .* at least 1, .*0.5"),
    "alpha is a list": (lambda: alpha_beta([2]), r"alpha .*\[2\]"),
    "a box above 0": (lambda: z_box(1.0, 2.0), "low <= 0 <= high"),
    "a box below 0": (lambda: z_box(-2.0, -1.0), "low <= 0 <= high"),
    "a box that is turned around": (lambda: z_box(1.0, -1.0), "low <= 0 <= high"),
    "a rule at a node without weights": (
        lambda: run_pass(("r", ReLU()), rules=lambda n, t: lrp_rules(n, t, at={"r": gamma()})),
        "layers with weights, but 'r'",
    ),
    "a rule at a node that is not there": (
        lambda: run_pass(rules=lambda n, t: lrp_rules(n, t, at={"conv2": gamma()})),
        "near nodes: conv",
    ),
    "through a softmax": (lambda: run_pass(("p", Softmax())), "through Softmax: .* start at the scores"),
    "through a log-softmax": (lambda: run_pass(("p", LogSoftmax())), "through LogSoftmax: .* start at the scores"),
    "through a layer of one's own": (lambda: run_pass(("m", Mirror())), "through Mirror: no rule is known"),
    "words": (words_pass, "through Embedding: .* wrt="),
    "gates that multiply": (recurrent_pass, "through LSTM: its gates multiply"),
    "the tape of another net": (
        lambda: lrp_rules(Net([("a", ReLU())]), Net([("a", ReLU())], ("photo",)).forward(np.ones((1, 2)))),
        "no value for 'input'",
    ),
    "a tape of training": (
        lambda: run_pass(("pool", MaxPool2d(2)), ("norm", NORM), rng=np.random.default_rng(0)),
        "without rng",
    ),
}


@pytest.mark.parametrize(("call", "message"), BAD.values(), ids=list(BAD))
def test_bad_input_is_told_in_a_sentence(call, message) -> None:
    with pytest.raises(ValueError, match=message):
        call()


# ---------------------------------------------------------------------- Captum


def peer_of(torch, net: Net, x: np.ndarray, rule_of, target: int) -> np.ndarray:
    """Captum's LRP of a chain of our layers."""
    from captum.attr import LRP

    nn, layers = torch.nn, []
    for node in net.nodes:
        layer = node.layer
        if isinstance(layer, Flatten):
            continue
        if isinstance(layer, Conv2d):
            one = nn.Conv2d(
                layer.weight.shape[1], len(layer.weight), layer.weight.shape[2:], layer.stride, layer.padding
            )
        elif isinstance(layer, Linear):
            one = nn.Linear(*layer.weight.shape[::-1])
        elif isinstance(layer, MaxPool2d):
            one = nn.MaxPool2d(layer.kernel, layer.stride)
        elif isinstance(layer, AvgPool2d):
            one = nn.AvgPool2d(layer.kernel, layer.stride)
        else:
            one = nn.ReLU()
        if layer.params:
            one = one.double()
            one.load_state_dict({key: torch.from_numpy(value) for key, value in layer.params.items()})
            one.rule = rule_of()
        layers.append(one)

    class Peer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            *below, self.fc = layers
            self.features = nn.Sequential(*below)

        def forward(self, x):
            return self.fc(self.features(x).flatten(1))  # Captum has no rule for a Flatten module

    peer = Peer().double().eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Captum announces the hooks that it sets
        return LRP(peer).attribute(torch.from_numpy(x), target=target).detach().numpy()


@pytest.mark.torch
@pytest.mark.parametrize("pool", ["max", "mean"])
@pytest.mark.parametrize(
    ("rule", "captums", "keeps"),
    [
        (lambda: epsilon(1e-9), lambda r: r.EpsilonRule(1e-9), True),
        (lambda: epsilon(0.25), lambda r: r.EpsilonRule(0.25), True),
        # Captum's gamma leaves the bias as it is, ours lets it gain as the weights do (Montavon et al. 2019): compare
        # without biases. Its alpha-1-beta-0 adds negative biases to the positive sums.
        (lambda: gamma(0.25), lambda r: r.GammaRule(0.25), False),
        (lambda: alpha_beta(1), lambda r: r.Alpha1_Beta0_Rule(), False),
    ],
    ids=["epsilon 0", "epsilon", "gamma", "alpha 1"],
)
def test_the_rules_equal_captums(rule, captums, keeps, pool, rng) -> None:
    torch = pytest.importorskip("torch")
    rules = pytest.importorskip("captum.attr._utils.lrp_rules")
    bias = lambda n: rng.standard_normal(n) / 4 if keeps else np.zeros(n)
    net = Net(
        [
            ("conv1", Conv2d(rng.standard_normal((4, 2, 3, 3)) / 4, bias(4), padding=1)),
            ("relu1", ReLU()),
            ("pool", MaxPool2d(2) if pool == "max" else AvgPool2d(2)),
            ("conv2", Conv2d(rng.standard_normal((4, 4, 3, 3)) / 6, bias(4))),
            ("relu2", ReLU()),
            ("flat", Flatten()),
            ("fc", Linear(rng.standard_normal((3, 16)) / 4, bias(3))),
        ]
    )
    x = np.abs(rng.standard_normal((1, 2, 8, 8)))
    tape = net.forward(x)
    target = int(tape["fc"].argmax())
    ours = net.backward(tape, {"fc": np.eye(3)[[target]] * tape["fc"]}, rules=lrp_rules(net, tape, rule()), crop=False)[
        "input"
    ]
    theirs = peer_of(torch, net, x, lambda: captums(rules), target)
    assert np.linalg.norm(ours - theirs) < 1e-6 * np.linalg.norm(theirs)
