"""Which unit the settings mean: of a class, of maps, of a sequence, of a row; and what it is called."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz import Net
from minitorch_viz.errors import SettingError
from minitorch_viz.graph import Tape
from minitorch_viz.layers import LSTM
from minitorch_viz.models.samples import sample_digit
from minitorch_viz.objectives import Unit
from minitorch_viz.techniques import saliency
from minitorch_viz.techniques.explain.unit import opposite_of, resolve, resolve_several, target_of, value_of

RNG = np.random.default_rng(0)
TAPE = Tape(
    {
        "maps": RNG.standard_normal((1, 4, 3, 5)),  # (N, C, h, w)
        "steps": RNG.standard_normal((1, 7, 6)),  # (N, T, D)
        "row": RNG.standard_normal((1, 6)),  # (N, D)
        "cube": RNG.standard_normal((1, 2, 3, 4, 5)),
        "logits": RNG.standard_normal((1, 10)),
    },
    {},
)


@pytest.mark.parametrize(
    ("which", "index", "label"),
    [
        ({"node": "maps", "channel": 2, "position": (1, 4)}, (2, 1, 4), "maps channel 2 at row 1, column 4"),
        ({"node": "maps", "channel": 2, "position": [1, 4]}, (2, 1, 4), "maps channel 2 at row 1, column 4"),
        ({"node": "steps", "channel": 2, "position": 6}, (6, 2), "steps channel 2 at step 6"),
        ({"node": "steps", "channel": 5, "position": (0,)}, (0, 5), "steps channel 5 at step 0"),
        ({"node": "row", "channel": 3}, (3,), "row unit 3"),
        ({"node": "logits", "channel": 3}, (3,), 'class "3" (3)'),
        ({"target": 3}, (3,), 'class "3" (3)'),
        ({"target": "3"}, (3,), 'class "3" (3)'),
    ],
)
def test_the_unit_that_is_named(digits, which, index, label) -> None:
    unit = resolve(digits, TAPE, **which)
    assert (unit.index, unit.label) == (index, label)
    assert value_of(unit, TAPE) == TAPE[unit.node][(0, *index)]


@pytest.mark.parametrize("node", ["maps", "steps", "row"])
def test_what_is_left_out_is_where_it_is_strongest(digits, node) -> None:
    output = TAPE[node][0]
    assert resolve(digits, TAPE, node=node).index == np.unravel_index(output.argmax(), output.shape)
    channels = output.T if node == "steps" else output
    unit = resolve(digits, TAPE, node=node, channel=1)
    assert value_of(unit, TAPE) == channels[1].max()


@pytest.mark.parametrize(
    ("which", "words"),
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
def test_what_does_not_fit_is_said(digits, which, words) -> None:
    with pytest.raises(SettingError, match=words):
        resolve(digits, TAPE, **which)


def test_a_step_depends_on_no_later_one(digits) -> None:
    net = Net([("lstm", LSTM.random(RNG, 3, 4).astype(np.float64))])
    tape = net.forward(RNG.standard_normal((1, 9, 3)))
    unit = resolve(digits, tape, node="lstm", channel=2, position=5)
    gradient = net.backward(tape, unit.seeds(tape))[net.inputs[0]][0]  # (T, features)
    assert gradient[:6].any(axis=1).all()
    assert not gradient[6:].any()


def test_a_class_by_number_and_by_its_digits_is_the_same(digits) -> None:
    number, text = (saliency(digits, sample_digit(), target=target) for target in (8, "8"))
    np.testing.assert_array_equal(number.heat, text.heat)
    assert number.label == text.label == 'class "8" (8)'


def test_several_classes_and_what_means_each(digits) -> None:
    units = resolve_several(digits, TAPE, target=[8, "3"])
    assert [unit.index for unit in units] == [(8,), (3,)]
    assert [target_of(unit) for unit in units] == [8, 3]
    opposite = opposite_of(digits, units[0])
    assert opposite == Unit("logits", (8,), 'class "not 8" (the opposite of 8)', -1)
    assert target_of(opposite) == "not #8"
