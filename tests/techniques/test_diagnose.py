"""Blank maps are explained: NaN, overflow, saturation, dead units, closed gates; sound maps are left alone."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from minitorch_viz import Model, Net
from minitorch_viz.layers import Conv2d, Flatten, GlobalAvgPool2d, Linear, ReLU, Sigmoid, Softmax
from minitorch_viz.models.samples import sample_digit
from minitorch_viz.techniques import get_technique, techniques
from tests.techniques.net_of import net_of

EXPLAINERS = [name for name, one in techniques().items() if one.explains]
each = pytest.mark.parametrize("name", EXPLAINERS)


def run(model, name: str, image=None, **settings):
    technique = get_technique(name)
    assert technique.refuses(model) is None
    image = sample_digit() if image is None else image
    return technique.compute(model, image, **technique.in_comparison, **settings)


def broken(digits: Model, key: str, value: float) -> Model:
    """The bundled net with one number spoilt."""
    array = digits.net.state[key].copy()
    array.ravel()[5] = value
    import dataclasses

    return dataclasses.replace(digits, net=digits.net.with_params({key: array}))


@each
@pytest.mark.parametrize("key", ["conv1.weight", "conv2.bias", "logits.weight"])
def test_a_nan_weight_is_named(digits, name: str, key: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy may say that NaN is invalid
        result = run(broken(net_of(get_technique(name), digits), key, np.nan), name, target=0)
        result._repr_png_()
    assert any(key in note and "blank because" in note for note in result.notes), result.notes
    assert not result.heat.any()


@each
def test_a_sound_map_has_no_such_note(digits, name: str) -> None:
    result = run(net_of(get_technique(name), digits), name, target=3)
    assert not any("blank" in note for note in result.notes)
    assert result.heat.any()


@pytest.mark.parametrize("name", ["saliency", "deconvnet", "guided-backprop", "gradient-x-input"])
def test_a_unit_that_did_not_fire(digits, name: str) -> None:
    tape = digits.net.forward(digits.preprocess(sample_digit()))
    channel, row, column = np.argwhere(tape["relu2"][0] == 0)[0]
    result = run(digits, name, node="relu2", channel=int(channel), position=(int(row), int(column)))
    assert "did not fire" in result.notes[0]
    assert "blank" in result.caption or not result.heat.any()
    result._repr_png_()


def small(*last, weight: float = 1.0) -> Model:
    """A net whose one feature is the mean brightness, and whatever comes after it."""
    net = Net(
        [
            ("conv", Conv2d(np.full((1, 1, 1, 1), weight, np.float32))),
            ("relu", ReLU()),
            ("gap", GlobalAvgPool2d()),
            ("flat", Flatten()),
            ("fc", Linear(np.array([[60.0], [-60.0]], np.float32))),
            *last,
        ]
    )
    return Model.from_net(net, 6, logits="fc")


WHITE = np.full((6, 6, 3), 255, np.uint8)


def test_a_saturated_softmax(digits) -> None:
    """A probability of 1 cannot rise: what would be drawn is rounding."""
    model = small(("prob", Softmax()))
    result = run(model, "saliency", WHITE, node="prob", channel=0)
    assert "softmax prob is saturated" in result.notes[0]
    assert "explain the class score" in result.notes[0]
    assert not result.heat.any()
    assert run(model, "saliency", WHITE, target=0).heat.any()  # the score itself is fine
    assert not run(digits, "saliency", node="prob", channel=8).notes  # an improbable class has a slope


def test_a_saturated_sigmoid() -> None:
    model = small(("gate", Sigmoid()))
    for channel in (0, 1):
        assert "sigmoid gate is saturated" in run(model, "saliency", WHITE, node="gate", channel=channel).notes[0]


def test_closed_gates_are_named() -> None:
    """All the light is taken away by the first convolution: the class score is there, but no gate is open."""
    result = run(small(weight=-1.0), "saliency", WHITE, target=0)
    assert "no path of open gates" in result.notes[0]
    assert "relu" in result.notes[0]
    assert "0% fired" in result.notes[0]


def test_the_guided_signal_can_die_where_the_gradient_does_not() -> None:
    """Class 1's only weight is negative: a guided pass loses it at the ReLU, and names it."""
    model = small()
    assert run(model, "saliency", WHITE, target=1).heat.any()
    result = run(model, "guided-backprop", WHITE, target=1)
    assert not result.heat.any()
    assert "the signal ends at relu" in result.notes[0]


def test_an_overflow_is_told_from_bad_weights(digits) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy says that it overflows
        result = run(broken(digits, "conv1.bias", 3e38), "saliency", target=0)
    assert "overflow" in result.notes[0]


def test_a_photo_that_is_its_baseline() -> None:
    black = np.zeros((6, 6, 3), np.uint8)
    model = small()
    for name in ("gradient-x-input", "integrated-gradients"):
        assert "blank because" in run(model, name, black, target=0).notes[0]
