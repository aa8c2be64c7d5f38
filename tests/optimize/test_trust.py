"""The trust score: Spearman's correlation as SciPy has it, the formula as stated, and where natural pictures lie."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from minitorch_viz import Model, Net, load_model
from minitorch_viz.data import load_digits
from minitorch_viz.errors import SettingError, ShapeError
from minitorch_viz.layers import Conv2d, Flatten, Linear, ReLU
from minitorch_viz.models.load import sketch
from minitorch_viz.optimize.trust import LEAST_GAP, Judge, Trust, drawn, rank_codes, spearman, trust_layers


@pytest.fixture(scope="module")
def digits() -> Model:
    return load_model("digits")


def images_of(model: Model, digit: int, count: int, skip: int = 0) -> np.ndarray:
    """Natural pictures of a digit, as the net takes them."""
    data = load_digits()[1]
    numbers = np.flatnonzero(data.labels == digit)[skip : skip + count]
    return np.concatenate([model.preprocess(data.images[number]) for number in numbers])


def others_of(model: Model, digit: int, count: int, skip: int = 0) -> np.ndarray:
    return np.concatenate([images_of(model, other, count, skip) for other in range(10) if other != digit])


@pytest.fixture(scope="module")
def judge(digits: Model) -> Judge:
    return Judge(digits, images_of(digits, 3, 12), others_of(digits, 3, 4), trust_layers(digits))


def test_spearman_is_scipys_ties_and_all(rng) -> None:
    first = np.maximum(rng.standard_normal((3, 40)), 0)  # half of them are ties, as behind a ReLU
    second = rng.integers(0, 4, (2, 40)).astype(float)
    oracle = [[spearmanr(a, b).statistic for b in second] for a in first]
    np.testing.assert_allclose(spearman(first, second), oracle, atol=1e-12)


def test_a_constant_row_has_no_correlation(rng) -> None:
    rows = np.stack([np.zeros(9), rng.standard_normal(9)])
    correlations = spearman(rows, rows)
    assert np.isnan(correlations[0]).all()
    assert correlations[1, 1] == pytest.approx(1)


def test_the_score_is_the_formula_written_out(digits: Model) -> None:
    """Every pair by SciPy: made with natural, natural with each other, natural with those of other classes."""
    same, other = images_of(digits, 3, 6), others_of(digits, 3, 1)
    made = images_of(digits, 5, 2, skip=6)
    trust = Judge(digits, same, other, trust_layers(digits)).trust(made)
    node = "relu2"
    activations = {
        name: digits.net.forward(x)[node].reshape(len(x), -1) for name, x in (("s", same), ("o", other), ("m", made))
    }
    pairs = lambda first, second: [spearmanr(a, b).statistic for a in first for b in second]
    inside = [spearmanr(a, b).statistic for i, a in enumerate(activations["s"]) for b in activations["s"][i + 1 :]]
    low, high = np.mean(pairs(activations["s"], activations["o"])), np.mean(inside)
    expected = [(np.mean(pairs([row], activations["s"])) - low) / (high - low) for row in activations["m"]]
    np.testing.assert_allclose(trust.scores[trust.nodes.index(node)], expected, rtol=1e-4)


def test_natural_pictures_of_the_class_are_at_one_others_at_zero(digits: Model, judge: Judge) -> None:
    held_out = judge.trust(images_of(digits, 3, 15, skip=12))
    strangers = judge.trust(others_of(digits, 3, 3, skip=4))
    np.testing.assert_allclose(held_out.scores.mean(axis=1), 1, atol=0.15)
    np.testing.assert_allclose(strangers.scores.mean(axis=1), 0, atol=0.15)
    assert held_out.mean.mean() == pytest.approx(1, abs=0.15)
    assert strangers.mean.mean() == pytest.approx(0, abs=0.15)


def test_scrambled_pictures_are_trusted_less(digits: Model, judge: Judge, rng) -> None:
    pictures = images_of(digits, 3, 15, skip=12)
    scrambled = rng.permutation(pictures.reshape(15, -1), axis=1).reshape(pictures.shape)
    assert judge.trust(scrambled).mean.max() < judge.trust(pictures).mean.min()


def test_a_layer_that_does_not_know_the_class_has_no_score() -> None:
    trust = Trust(
        ("a", "b", "c"),
        np.array([[0.5], [0.4], [np.nan]]),
        np.array([0.6, 0.30, np.nan]),
        np.array([0.1, 0.29, np.nan]),
    )
    np.testing.assert_allclose(trust.scores[0], 0.8)
    assert np.isnan(trust.scores[1:]).all()
    assert trust.mean == pytest.approx([0.8])  # of the layers that know
    assert trust.unknowing == ("b", "c")
    two = Trust(("a", "b"), np.array([[0.5, np.nan], [0.2, np.nan]]), np.array([0.5, 0.2]), np.array([0.1, 0.1]))
    np.testing.assert_allclose(two.mean, [1, np.nan])  # a picture that is still to come is not counted
    assert LEAST_GAP > 0.01


def test_the_mean_counts_each_layer_by_what_it_knows() -> None:
    trust = Trust(("a", "b"), np.array([[0.5], [0.2]]), np.array([0.5, 0.2]), np.array([0.1, 0.1]))
    assert trust.mean == pytest.approx([1.0])
    trust = Trust(("a", "b"), np.array([[0.5], [0.1]]), np.array([0.5, 0.2]), np.array([0.1, 0.1]))
    assert trust.mean == pytest.approx([0.8])


def test_a_constant_layer_is_said(rng) -> None:
    conv = Conv2d(np.zeros((4, 1, 3, 3), np.float32), np.full(4, -1.0, np.float32))
    net = Net([("conv", conv), ("relu", ReLU()), ("flat", Flatten()), ("fc", Linear.random(rng, 4 * 6 * 6, 3))])
    model = Model.from_net(net, 8)
    x = rng.standard_normal((6, 1, 8, 8)).astype(np.float32)
    trust = Judge(model, x, x[::-1], ("relu",)).trust(x[:1])
    assert np.isnan(trust.scores).all()
    assert np.isnan(trust.mean).all()
    assert trust.unknowing == ("relu",)


def test_too_few_or_other_sizes_are_told(digits: Model, judge: Judge) -> None:
    few, others = images_of(digits, 3, 4), others_of(digits, 3, 1)
    with pytest.raises(
        SettingError, match="at least 5 natural pictures of the class and 1 of another, but there are 4"
    ):
        Judge(digits, few, others, ("relu1",))
    with pytest.raises(ShapeError, match="one size"):
        Judge(digits, images_of(digits, 3, 5), np.zeros((1, 1, 9, 9)), ("relu1",))
    with pytest.raises(ShapeError, match="judge"):
        judge.trust(np.zeros((1, 1, 9, 9)))


def test_large_layers_are_drawn_from_the_same_places(rng) -> None:
    flat = rng.standard_normal((2, 60_000)).astype(np.float32)
    np.testing.assert_array_equal(drawn(flat)[1], drawn(flat[1:])[0])
    whole, part = spearman(*np.split(flat, 2)), rank_codes(drawn(flat)) @ rank_codes(drawn(flat)).T
    assert part[0, 1] == pytest.approx(whole[0, 0], abs=0.01)


@pytest.mark.parametrize(
    ("name", "some"),
    [
        ("scenes", ("relu1", "relu5", "logits")),
        ("googlenet", ("conv2/relu_3x3", "inception_5b/output")),
        ("resnet18", ("layer1.0", "layer4.1")),
    ],
)
def test_the_layers_are_where_all_paths_meet(name: str, some: tuple[str, ...]) -> None:
    model = sketch(name)
    nodes = trust_layers(model)
    assert set(some) <= set(nodes)
    assert nodes[-1] == model.logits
    assert len(nodes) <= 12
    order = list(model.net.names)
    assert [*map(order.index, nodes)] == sorted(map(order.index, nodes))


def test_the_layers_end_at_the_node_that_is_asked_for() -> None:
    assert trust_layers(sketch("cifar10"), "conv3") == ("relu1", "relu2", "conv3")
