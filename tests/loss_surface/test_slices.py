"""Slices: the net itself is their middle, each point is the net that it says, a known surface comes out as known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minitorch_viz import Net, load_model
from minitorch_viz.errors import MinitorchVizError
from minitorch_viz.layers import Linear, ReLU, softmax_cross_entropy
from minitorch_viz.loss_surface import filter_normalized, slice_around
from minitorch_viz.loss_surface.slices import loss_of, loss_on_grid, steps_around


def small(seed: int = 0) -> tuple[Net, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    net = Net([("fc1", Linear.random(rng, 6, 5)), ("relu", ReLU()), ("fc2", Linear.random(rng, 5, 4))])
    biases = {"fc1.bias": rng.standard_normal(5), "fc2.bias": rng.standard_normal(4)}
    net = net.with_params({name: value.astype(np.float32) for name, value in biases.items()})
    return net, rng.standard_normal((30, 6)).astype(np.float32), rng.integers(0, 4, 30)


def test_the_middle_is_the_nets_own_loss_to_the_bit() -> None:
    net, x, labels = small()
    found = slice_around(net, x, labels, rng=np.random.default_rng(1), grid=7, radius=0.7)
    own = softmax_cross_entropy(net.predict(x), labels)[0]
    assert found.loss[3, 3] == found.centre == own
    assert found.along[3] == found.across[3] == 0
    assert (found.along[0], found.along[-1]) == (pytest.approx(-0.7), pytest.approx(0.7))


def test_each_point_is_the_net_that_it_says() -> None:
    net, x, labels = small()
    found = slice_around(net, x, labels, rng=np.random.default_rng(1), grid=5, radius=2)
    rng = np.random.default_rng(1)
    first, second = filter_normalized(net.params, rng), filter_normalized(net.params, rng)
    for i, j in ((0, 0), (4, 1), (2, 3), (1, 4)):
        moved = {k: v + found.along[j] * first[k] + found.across[i] * second[k] for k, v in net.params.items()}
        moved = {k: v.astype(np.float32) for k, v in moved.items()}
        expected = softmax_cross_entropy(net.with_params(moved).predict(x), labels)[0]
        assert found.loss[i, j] == pytest.approx(expected, rel=1e-5)


def test_a_net_that_is_only_scaled_differently_has_the_same_slice() -> None:
    """What the normalization is for: a ReLU net whose layers are scaled against each other is the same net."""
    net, x, labels = small()
    factors = {"fc1.weight": 8, "fc1.bias": 8, "fc2.weight": 1 / 8, "fc2.bias": 1}
    same = net.with_params({name: (value * factors[name]).astype(np.float32) for name, value in net.params.items()})
    np.testing.assert_allclose(same.predict(x), net.predict(x), rtol=1e-5, atol=1e-6)
    slices = [slice_around(one, x, labels, rng=np.random.default_rng(2), grid=5).loss for one in (net, same)]
    np.testing.assert_allclose(slices[0], slices[1], rtol=1e-4)


def test_a_quadratic_is_a_quadratic() -> None:
    """|w + a u + b v|^2 with u and v of length 1 and at right angles: |w|^2 + a^2 + b^2 + 2 a w.u + 2 b w.v."""
    w, u, v = np.array([[3.0, -1.0, 0.5]]), np.array([[1.0, 0, 0]]), np.array([[0, 0.6, 0.8]])
    along, across = np.array([-2.0, 0.0, 1.0, 3.0]), np.array([-1.0, 0.0, 2.0])
    found = loss_on_grid(
        lambda params: float((params["w"] ** 2).sum()), {"w": w}, {"w": u}, {"w": v}, along, across
    )  # fmt: skip
    a, b = along[None], across[:, None]
    expected = (w**2).sum() + a**2 + b**2 + 2 * a * (w @ u.T) + 2 * b * (w @ v.T)
    np.testing.assert_allclose(found, expected, rtol=1e-13)


def test_convolutional_nets_have_slices_too() -> None:
    model = load_model("digits")
    images = np.random.default_rng(0).standard_normal((20, 1, 8, 8)).astype(np.float32)
    labels = model.net.predict(images, upto="logits").argmax(axis=1)
    found = slice_around(model.net, images, labels, rng=np.random.default_rng(0), logits="logits", grid=3)
    assert found.loss[1, 1] == softmax_cross_entropy(model.net.predict(images, upto="logits"), labels)[0]
    assert found.loss[1, 1] < np.delete(found.loss.ravel(), 4).min()  # its own answers are nowhere surer than here


def test_the_net_is_left_alone_and_the_directions_repeat() -> None:
    net, x, labels = small()
    before = {name: value.copy() for name, value in net.params.items()}
    first, again = (slice_around(net, x, labels, rng=np.random.default_rng(1), grid=3) for _ in range(2))
    np.testing.assert_array_equal(first.loss, again.loss)
    for name, value in net.params.items():
        np.testing.assert_array_equal(value, before[name])


@pytest.mark.parametrize("grid", [3, 5, 25, 101])
def test_steps_are_even_and_hold_an_exact_zero(grid: int) -> None:
    steps = steps_around(0.3, grid)
    assert len(steps) == grid
    assert steps[grid // 2] == 0
    np.testing.assert_array_equal(steps, -steps[::-1])
    np.testing.assert_allclose(np.diff(steps), 0.6 / (grid - 1))


NET, X, LABELS = small()
GOOD: dict[str, Any] = {"net": NET, "x": X, "labels": LABELS, "rng": np.random.default_rng(0), "grid": 3}
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no net": ({"net": "digits"}, "needs a Net with parameters, but got 'digits'"),
    "a model": ({"net": load_model("digits")}, "needs a Net"),
    "a net without parameters": ({"net": Net([("relu", ReLU())])}, "Net with parameters"),
    "x as a list": ({"x": [1.0]}, "x must be an array"),
    "fewer inputs": ({"x": X[:7]}, "as many inputs as labels, 30"),
    "other features": ({"x": X[:, :5]}, "fc1"),
    "double precision": ({"x": X.astype(float)}, "float64"),
    "labels as a list": ({"labels": [1, 2]}, "labels must be an array"),
    "no labels": ({"labels": LABELS[:0]}, "at least one"),
    "labels in a table": ({"labels": LABELS[:, None]}, r"class numbers \(N,\)"),
    "a class too many": ({"labels": LABELS + 3}, "from 0 to 3"),
    "labels with fractions": ({"labels": LABELS + 0.5}, "label"),
    "no generator": ({"rng": 0}, "default_rng"),
    "unknown node": ({"logits": "fc3"}, "near nodes: fc2"),
    "even grid": ({"grid": 4}, "odd number of points.*4"),
    "one point": ({"grid": 1}, "from 3 to 501, but got 1"),
    "half a point": ({"grid": 3.5}, "whole number.*3.5"),
    "too many points": ({"grid": 1001}, "1001"),
    "no radius": ({"radius": 0}, "number above 0.*0"),
    "a negative radius": ({"radius": -1.0}, "-1.0"),
    "a radius of nan": ({"radius": float("nan")}, "nan"),
    "an endless radius": ({"radius": float("inf")}, "inf"),
    "a radius in words": ({"radius": "one"}, "one"),
}


@pytest.mark.parametrize(("changes", "words"), BAD.values(), ids=list(BAD))
def test_bad_input_is_one_sentence(changes: dict[str, Any], words: str) -> None:
    arguments = GOOD | changes
    with pytest.raises(MinitorchVizError, match=words) as caught:
        slice_around(arguments.pop("net"), arguments.pop("x"), arguments.pop("labels"), **arguments)
    assert str(caught.value).rstrip().endswith(".") or "near" in str(caught.value)


def test_the_loss_of_other_parameters() -> None:
    loss = loss_of(NET, X, LABELS)
    zeros = {name: np.zeros_like(value) for name, value in NET.params.items()}
    assert loss(zeros) == pytest.approx(np.log(4))
