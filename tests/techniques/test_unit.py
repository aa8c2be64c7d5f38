"""Which unit the settings mean: of a class, of maps, of a sequence, of a row; and what it is called."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from minitorch_viz import Model, Net
from minitorch_viz.errors import NetError, SettingError
from minitorch_viz.graph import Tape
from minitorch_viz.layers import LSTM, Conv1d, Permute, ReLU
from minitorch_viz.models.samples import sample_digit
from minitorch_viz.objectives import ChannelMean, Energy, Objective, Unit
from minitorch_viz.techniques import (
    counterfactual,
    excitation_backprop,
    grad_cam,
    gradient_x_input,
    guided_backprop,
    guided_grad_cam,
    integrated_gradients,
    lrp,
    saliency,
    smoothgrad,
    techniques,
)
from minitorch_viz.techniques.explain.unit import (
    opposite_of,
    resolve,
    resolve_any,
    resolve_several,
    target_of,
    value_of,
)
from tests.techniques.net_of import net_of

RNG = np.random.default_rng(0)
TAPE = Tape(
    {
        "maps": RNG.standard_normal((1, 4, 3, 5)),  # (N, C, h, w)
        "steps": RNG.standard_normal((1, 7, 6)),  # (N, T, D)
        "series": RNG.standard_normal((1, 6, 7)),  # (N, C, T)
        "last": RNG.standard_normal((1, 3, 5, 4)),  # (N, h, w, C)
        "row": RNG.standard_normal((1, 6)),  # (N, D)
        "cube": RNG.standard_normal((1, 2, 3, 4, 5)),
        "logits": RNG.standard_normal((1, 10)),
    },
    {},
)


@pytest.fixture(scope="module")
def model(digits) -> Model:
    """The digits' net, with nodes beside it of whose layers only the order of the axes counts here."""
    beside = [
        ("maps", ReLU(), "relu1"),
        ("last", Permute((0, 2, 3, 1)), "maps"),
        ("steps", LSTM.random(RNG, 3, 6), "flatten"),
        ("later steps", ReLU(), "steps"),
        ("series", Conv1d.random(RNG, 3, 6, 3), "flatten"),
        ("normed series", ReLU(), "series"),
        ("row", ReLU(), "flatten"),
        ("cube", ReLU(), "maps"),
    ]
    return dataclasses.replace(digits, net=Net([*digits.net.nodes, *beside]))


@pytest.mark.parametrize(
    ("choice", "index", "label"),
    [
        ({"node": "maps", "channel": 2, "position": (1, 4)}, (2, 1, 4), "maps channel 2 at row 1, column 4"),
        ({"node": "maps", "channel": 2, "position": [1, 4]}, (2, 1, 4), "maps channel 2 at row 1, column 4"),
        ({"node": "steps", "channel": 2, "position": 6}, (6, 2), "steps channel 2 at step 6"),
        ({"node": "steps", "channel": 5, "position": (0,)}, (0, 5), "steps channel 5 at step 0"),
        ({"node": "series", "channel": 2, "position": 6}, (2, 6), "series channel 2 at step 6"),
        ({"node": "last", "channel": 2, "position": (1, 4)}, (1, 4, 2), "last channel 2 at row 1, column 4"),
        ({"node": "row", "channel": 3}, (3,), "row unit 3"),
        ({"node": "logits", "channel": 3}, (3,), 'class "3" (3)'),
        ({"target": 3}, (3,), 'class "3" (3)'),
        ({"target": "3"}, (3,), 'class "3" (3)'),
    ],
)
def test_the_unit_that_is_named(model, choice, index, label) -> None:
    unit = resolve(model, TAPE, **choice)
    assert (unit.index, unit.label) == (index, label)
    assert value_of(unit, TAPE) == TAPE[unit.node][(0, *index)]


@pytest.mark.parametrize("node", ["maps", "last", "steps", "series", "row"])
def test_what_is_left_out_is_where_it_is_strongest(model, node) -> None:
    output = TAPE[node][0]
    assert resolve(model, TAPE, node=node).index == np.unravel_index(output.argmax(), output.shape)
    channels = np.moveaxis(output, -1, 0) if node in ("last", "steps") else output
    unit = resolve(model, TAPE, node=node, channel=1)
    assert value_of(unit, TAPE) == channels[1].max()


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({"node": "maps", "position": 3}, "is its row and its column, but got 3"),
        ({"node": "maps", "position": (1, 2, 3)}, "its row and its column"),
        ({"node": "steps", "position": (3, 2)}, r"is one number, its step, but got \(3, 2\)"),
        ({"node": "steps", "position": 7}, "step of 'steps' must be a whole number from 0 to 6"),
        ({"node": "steps", "channel": 6}, "channel of 'steps' must be a whole number from 0 to 5"),
        ({"node": "row", "position": 3}, "no position"),
        ({"node": "cube"}, "no channels"),
    ],
)
def test_what_does_not_fit_is_said(model, choice, words) -> None:
    with pytest.raises(SettingError, match=words):
        resolve(model, TAPE, **choice)


def test_a_step_depends_on_no_later_one(digits) -> None:
    net = Net([("lstm", LSTM.random(RNG, 3, 4).astype(np.float64))])
    tape = net.forward(RNG.standard_normal((1, 9, 3)))
    unit = resolve(
        dataclasses.replace(digits, net=Net([*digits.net.nodes, *net.nodes])), tape, node="lstm", channel=2, position=5
    )
    gradient = net.backward(tape, unit.seeds(tape))[net.inputs[0]][0]  # (T, features)
    assert gradient[:6].any(axis=1).all()
    assert not gradient[6:].any()


def test_a_class_by_number_and_by_its_digits_is_the_same(digits) -> None:
    number, text = (saliency(digits, sample_digit(), target=target) for target in (8, "8"))
    np.testing.assert_array_equal(number.heat, text.heat)
    assert number.label == text.label == 'class "8" (8)'


def test_several_classes_and_what_means_each(digits) -> None:
    units = resolve_several(digits, TAPE, target=[8, "3"])
    assert [unit.label for unit in units] == ['class "8" (8)', 'class "3" (3)']
    assert [target_of(unit) for unit in units] == [8, 3]
    opposite = opposite_of(digits, units[0])
    assert opposite == Unit("logits", (8,), 'class "not 8" (the opposite of 8)', -1)
    assert target_of(opposite) == "not #8"


DIFFERENCE = Unit("logits", (3,)) - 0.5 * ChannelMean("relu3", 7)
EXPLAIN_ANY = {
    one.__name__: one
    for one in (
        saliency,
        guided_backprop,
        gradient_x_input,
        smoothgrad,
        integrated_gradients,
        grad_cam,
        guided_grad_cam,
        counterfactual,
    )
}


@pytest.mark.parametrize("name", EXPLAIN_ANY)
@pytest.mark.parametrize("objective", [ChannelMean("relu3", 7), DIFFERENCE, Energy("relu3")], ids=lambda one: one.label)
def test_any_objective_is_explained(digits, name: str, objective: Objective) -> None:
    result = EXPLAIN_ANY[name](digits, sample_digit(), target=objective)
    tape = digits.net.forward(digits.preprocess(sample_digit()))
    label = resolve_any(digits, tape, target=objective).label
    assert label in result.caption
    assert "logits" not in label  # a class has a name
    assert f"{value_of(objective, tape):.4g}" in result.caption
    assert np.isfinite(result.heat).all()
    assert result.heat.any()


def test_what_is_explained_of_an_objective_is_its_own_gradient(digits) -> None:
    net, x = digits.net, digits.preprocess(sample_digit())
    tape = net.forward(x)
    gradient = net.backward(tape, DIFFERENCE.seeds(tape))["input"][0]
    np.testing.assert_array_equal(saliency(digits, sample_digit(), target=DIFFERENCE).gradients["normal"], gradient)


@pytest.mark.parametrize("objective", [DIFFERENCE, Energy("relu3")], ids=lambda one: one.label)
def test_the_shares_of_an_objective_add_up(digits, objective: Objective) -> None:
    result = integrated_gradients(digits.astype(np.float64), sample_digit(), target=objective, steps=400)
    assert result.gap < 1e-2
    assert result.path.ends[1] == pytest.approx(result.value, rel=1e-6)
    shares = gradient_x_input(digits, sample_digit(), target=objective)
    assert shares.signal.sum() + shares.stayed.total == pytest.approx(shares.value, rel=1e-5)
    assert ("the objective's own curve" in " ".join(shares.notes)) == (objective is not DIFFERENCE)


@pytest.mark.parametrize("technique", [one for one in techniques().values() if one.explains], ids=lambda one: one.name)
def test_a_class_may_be_given_as_a_unit(digits, technique) -> None:
    model = net_of(technique, digits)
    unit, number = (
        technique.compute(model, sample_digit(), target=target, **technique.in_comparison)
        for target in (Unit("logits", (8,)), 8)
    )
    np.testing.assert_array_equal(unit.heat, number.heat)
    assert unit.facts == number.facts


def test_several_units_and_classes_share_a_page(digits) -> None:
    result = grad_cam(digits, sample_digit(), target=[Unit("logits", (8,)), "3"], layer="relu2")
    expected = grad_cam(digits, sample_digit(), target="8,3", layer="relu2")
    np.testing.assert_array_equal(result.signed, expected.signed)
    assert result.labels == expected.labels


@pytest.mark.parametrize(
    ("compute", "choice", "error", "words"),
    [
        (lrp, {"target": Energy("relu3")}, SettingError, "a sum of units is explained.*energy of relu3"),
        (excitation_backprop, {"target": DIFFERENCE}, SettingError, "A winner is drawn from one unit"),
        (saliency, {"target": ChannelMean("relu3", 7), "mask": "all"}, SettingError, "leave out node=.*mask="),
        (saliency, {"target": 3, "region": (0, 0, 2, 2)}, SettingError, "A class score has no places"),
        (saliency, {"node": "logits", "mask": "all"}, SettingError, "A class score has no places"),
        (saliency, {"target": ChannelMean("relu3", 7), "node": "relu1"}, SettingError, "leave out node="),
        (saliency, {"target": Unit("logits", (10,))}, SettingError, r"no unit \(10,\)"),
        (saliency, {"target": Unit("relu3", (1,))}, SettingError, r"no unit \(1,\)"),
        (saliency, {"target": Unit("relu9", (1,))}, NetError, "near nodes: relu"),
        (saliency, {"target": [Energy("relu3"), 3]}, SettingError, "names 2; give one"),
        (saliency, {"target": Energy("relu3"), "average": True}, SettingError, "explains a class, not energy of relu3"),
        (
            grad_cam,
            {"target": [Energy("relu3"), 3]},
            SettingError,
            "of one node, but these are of relu3, logits",
        ),
    ],
)
def test_what_cannot_be_explained_so_is_said(digits, compute, choice, error, words) -> None:
    with pytest.raises(error, match=words):
        compute(digits, sample_digit(), **choice)
