"""LRP and gradient times input say how much of a score the pixels hold, and where the rest is: nets x rules x signs."""

from __future__ import annotations

import re

import numpy as np
import pytest

from minitorch_viz import Model, Net, load_model
from minitorch_viz.errors import SettingError
from minitorch_viz.layers import Add, BatchNorm2d, Conv2d, Dropout, Flatten, GlobalAvgPool2d, Linear, ReLU, Tanh
from minitorch_viz.rules import gamma
from minitorch_viz.techniques.gradients.excitation_backprop import excitation_backprop
from minitorch_viz.techniques.gradients.gradient_x_input import gradient_x_input
from minitorch_viz.techniques.gradients.lrp import lrp
from minitorch_viz.training import fit
from tests.rules.share_nets import ACTIVATIONS, Gelu, signed_net

RULES = ("composite", "epsilon", "gamma", "alpha-beta")
SIGNS = {"positive": np.argmax, "negative": np.argmin}
IMAGE = np.random.default_rng(3).integers(0, 256, (6, 6, 3)).astype(np.uint8)


def mixed(activation: str, bias: bool) -> Model:
    """signed_net for colour pictures, grey in the middle: inputs of both signs."""
    rng = np.random.default_rng(5)
    net = signed_net(rng, ACTIVATIONS[activation], bias)
    stem = Conv2d(rng.standard_normal((4, 3, 3, 3)) / 5, net["stem"].layer.bias, padding=1)
    return Model.from_net(net.with_layers({"stem": stem}), 6, mean=120.0, std=60.0)


@pytest.fixture(scope="module")
def trained() -> Model:
    """A residual net with batch normalization, trained for a moment to tell bright from dark halves."""
    rng = np.random.default_rng(0)
    nodes = [("stem", Conv2d.random(rng, 3, 6, 3, padding=1)), ("norm", BatchNorm2d.fresh(6)), ("relu", ReLU())]
    for block in ("a", "b"):
        nodes += [
            (f"{block}1", Conv2d.random(rng, 6, 6, 3, padding=1), nodes[-1][0]),
            (f"{block}norm1", BatchNorm2d.fresh(6)),
            (f"{block}relu1", ReLU()),
            (f"{block}2", Conv2d.random(rng, 6, 6, 3, padding=1)),
            (f"{block}norm2", BatchNorm2d.fresh(6)),
            (f"{block}sum", Add(), (f"{block}norm2", nodes[-1][0])),
            (f"{block}relu2", ReLU()),
        ]
    nodes += [("gap", GlobalAvgPool2d()), ("flat", Flatten()), ("fc", Linear.random(rng, 6, 3))]
    images = rng.standard_normal((96, 3, 6, 6)).astype(np.float32)
    labels = images.reshape(96, 3, -1).mean(axis=2).argmax(axis=1)
    net = fit(Net(nodes), images, labels, rng=rng, epochs=3, batch=32, progress=False).net
    model = Model.from_net(net, 6, mean=120.0, std=60.0)
    scores = net.predict(model.preprocess(IMAGE))[0]
    centred = net.params["fc.bias"] - scores.mean()  # scores of both signs on the tests' picture
    return Model.from_net(net.with_params({"fc.bias": centred}), 6, mean=120.0, std=60.0)


NETS = {
    **{f"{name}, {'with' if bias else 'no'} biases": (name, bias) for name in ACTIVATIONS for bias in (False, True)},
    "trained": None,
    **{name: name for name in ("digits", "cifar10", "faces", "faces_hidden", "scenes")},
}


def check_books(result, shares: np.ndarray, books, of: str = "") -> None:
    """The books balance; a note says so if the pixels miss the value, and names the node that kept the most."""
    value, held = result.value, shares.sum(dtype=np.float64)
    assert held + books.total == pytest.approx(value, rel=1e-5, abs=1e-5 * float(np.abs(shares).sum()))
    notes = [note for note in result.notes if note.startswith(of)]
    parted = [note for note in notes if "do not add up" in note]
    assert bool(parted) == (abs(held - value) > 0.01 * abs(value))
    largest = max(np.abs(shares).max(), np.abs(shares.sum(axis=0)).max())
    assert any("times the value" in note for note in notes) == (largest > 100 * abs(value))
    if parted:
        kept = {name: sum(here.values()) for name, here in books.stayed.items()}
        most = max(kept, key=lambda name: abs(kept[name]))
        assert f"{most} {100 * max(books.stayed[most].values(), key=abs) / value:.1f} %" in parted[0]
        assert f"({100 * held / value:.1f} %)" in parted[0]
        # What the sentence says of the causes adds up, to the digits that it gives.
        causes = [float(part) for part in re.findall(r"(-?[\d.]+) % (?:at|on) ", parted[0])]
        assert sum(causes) + 100 * held / value == pytest.approx(100, abs=0.6)


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("name", NETS)
def test_the_shares_add_up_or_a_note_says_where_the_rest_stayed(name, sign, trained) -> None:
    built = NETS[name]
    model = trained if built is None else load_model(built) if isinstance(built, str) else mixed(*built)
    scores = model.net.predict(model.preprocess(IMAGE), upto=model.logits)[0]
    target = int(SIGNS[sign](scores))
    result = lrp(model, IMAGE, target=target, rule="compare")
    assert (result.value > 0) == (sign == "positive") or isinstance(built, str)
    for rule in RULES:
        check_books(result, result.relevance[rule], result.stayed[rule], f"{rule}: ")
    simple = gradient_x_input(model, IMAGE, target=target)
    check_books(simple, simple.signal, simple.stayed)


@pytest.mark.parametrize("name", ["squeezenet1_1", "googlenet"])
@pytest.mark.slow
def test_on_pretrained_nets(name, shared_data) -> None:
    file = {"squeezenet1_1": "squeezenet1_1", "googlenet": "googlenet_bvlc"}[name]
    model = load_model(name, weights=shared_data / "weights" / f"{file}.safetensors")
    image = shared_data / "photos" / "cat_dog.jpg"
    scores = model.net.predict(model.preprocess(image), upto=model.logits)[0]
    for pick in SIGNS.values():
        result = lrp(model, image, target=int(pick(scores)), rule="compare")
        if result.value:  # SqueezeNet ends in a ReLU: its least score is 0
            for rule in RULES:
                check_books(result, result.relevance[rule], result.stayed[rule], f"{rule}: ")
        simple = gradient_x_input(model, image, target=int(pick(scores)))
        if not simple.blank:
            check_books(simple, simple.signal, simple.stayed)


@pytest.mark.parametrize(
    ("photo", "classes", "before"),
    [("cat_dog", ("boxer", "tiger cat"), 0.97), ("elephant_zebra", ("African elephant", "zebra"), 0.94)],
)
def test_the_composite_is_another_map_for_another_class(squeezenet, shared_data, photo, classes, before) -> None:
    """With gamma up to the last layer the two maps were nearly one: rank correlations of 0.97 and 0.94."""
    from scipy.stats import spearmanr

    maps = [lrp(squeezenet, shared_data / "photos" / f"{photo}.jpg", target=name).map().ravel() for name in classes]
    assert spearmanr(*maps).statistic < before - 0.4


def linear_model(*weights: float, **nodes) -> Model:
    """One grey pixel, which the net gets as 1, in each of the layers' two units."""
    first = Conv2d(np.array(weights).reshape(-1, 1, 1, 1))
    return Model.from_net(
        Net([("first", first), *nodes.items(), ("sum", Conv2d(np.ones((1, len(weights), 1, 1)))), ("flat", Flatten())]),
        1,
        class_names=["the sum"],
    )


WHITE = np.full((1, 1, 3), 255, np.uint8)


def test_large_shares_are_said_to_be_large() -> None:
    """Two pixels of 5000 and -4999: shares of 5000 for a score of 1."""
    net = Net([("flat", Flatten()), ("fc", Linear(np.array([[5000.0, -4999.0]])))])
    model = Model.from_net(
        Net([("conv", Conv2d(np.ones((1, 1, 1, 1)))), *[(n.name, n.layer) for n in net.nodes]]), (1, 2)
    )
    result = lrp(model, np.full((1, 2), 255, np.uint8), rule="epsilon", epsilon=0)
    assert result.value == pytest.approx(1)
    assert result.notes == (
        "One pixel's share is 5e+03 in magnitude, 5000 times the value: shares for and against nearly cancel, so that "
        "single pixels say little.",
    )


def test_what_epsilon_keeps_is_named() -> None:
    """score 3, epsilon 1 at each of two layers: 3 / 4 of it passes the last, x / (x + 1) the first."""
    result = lrp(linear_model(1.0, 2.0), WHITE, rule="epsilon", epsilon=1.0)
    handed = 3 / 4 * (1 * 1 / 2 + 2 * 2 / 3)
    assert result.map().sum() == pytest.approx(handed)
    at_sum, at_first = 100 / 4, 100 * (9 / 4 - handed) / 3
    assert f"{at_sum + at_first:.1f} % at epsilon (first {at_first:.1f} %, sum {at_sum:.1f} %)" in result.notes[0]


def test_a_map_of_which_biases_keep_all_says_so() -> None:
    model = Model.from_net(
        Net([("conv", Conv2d(np.ones((1, 1, 1, 1)), np.array([4.0]))), ("flat", Flatten())]), 1, class_names=["one"]
    )
    result = lrp(model, np.zeros((1, 1, 3), np.uint8), rule="epsilon")
    assert result.notes == (
        "The map is blank because no pixel has a share of it; all stayed on the way: 100.0 % at biases (conv 100.0 %).",
    )
    assert not result.heat.any()


def test_rules_of_ones_own_and_what_they_keep() -> None:
    """Half is kept back by a rule, and the note calls it the user's."""
    half = lambda layer, r, saved: r / 2
    model = linear_model(1.0, 2.0, tanh=Dropout(0.5))
    result = lrp(model, WHITE, rule="epsilon", epsilon=0, rules={Dropout: half})
    assert result.map().sum() == pytest.approx(1.5)
    assert "50.0 % at a rule of one's own (tanh 50.0 %)" in result.notes[0]
    whole = lrp(model, WHITE, rule="epsilon", epsilon=0)
    assert not whole.notes
    both = lrp(model, WHITE, rule="compare", rules={"tanh": half})
    assert all(shares.sum() == pytest.approx(1.5, rel=1e-5) for shares in both.relevance.values())


def test_own_activations_are_named_in_the_caption() -> None:
    model = linear_model(1.0, -2.0, own=Gelu())
    assert "Gelu: no rule is known, each value's share goes to the value it was made of" in lrp(model, WHITE).caption
    assert "Gelu" not in lrp(model, WHITE, rules={Gelu: lambda layer, r, saved: r}).caption
    assert "Tanh" not in lrp(linear_model(1.0, tanh=Tanh()), WHITE).caption


def test_excitation_backprop_takes_rules_too() -> None:
    model = linear_model(1.0, 2.0, own=Gelu())
    for rules, chance in ((None, 1.0), ({Gelu: lambda layer, r, saved: r / 4}, 0.25)):
        result = excitation_backprop(model, WHITE, layer="input", contrastive=False, rules=rules)
        assert result.reached[0] == pytest.approx(chance)


def test_a_rule_that_is_none_is_told() -> None:
    with pytest.raises(SettingError, match=r"layers with weights, .* given for ReLU"):
        lrp(linear_model(1.0, relu=ReLU()), WHITE, rules={ReLU: gamma()})


def test_titles_promise_no_more_than_arrives() -> None:
    from minitorch_viz.techniques import get_technique

    for name in ("lrp", "gradient-x-input", "integrated-gradients"):
        technique = get_technique(name)
        for text in (technique.title, technique.summary):
            assert not re.search("nothing is (added|lost)|adds to the score|add up to the score", text)
