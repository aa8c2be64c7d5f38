"""Receptive fields against where gradients really reach, on nets with every kind of window."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz.net import Net
from minitorch_viz.techniques.explain.receptive import receptive_field
from tests.map_nets import MAP_NETS


def positive(net: Net) -> Net:
    """All weights above 0, so that no two paths cancel."""
    return net.with_params({key: np.abs(value) + 0.1 for key, value in net.params.items()})


@pytest.mark.parametrize(
    ("name", "node", "exact"),
    [
        ("plain", "conv1", True),
        ("plain", "relu1", True),
        ("plain", "pool1", False),  # a pooling's gradient reaches its winner only
        ("plain", "conv2", False),
        ("plain", "conv3", False),
        ("plain", "fc", False),
        ("fires", "squeeze", False),
        ("fires", "join", False),
        ("residual", "sum1", True),
        ("residual", "sum2", True),
        ("residual", "fc", False),
        ("decoder", "up", True),
        ("decoder", "conv2", True),
        ("decoder", "conv3", False),  # behind a mirror, which says nothing of its window: the whole image
    ],
)
def test_it_holds_every_gradient(rng, name: str, node: str, exact: bool) -> None:
    """In float64, over all places: nothing outside; and, where no pooling chooses, no smaller box would do."""
    case = MAP_NETS[name]
    net = positive(case.build(rng))
    x = np.abs(rng.standard_normal((1, 2, *case.size))) + 0.1
    tape = net.forward(x, upto=node)
    shape = tape[node].shape
    places = np.ndindex(*shape[2:]) if len(shape) == 4 else [None]
    for place in places:
        seed = np.zeros(shape)
        seed[(0, 0, *(place or ()))] = 1
        reached = net.backward(tape, {node: seed}, crop=False)["input"][0].any(axis=0)
        top, left, bottom, right = receptive_field(net, tape, node, place)
        inside = np.zeros_like(reached)
        inside[top:bottom, left:right] = True
        assert not (reached & ~inside).any(), (place, (top, left, bottom, right))
        if exact:
            rows, columns = np.flatnonzero(reached.any(axis=1)), np.flatnonzero(reached.any(axis=0))
            assert (top, left, bottom, right) == (rows[0], columns[0], rows[-1] + 1, columns[-1] + 1), place


def test_a_hand_counted_field(digits) -> None:
    """Two 3x3 convolutions see 5x5, clipped by the border."""
    tape = digits.net.forward(np.zeros((1, 1, 8, 8), np.float32))
    assert receptive_field(digits.net, tape, "relu2", (4, 3)) == (2, 1, 7, 6)
    assert receptive_field(digits.net, tape, "relu2", (0, 7)) == (0, 5, 3, 8)
    assert receptive_field(digits.net, tape, "pool2", (1, 2)) == (0, 2, 6, 8)  # a 2x2 pooling adds one
    assert receptive_field(digits.net, tape, "logits", None) == (0, 0, 8, 8)
