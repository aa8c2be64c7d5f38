"""Right gradients pass: random nets of ReLUs and overlapping pools, every layer, kinks, and odd magnitudes."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz.gradcheck import Verdict, check, check_layer, check_net
from minitorch_viz.layers import (
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Embedding,
    Flatten,
    Linear,
    MaxPool2d,
    ReLU,
    all_layers,
)
from minitorch_viz.net import Net
from minitorch_viz.rules import relu_mode

KINDS = ("normal", "whole numbers", "steps", "black")


def random_net(rng):
    """One to three blocks of convolution, ReLU and pooling, half of them with a linear layer behind."""
    channels = first = int(rng.integers(1, 4))
    size = side = int(rng.integers(7, 12))
    nodes = []
    for block in range(int(rng.integers(1, 4))):
        out = int(rng.integers(2, 6))
        weight = rng.standard_normal((out, channels, 3, 3)) * np.sqrt(2 / (9 * channels))
        bias = rng.standard_normal(out) * rng.choice([0.1, 0.3])
        nodes += [(f"conv{block}", Conv2d(weight, bias, padding=1)), (f"relu{block}", ReLU())]
        channels = out
        if size >= 4 and rng.random() < 0.7:
            kernel = int(rng.integers(2, 4))
            pool = MaxPool2d(kernel, 2) if rng.random() < 0.8 else AvgPool2d(kernel, 2)
            nodes.append((f"pool{block}", pool))
            size = (size - kernel) // 2 + 1
    if rng.random() < 0.5:
        weight = rng.standard_normal((3, channels * size * size)) / size
        nodes += [("flat", Flatten()), ("fc", Linear(weight, np.zeros(3)))]
    return Net(nodes), (int(rng.integers(1, 3)), first, side, side)


def random_image(rng, shape, kind):
    x = rng.standard_normal(shape)
    if kind == "whole numbers":
        return np.round(64 * x)
    if kind == "steps":  # large flat regions and many equal pixels
        return np.round(x)
    if kind == "black":
        x[:, :, :4] = 0
    return x


@pytest.mark.parametrize("seed", range(100))
def test_a_right_net_raises_no_alarm(seed):
    rng = np.random.default_rng(seed)
    net, shape = random_net(rng)
    report = check_net(net, random_image(rng, shape, KINDS[seed % 4]), max_entries=12, seed=seed)
    report.raise_if_wrong()
    assert report.ok, report
    assert {result.name for result in report.results} == {"input", *net.params}


@pytest.mark.parametrize("cls", all_layers())
def test_every_layer_is_right_on_its_examples(cls):
    for layer, inputs in cls.examples(np.random.default_rng(0)):
        for rng in (None, np.random.default_rng(1)) if cls.uses_rng else (None,):
            report = check_layer(layer, inputs, rng=rng)
            report.raise_if_wrong()
            assert report.ok, report
            assert all(result.largest_error < 1e-6 for result in report.results if result.checked)


def test_an_integer_input_is_passed_along_and_the_table_is_checked():
    layer = Embedding(np.random.default_rng(0).standard_normal((5, 3)))
    report = check_layer(layer, np.array([[0, 3, 3]]))
    assert [str(result.verdict) for result in report.results] == ["not differentiable", "ok"]
    assert report.ok


def test_entries_at_a_kink_are_named_and_skipped():
    x = np.array([[-1.0, 0.0, 2.0, 0.0]])
    report = check_layer(ReLU(), x)
    assert report.ok
    assert report["x"].kinks == ((0, 1), (0, 3))
    assert "(0, 1), (0, 3)" in str(report)


def test_a_tensor_of_kinks_is_not_called_right():
    report = check_layer(ReLU(), np.zeros((2, 3)))
    assert report["x"].verdict == Verdict.KINK
    assert not report.ok
    report.raise_if_wrong()  # nor is it called wrong


def test_a_kink_within_the_first_step_is_stepped_around():
    report = check_layer(ReLU(), np.array([[3e-6, -2e-6, 1.0]]))
    assert report.ok
    assert report["x"].kinks == ()


def test_ties_whose_gradients_cancel_raise_no_alarm():
    """Two windows tie at one pixel, and their dy nearly cancel: the sum hides the kinks, each output shows its own."""
    rng = np.random.default_rng(0)
    for seed in range(20):
        x = np.maximum(np.round(rng.standard_normal((2, 1, 7, 7))), 0)
        report = check_layer(MaxPool2d(3, 2), x, seed=seed)
        report.raise_if_wrong()


@pytest.mark.parametrize("scale", [1e-9, 1e-3, 1e3, 1e9])
@pytest.mark.parametrize("function", ["square", "exp", "root"])
def test_magnitudes(function, scale):
    x = np.array([0.3, 0.7, 1.9]) * scale
    pairs = {
        "square": (lambda x: (x * x, x), lambda dy, x: 2 * dy * x),
        "exp": (lambda x: (np.exp(x / scale),) * 2, lambda dy, y: dy * y / scale),
        "root": (lambda x: (np.sqrt(x),) * 2, lambda dy, y: dy / (2 * y)),
    }
    forward, backward = pairs[function]
    report = check(forward, backward, (x,))
    assert report["x"].verdict == Verdict.OK, report
    assert check(forward, lambda dy, cache: 1.001 * backward(dy, cache), (x,))["x"].verdict == Verdict.WRONG


def test_a_gradient_that_vanishes_is_right():
    """A bias before a batch normalization has no effect; both gradients are zero up to rounding."""
    rng = np.random.default_rng(0)
    conv = Conv2d(rng.standard_normal((2, 1, 3, 3)), rng.standard_normal(2))
    norm = BatchNorm2d(np.ones(2), np.zeros(2), np.zeros(2), np.ones(2))
    net = Net([("conv", conv), ("norm", norm)])
    report = check_net(net, rng.standard_normal((3, 1, 6, 6)), rng=np.random.default_rng(1))
    assert report.ok, report
    assert report["conv.bias"].verdict == Verdict.OK


def test_float32_inputs_are_checked_in_float64():
    layer = Linear(np.ones((2, 3), np.float32), np.zeros(2, np.float32))
    report = check_layer(layer, np.ones((4, 3), np.float32))
    assert report.ok
    assert "checked in float64: x (float32), weight (float32), bias (float32)" in str(report)


def test_float32_inside_is_fine_at_a_tolerance_it_can_reach():
    x, w = np.random.default_rng(0).standard_normal((2, 4, 4))

    def forward(x, w):
        return x.astype(np.float32) @ w.astype(np.float32), (x, w)

    def backward(dy, cache):
        return dy @ cache[1].T, cache[0].T @ dy

    assert check(forward, backward, (x, w))["x"].verdict == Verdict.PRECISION
    assert check(forward, backward, (x, w), tolerance=1e-3).ok


def test_a_seeded_dropout_is_right():
    assert check_layer(Dropout(0.4), np.random.default_rng(0).standard_normal((5, 6)), rng=np.random.default_rng(3)).ok


@pytest.mark.parametrize("mode", ["guided", "deconvnet"])
def test_a_modified_backward_pass_is_not_a_derivative(mode):
    rng = np.random.default_rng(1)
    conv = Conv2d(rng.standard_normal((3, 2, 3, 3)), rng.standard_normal(3))
    net = Net([("conv", conv), ("relu", ReLU())])
    x = rng.standard_normal((1, 2, 6, 6))
    report = check_net(net, x, rules=relu_mode(mode))
    assert report["input"].verdict == Verdict.NOT_A_DERIVATIVE
    assert f"ReLU: {mode}" in str(report)
    assert "is not a derivative" in report["input"].sentence
    assert check_net(net, x, rules=relu_mode("normal")).ok
