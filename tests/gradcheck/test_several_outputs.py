"""Functions with several outputs, each of which is weighed, and the ways in which functions want to be called."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from minitorch_viz.gradcheck import check

RNG = np.random.default_rng(3)
H, D = 3, 2
INPUTS = {
    "x": RNG.standard_normal((4, D)),
    "prev_h": RNG.standard_normal((4, H)),
    "prev_c": RNG.standard_normal((4, H)),
    "Wx": RNG.standard_normal((D, 4 * H)),
    "Wh": RNG.standard_normal((H, 4 * H)),
    "b": RNG.standard_normal(4 * H),
}


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    """Return next_h, next_c and the cache, as CS231n's third assignment does (gates i, f, o, g)."""
    i, f, o, g = np.split(x @ Wx + prev_h @ Wh + b, 4, axis=1)
    i, f, o, g = sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(g)
    next_c = f * prev_c + i * g
    return o * np.tanh(next_c), next_c, (x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c)


def gates(dnext_h, dnext_c, cache, through_c=1.0):
    prev_c, (i, f, o, g, next_c) = cache[2], cache[5:]
    t = np.tanh(next_c)
    dc = through_c * dnext_c + dnext_h * o * (1 - t * t)
    return [dc * g * i * (1 - i), dc * prev_c * f * (1 - f), dnext_h * t * o * (1 - o), dc * i * (1 - g * g)], dc * f


def lstm_step_backward(dnext_h, dnext_c, cache, through_c=1.0, order=(0, 1, 2, 3)):
    x, prev_h, _, Wx, Wh = cache[:5]
    parts, dprev_c = gates(dnext_h, dnext_c, cache, through_c)
    da = np.concatenate([parts[place] for place in order], axis=1)
    return da @ Wx.T, da @ Wh.T, dprev_c, x.T @ da, prev_h.T @ da, da.sum(0)


def test_an_lstm_step_with_both_outputs():
    report = check(lstm_step_forward, lstm_step_backward, INPUTS)
    assert report.ok, report
    assert len(report.results) == 6
    assert check(lstm_step_forward, lstm_step_backward, tuple(INPUTS.values())).ok


@pytest.mark.parametrize("share", [0.0, 1.01])
def test_what_comes_in_through_the_second_output_counts(share):
    report = check(lstm_step_forward, functools.partial(lstm_step_backward, through_c=share), INPUTS)
    wrong = {result.name for result in report.results if result.verdict == "wrong"}
    assert wrong == set(INPUTS)
    if share == 0:
        assert "what flows in through dnext_c is missing" in report["Wx"].diagnosis[0]


def polar(x, y):
    return np.hypot(x, y), np.arctan2(y, x), (x, y)


def polar_back(dr, da, cache):
    x, y = cache
    r = np.hypot(x, y)
    return dr * x / r - da * y / r**2, dr * y / r + da * x / r**2


class Pair:
    """Keep the inputs in the object instead of a cache."""

    def forward(self, x, y):
        self.at = x, y
        return polar(x, y)[:2]

    def backward(self, dr, da):
        return polar_back(dr, da, self.at)


PAIR = Pair()
CALLS = {
    "(dy1, dy2, cache)": (polar, polar_back),
    "((dy1, dy2), cache)": (polar, lambda dys, cache: polar_back(*dys, cache)),
    "(y1, y2), cache": (lambda x, y: (polar(x, y)[:2], (x, y)), lambda dys, cache: polar_back(*dys, cache)),
    "(y1, y2), cache, and two dys": (lambda x, y: (polar(x, y)[:2], (x, y)), polar_back),
    "*args": (polar, lambda *args: polar_back(*args)),
    "a setting behind": (polar, lambda dr, da, cache, debug=False: polar_back(dr, da, cache)),
    "no cache": (PAIR.forward, PAIR.backward),
}


@pytest.mark.parametrize("call", CALLS)
def test_the_ways_to_take_several_gradients(call):
    forward, backward = CALLS[call]
    x, y = RNG.uniform(0.5, 2, (2, 5))
    report = check(forward, backward, (x, y))
    assert report.ok, report


def test_outputs_of_different_shapes_and_an_array_as_the_cache():
    def forward(x, w):
        return x @ w, np.sum(x * x), x

    def backward(wrong, dy, dloss, x):
        return dy @ W.T + 2 * dloss * x * wrong, x.T @ dy

    W = RNG.standard_normal((3, 2))
    x = RNG.standard_normal((4, 3))
    assert check(forward, functools.partial(backward, 1.0), (x, W)).ok
    assert check(forward, functools.partial(backward, 1.01), (x, W))["x"].verdict == "wrong"


def test_a_loss_with_several_gradients_behind_it():
    def loss(x, w):
        r = x @ w - 1
        return np.sum(r * r), 2 * np.outer(r, w), 2 * x.T @ r

    assert check(loss, None, (RNG.standard_normal((4, 3)), RNG.standard_normal(3))).ok


def logged(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)

    return wrapper


def unwrapped(*args):
    return args[0] @ args[1] + args[2], args


@pytest.mark.parametrize("order", [("x", "w", "b"), ("b", "x", "w")])
def test_a_decorated_forward_gets_no_keywords(order):
    arrays = {"x": RNG.standard_normal((4, 3)), "w": RNG.standard_normal((3, 2)), "b": RNG.standard_normal(2)}

    @logged
    def forward(x, w, b):
        return x @ w + b, (x, w)

    @logged
    def backward(dy, cache):
        return {"dx": dy @ cache[1].T, "dw": cache[0].T @ dy, "db": dy.sum(0)}

    assert check(forward, backward, {name: arrays[name] for name in order}).ok


def test_a_forward_of_args_gets_the_inputs_in_their_order():
    arrays = {"x": RNG.standard_normal((4, 3)), "w": RNG.standard_normal((3, 2)), "b": RNG.standard_normal(2)}
    report = check(unwrapped, lambda dy, c: (dy @ c[1].T, c[0].T @ dy, dy.sum(0)), arrays)
    assert report.ok
    assert [result.name for result in report.results] == ["x", "w", "b"]


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ((1, 0, 2, 3), "the indices 0-2 and 3-5 of axis 1 are swapped"),
        ((0, 1, 3, 2), "the indices 6-8 and 9-11 of axis 1 are swapped"),
        ((2, 0, 1, 3), "the indices 0-2, 3-5 and 6-8 of axis 1 stand in another order"),
    ],
)
def test_swapped_gates_are_named_and_come_first(order, words):
    report = check(lstm_step_forward, functools.partial(lstm_step_backward, order=order), INPUTS)
    assert words in report["Wx"].diagnosis[0]
    assert words in report["Wh"].diagnosis[0]
    assert words.replace("axis 1", "axis 0") in report["b"].diagnosis[0]
    text = str(report)
    assert text.index("\nWx:") < text.index("\nb:") < text.index("\nx:") < text.index("\nprev_h:")
    assert report["prev_c"].verdict == "ok"
