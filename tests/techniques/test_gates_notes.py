"""Deconvnet and guided backpropagation on nets whose gates are no ReLUs: another map than the gradient, or a note."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz import Model, Net
from minitorch_viz.layers import (
    ELU,
    GELU,
    SELU,
    Conv2d,
    Flatten,
    GlobalAvgPool2d,
    Hardsigmoid,
    Hardswish,
    LeakyReLU,
    Linear,
    Mul,
    PReLU,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softplus,
    Tanh,
)
from minitorch_viz.techniques.base import explainers
from minitorch_viz.techniques.gradients.compare import compare
from minitorch_viz.techniques.gradients.deconvnet import deconvnet
from minitorch_viz.techniques.gradients.guided_backprop import guided_backprop
from minitorch_viz.techniques.gradients.guided_grad_cam import guided_grad_cam
from minitorch_viz.techniques.gradients.microscope import microscope
from minitorch_viz.techniques.gradients.saliency import saliency
from minitorch_viz.techniques.gradients.smoothgrad import smoothgrad

SMOOTH = [GELU(), GELU("tanh"), SiLU(), Hardswish()]
OTHERS = [LeakyReLU(0.2), PReLU(np.array([0.2])), ELU(), SELU(), Softplus(), Tanh(), Sigmoid(), Hardsigmoid()]
ways = {"guided": guided_backprop, "deconvnet": deconvnet}


def net_of(rng, *gates, squeezed: bool = False) -> Model:
    """Convolutions with a gate after each, for grey pictures of 9 x 9 pixels; squeezed: with a sigmoid's factor."""
    nodes: list = []
    channels = 1
    for number, gate in enumerate(gates):
        nodes += [(f"conv{number}", Conv2d(rng.standard_normal((4, channels, 3, 3)))), (f"gate{number}", gate)]
        channels = 4
    if squeezed:
        top = nodes[-1][0]
        nodes += [("mean", GlobalAvgPool2d()), ("factor", Sigmoid()), ("scaled", Mul(), (top, "factor"))]
    nodes += [("gap", GlobalAvgPool2d()), ("flat", Flatten()), ("fc", Linear(rng.standard_normal((3, 4))))]
    return Model.from_net(Net(nodes), 9)


@pytest.fixture
def photo(rng) -> np.ndarray:
    return rng.integers(0, 256, (9, 9)).astype(np.uint8)


@pytest.mark.parametrize("gate", SMOOTH, ids=repr)
def test_at_a_smooth_relu_the_modes_differ_and_say_what_they_are(gate, rng, photo) -> None:
    model = net_of(rng, gate, gate)
    maps = saliency(model, photo, target=1, mode="compare")
    a, b, c = maps.gradients.values()
    for one, other in ((a, b), (a, c), (b, c)):
        assert np.abs(one - other).max() > 1e-3 * np.abs(one).max()
    name = type(gate).__name__
    begins = f"Gates that shut by degrees ({name}): "
    (note,) = maps.notes
    assert note.startswith(begins)
    assert "the deconvnet passes a positive signal whole" in note
    assert "guided backpropagation passes a positive signal times the derivative" in note
    assert guided_backprop(model, photo).notes == (
        f"{begins}guided backpropagation passes a positive signal times the derivative, where that is positive.",
    )
    assert deconvnet(model, photo).notes == (f"{begins}the deconvnet passes a positive signal whole.",)
    assert guided_grad_cam(model, photo, layer="gate0").notes[-1].startswith(begins)
    assert not saliency(model, photo).notes
    assert smoothgrad(model, photo, method="guided-backprop", samples=2).notes == guided_backprop(model, photo).notes
    assert not smoothgrad(model, photo, samples=2).notes
    assert {"guided-backprop", "deconvnet", "guided-grad-cam"} <= set(explainers(model))


@pytest.mark.parametrize("gate", OTHERS, ids=repr)
def test_other_gates_are_named(gate, rng, photo) -> None:
    """Alone on the way it leaves the gradient, which is said; beside ReLUs it is said what passes there."""
    model, name = net_of(rng, gate), type(gate).__name__
    gradient = saliency(model, photo, target=0).gradients["normal"]
    guided = guided_backprop(model, photo, target=0)
    np.testing.assert_array_equal(guided.signal, gradient)
    assert guided.notes == (
        f"No ReLU lies on the way (but {name}), so the deconvnet's and the guided mode have nothing to change: they "
        "are the gradient.",
    )
    mixed = guided_backprop(net_of(rng, ReLU(), gate), photo, target=0)
    assert f"Gates of other kinds ({name}): the gradient passes." in mixed.notes


def test_a_net_of_relus_needs_no_note(rng, photo) -> None:
    for gates in ((ReLU(), ReLU()), (ReLU6(), ReLU6())):
        model = net_of(rng, *gates)
        assert not any(
            "Gates" in note or "No ReLU" in note for way in ways.values() for note in way(model, photo).notes
        )


def test_a_mobile_net_has_all_three_sorts(rng, photo) -> None:
    model = net_of(rng, ReLU(), Hardswish(), SiLU(), squeezed=True)
    assert guided_backprop(model, photo).notes[-1] == (
        "Gates that shut by degrees (Hardswish and SiLU): guided backpropagation passes a positive signal times the "
        "derivative, where that is positive; gates of other kinds (Sigmoid): the gradient passes."
    )


def test_no_gate_at_all_is_said(rng, photo) -> None:
    model = Model.from_net(Net([("flat", Flatten()), ("fc", Linear(rng.standard_normal((2, 81))))]), 9)
    assert guided_backprop(model, photo).notes[0].startswith("No ReLU lies on the way, so the deconvnet's")


def test_comparison_and_microscope_take_smooth_gates(rng, photo) -> None:
    """The shares of the gates count a gate as shut where its derivative is not above 0; the rows add up to 1."""
    model = net_of(rng, GELU(), Hardswish())
    result = compare(model, photo, only="saliency,guided-backprop")
    assert result.relus == ("gate0", "gate1")
    for shares in result.gates.values():
        np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert result.gates["normal"][:, 2].sum() > 0
    result.figure()
    microscope(model, photo, node="conv0").figure()
