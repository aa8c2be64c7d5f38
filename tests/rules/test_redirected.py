"""The redirected ReLU: against its definition image by image, and an ascent that begins with it and without it."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz import Net
from minitorch_viz.layers import Conv2d, Flatten, GlobalAvgPool2d, Linear, ReLU, ReLU6
from minitorch_viz.rules import is_local, redirected, redirected_relus
from minitorch_viz.rules.redirected import STEPS


def by_definition(x: np.ndarray, dy: np.ndarray, ceiling: float) -> np.ndarray:
    """Lucid's function for one image, with the sign of an ascent: dy is the derivative of what is to rise."""
    gradient = np.where((x > 0) & (x < ceiling), dy, 0)
    if np.linalg.norm(gradient) > 0:
        return gradient
    pushes_lower = (x <= 0) & (dy < 0)
    pushes_higher = (x >= ceiling) & (dy > 0)
    return np.where(pushes_lower | pushes_higher, 0, dy)


@pytest.mark.parametrize(("layer", "ceiling"), [(ReLU(), np.inf), (ReLU6(), 6)])
def test_it_is_lucids_formula_for_each_image(layer, ceiling, rng) -> None:
    """Images with units on, all off, all at the ceiling, at either end, and without a signal where one is on."""
    x = 3 * rng.standard_normal((5, 2, 3, 4))
    x[1] = -np.abs(x[1])
    x[2] = 7 + np.abs(x[2])
    x[3] = np.where(x[3] > 0, 7 + x[3], x[3])
    dy = rng.standard_normal(x.shape)
    dy[4][(x[4] > 0) & (x[4] < ceiling)] = 0
    net = Net([("gate", layer)])
    tape = net.forward(x)
    ours = net.backward(tape, {"gate": dy}, rules=redirected_relus())["input"]
    expected = np.stack([by_definition(*pair, ceiling) for pair in zip(x, dy, strict=True)])
    np.testing.assert_array_equal(ours, expected)
    for image in (1, 4):
        assert ours[image].any()
        assert not net.backward(tape, {"gate": dy})["input"][image].any()


def test_several_signals_on_one_image_are_judged_each_for_itself() -> None:
    """One that comes through an open unit stays the gradient; one that ends at closed ones is redirected."""
    x = np.array([[2.0, -1.0, -3.0]])
    net = Net([("relu", ReLU())])
    seeds = np.array([[1.0, 5.0, 5.0], [0.0, 2.0, -4.0], [0.0, -1.0, -1.0]])
    found = net.backward(net.forward(x), {"relu": seeds}, rules=redirected_relus())["input"]
    np.testing.assert_array_equal(found, [[1, 0, 0], [0, 2, 0], [0, 0, 0]])


def test_it_looks_at_whole_maps() -> None:
    """A unit that is on in another corner keeps the gradient: the rule must not be computed on a crop."""
    assert not is_local(redirected)
    net = Net([("conv", Conv2d(np.ones((1, 1, 1, 1)))), ("relu", ReLU())])
    x = -np.ones((1, 1, 9, 9))
    x[0, 0, 8, 8] = 1
    seed = np.zeros_like(x)
    seed[0, 0, 0, 0] = 1
    tape = net.forward(x)
    for crop in (True, False):
        found = net.backward(tape, {"relu": seed}, rules=redirected_relus(), crop=crop)["input"]
        np.testing.assert_array_equal(found, seed)  # nothing of this signal came through
        both = net.backward(tape, {"relu": seed + (x > 0)}, rules=redirected_relus(), crop=crop)["input"]
        np.testing.assert_array_equal(both, x > 0)  # something of it did


@pytest.mark.parametrize("gate", [ReLU(), ReLU6()], ids=["ReLU", "ReLU6"])
def test_an_ascent_begins_that_otherwise_stands_still(gate, rng) -> None:
    """A unit behind two layers of units that are all off: the gradient is 0, the redirected one switches it on."""
    conv = lambda o, i: Conv2d(rng.standard_normal((o, i, 3, 3)), np.full(o, -0.5))
    top = [("gap", GlobalAvgPool2d()), ("flat", Flatten()), ("fc", Linear(np.eye(4)[:1]))]
    net = Net([("conv1", conv(4, 1)), ("gate1", gate), ("conv2", conv(4, 4)), ("gate2", gate), *top])
    climb = {"fc": np.ones((1, 1))}

    def climbed(rules: dict | None) -> float:
        x = np.zeros((1, 1, 8, 8))
        for step in range(40):
            tape = net.forward(x)
            gradient = net.backward(tape, climb, rules=rules if step < STEPS else None)["input"]
            x = x + 0.1 * gradient / (np.abs(gradient).mean() + 1e-12)
        return float(net.predict(x)[0, 0])

    assert climbed(None) == 0
    assert climbed(redirected_relus()) > 0.1
