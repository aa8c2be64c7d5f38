"""Randomized nets: exactly the named layers are fresh, from the top down; and what the literature reports."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz import Net, load_model
from minitorch_viz.errors import MinitorchVizError, NetError
from minitorch_viz.grading import grade
from minitorch_viz.layers import Add, BatchNorm2d, Conv2d, Flatten, Linear, ReLU
from minitorch_viz.techniques.explain.randomize import cascading, independent, randomized, stops, weighted_layers


@pytest.fixture
def net(rng) -> Net:
    """A residual block with two normalizations, and a classifier."""
    ones = np.ones(4)
    norm = BatchNorm2d(2 * ones, 3 * ones, 4 * ones, 5 * ones)
    return Net(
        [
            ("conv1", Conv2d.random(rng, 3, 4, 3, padding=1)),
            ("norm1", norm),
            ("relu1", ReLU()),
            ("conv2", Conv2d.random(rng, 4, 4, 3, padding=1)),
            ("norm2", norm),
            ("add", Add(), ("norm2", "relu1")),
            ("flat", Flatten()),
            ("fc", Linear.random(rng, 4 * 25, 3)),
        ]
    )


def changed(before: Net, after: Net) -> set[str]:
    return {key.split(".")[0] for key, value in before.state.items() if after.state[key] is not value}


def test_layers_come_from_the_top_with_their_normalizations(net) -> None:
    assert weighted_layers(net) == (("fc",), ("conv2", "norm2"), ("conv1", "norm1"))


def test_cascading_goes_down_and_independent_stays(net) -> None:
    layers = weighted_layers(net)
    kept = {key: value.copy() for key, value in net.state.items()}
    down = [changed(net, one) for one in cascading(net, layers)]
    assert down == [{"fc"}, {"fc", "conv2", "norm2"}, {"fc", "conv2", "norm2", "conv1", "norm1"}]
    assert [changed(net, one) for one in independent(net, layers)] == [set(names) for names in layers]
    for key, value in net.state.items():
        np.testing.assert_array_equal(value, kept[key])


def test_what_is_random_stays_random_the_same_way(net) -> None:
    """Each step of the cascade has the random layers of the one before; the seed changes all of them."""
    layers = weighted_layers(net)
    steps, alone = list(cascading(net, layers, 5)), list(independent(net, layers, 5))
    for step in steps[1:]:
        np.testing.assert_array_equal(step.state["fc.weight"], steps[0].state["fc.weight"])
    np.testing.assert_array_equal(alone[1].state["conv2.weight"], steps[-1].state["conv2.weight"])
    assert not np.array_equal(randomized(net, ["fc"], 6).state["fc.weight"], steps[0].state["fc.weight"])


def test_layers_of_one_shape_get_different_draws(rng) -> None:
    net = Net([("a", Linear.random(rng, 6, 6)), ("b", Linear.random(rng, 6, 6))])
    fresh = randomized(net, ["a", "b"])
    assert not np.isclose(fresh.state["a.weight"], fresh.state["b.weight"]).any()


def test_fresh_parameters_are_those_before_a_training() -> None:
    weight = np.full((400, 50, 3, 3), 9, np.float32)
    net = Net([("conv", Conv2d(weight, np.ones(400, np.float32))), ("norm", BatchNorm2d(*np.full((4, 400), 7.0)))])
    fresh = randomized(net, ["conv", "norm"])
    assert fresh.state["conv.weight"].dtype == np.float32
    assert fresh.state["conv.weight"].std() == pytest.approx(np.sqrt(2 / 450), rel=0.01)
    assert fresh.state["conv.weight"].mean() == pytest.approx(0, abs=0.001)
    assert not fresh.state["conv.bias"].any()
    means = {key: value.mean() for key, value in fresh.state.items() if key.startswith("norm")}
    assert means == {"norm.weight": 1, "norm.bias": 0, "norm.running_mean": 0, "norm.running_var": 1}


@pytest.mark.parametrize(
    ("count", "most", "sizes"), [(6, 8, [1] * 6), (9, 3, [1, 4, 4]), (26, 8, [1, 4, 4, 4, 4, 3, 3, 3])]
)
def test_deep_nets_are_taken_in_groups(count: int, most: int, sizes: list[int]) -> None:
    layers = tuple((f"l{number}",) for number in range(count))
    grouped = stops(layers, most)
    assert [len(names) for names in grouped] == sizes
    assert [name for names in grouped for name in names] == [f"l{number}" for number in range(count)]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda net: weighted_layers(Net([("relu", ReLU())])), "nothing to randomize"),
        (lambda net: randomized(net, ["fcc"]), "near nodes: fc"),
        (lambda net: randomized(net, ["fc"], -1), "seed"),
        (lambda net: stops((("a",), ("b",)), 1), "at least 2"),
        (lambda net: stops((("a",), ("b",)), 2.5), "2.5"),
    ],
)
def test_bad_input_gets_a_sentence(call, words: str, net) -> None:
    with pytest.raises((MinitorchVizError, NetError)) as caught:
        call(net)
    assert words in str(caught.value)


# ------------------------------------------------------------------ what the literature reports


@pytest.fixture(scope="module")
def left():
    """The rank correlation that is left with the upper half of the scenes net random."""
    grades = grade(load_model("scenes"), methods=METHODS, scenes=12, samples=1, steps=1, progress=False)
    return {row.name: {name: row.scores[name].mean() for name in ("top", "half", "all")} for row in grades.rows}


METHODS = ["saliency", "guided-backprop", "deconvnet"]


def test_guided_backpropagation_barely_reacts_to_random_upper_layers(left) -> None:
    """Adebayo et al. 2018; the plain gradient does."""
    assert left["guided-backprop"]["top"] > 0.8
    assert left["guided-backprop"]["half"] > 0.7
    assert left["saliency"]["half"] < 0.5
    assert left["guided-backprop"]["half"] > left["saliency"]["half"] + 0.25


def test_edges_do_not_react_at_all_and_noise_always(left) -> None:
    assert left["edges"] == left["centre"] == {"top": 1, "half": 1, "all": 1}
    assert abs(left["random"]["top"]) < 0.05


@pytest.mark.slow
def test_on_a_deep_net_deconvnets_do_not_react_either(shared_data) -> None:
    """Nie et al. 2018; SqueezeNet, whose 26 convolutions leave nothing of the class. The gradient reacts at once."""
    from skimage.data import chelsea

    from minitorch_viz.grading.cases import Case

    model = load_model("squeezenet1_1", weights=shared_data / "weights" / "squeezenet1_1.safetensors")
    target = model.classify(chelsea(), top=1)[0].index
    cat = Case(chelsea(), (target,), np.ones((1, *model.preprocessing.size), bool))
    grades = grade(model, methods=METHODS, cases=[cat], checked=1, samples=1, steps=1, progress=False)
    left = {row.name: row.cascading[0, :3, 0] for row in grades.rows}  # the classifier, and eight layers more
    assert left["deconvnet"].min() > 0.85
    assert left["guided-backprop"].min() > 0.9
    assert left["saliency"].max() < 0.6
