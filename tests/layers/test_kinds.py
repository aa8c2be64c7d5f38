"""The kind that a layer states is the narrowest that its examples allow, read off their explicit Jacobians."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest

from minitorch_viz import Net
from minitorch_viz.graph import rule_for
from minitorch_viz.layers import (
    Conv2d,
    Embedding,
    Hardsigmoid,
    Kind,
    Layer,
    MaxUnpool2d,
    ReLU,
    ReLU6,
    Sigmoid,
    all_layers,
)
from tests.layers.layer_cases import CASES, Case


class Facts(NamedTuple):
    """A layer at two inputs of one image."""

    layer: Layer
    inputs: tuple[np.ndarray, ...]
    y: np.ndarray
    jacobian: np.ndarray  # (outputs, values of all inputs)
    y_elsewhere: np.ndarray
    x: np.ndarray  # all inputs in one row
    x_elsewhere: np.ndarray
    jacobian_elsewhere: np.ndarray


def facts_of(case: Case) -> Facts:
    inputs = tuple(x[:1] for x in case.inputs)
    elsewhere = tuple(1.5 * x[..., ::-1] - 0.25 for x in inputs)
    layer = case.layer.replace(won=case.layer.won[:1]) if isinstance(case.layer, MaxUnpool2d) else case.layer
    (y, jacobian), (y_elsewhere, other) = (through(case._replace(layer=layer, inputs=xs)) for xs in (inputs, elsewhere))
    x, x_elsewhere = (np.concatenate([x.ravel() for x in xs]) for xs in (inputs, elsewhere))
    return Facts(layer, inputs, y, jacobian, y_elsewhere, x, x_elsewhere, other)


def through(case: Case) -> tuple[np.ndarray, np.ndarray]:
    y, saved = case.forward()
    dx = case.layer.backward(np.eye(y.size).reshape(-1, *y.shape[1:]), saved)
    parts = dx if isinstance(dx, tuple) else (dx,)
    return y, np.concatenate([part.reshape(y.size, -1) for part in parts], axis=1)


def near(a: np.ndarray, b: np.ndarray) -> bool:
    return np.allclose(a, b, rtol=1e-10, atol=1e-12)


def is_affine(f: Facts) -> bool:
    step = f.jacobian @ (f.x - f.x_elsewhere)
    return near(f.jacobian, f.jacobian_elsewhere) and near((f.y - f.y_elsewhere).ravel(), step)


def weighs(f: Facts) -> bool:
    return is_affine(f) and bool(f.layer.params)


def sums(f: Facts) -> bool:
    return is_affine(f) and near(f.y.ravel(), f.jacobian @ f.x) and (f.jacobian >= 0).all() and not f.layer.params


def selects(f: Facts) -> bool:
    one_or_none = np.isin(f.jacobian, (0, 1)).all() and (f.jacobian.sum(axis=1) <= 1).all()
    return bool(one_or_none) and near(f.y.ravel(), f.jacobian @ f.x)


def own_place(f: Facts) -> bool:
    return len(f.inputs) == 1 and f.y.shape == f.inputs[0].shape


def gates(f: Facts) -> bool:
    return own_place(f) and near(f.jacobian, np.diag(np.diag(f.jacobian)))


def scales(f: Facts) -> bool:
    """What can be seen of it: each value of the first input goes on to its own place, whatever the others do to it."""
    own = f.y.shape == f.inputs[0].shape
    return own and bool((np.diag(f.jacobian[:, : f.y.size]) != 0).all())


SATISFIED: dict[Kind, Callable[[Facts], bool]] = {
    Kind.WEIGHS: weighs,
    Kind.SUMS: sums,
    Kind.SELECTS: selects,
    Kind.GATES: gates,
    Kind.SCALES: scales,
    Kind.OPAQUE: lambda f: True,
}
# What a layer must be too wide for. Whether what mixes (a softmax) only scales, no Jacobian tells.
NARROWER = {
    Kind.WEIGHS: (sums, selects, gates),
    Kind.SUMS: (selects, gates),
    Kind.SELECTS: (gates,),
    Kind.GATES: (),
    Kind.SCALES: (weighs, sums, selects, gates),
    Kind.OPAQUE: (weighs, sums, selects, gates),
}


@pytest.mark.parametrize("cls", [cls for cls in all_layers() if cls is not Embedding], ids=lambda cls: cls.__name__)
def test_every_example_is_of_the_kind_and_some_are_of_no_narrower_one(cls: type[Layer]) -> None:
    facts = [facts_of(case) for case in CASES.values() if type(case.layer) is cls]
    assert all(SATISFIED[cls.kind](f) for f in facts)
    for narrower in NARROWER[cls.kind]:
        assert not all(narrower(f) for f in facts), f"{cls.__name__} could be called more narrowly: {narrower.__name__}"


def test_every_layer_says_its_kind_itself() -> None:
    assert all("kind" in vars(cls) for cls in all_layers())
    assert Layer.kind is Kind.OPAQUE
    assert Embedding.kind is Kind.OPAQUE
    assert {cls.kind for cls in all_layers()} == set(Kind)


@pytest.mark.parametrize("cls", [cls for cls in all_layers() if cls.limits], ids=lambda cls: cls.__name__)
def test_a_layer_saturates_at_its_limits(cls: type[Layer]) -> None:
    """Far out the output is a limit, and a further step of the input changes nothing; in the middle it does."""
    layer = cls()
    middle = 3.0 if cls is ReLU6 else 0.0
    slope = 0.16 if cls is Hardsigmoid else 0.25  # its line is flatter than any of the curves
    for dtype in (np.float32, np.float64):
        at = {x: layer.forward(np.array([[x, 0.0]], dtype))[0][0, 0] for x in (-44.0, -40.0, 40.0, 44.0)}
        for limit in cls.limits:
            assert any(abs(at[x] - dtype(limit)) < 1e-16 and abs(at[x] - at[1.1 * x]) < 1e-16 for x in (-40.0, 40.0))
        y, saved = layer.forward(np.full((1, 2), middle, dtype))
        assert min(abs(y[0, 0] - limit) for limit in cls.limits) >= 0.4
        assert layer.backward(np.array([[1, 0]], dtype), saved)[0, 0] >= slope


@pytest.mark.parametrize("cls", all_layers(), ids=lambda cls: cls.__name__)
def test_a_layer_passes_its_input_on_if_it_says_so(cls: type[Layer]) -> None:
    facts = [case for case in CASES.values() if type(case.layer) is cls and not case.training]
    same = [np.array_equal(case.forward()[0].ravel(), case.inputs[0].ravel()) for case in facts]
    assert all(same) == cls.passes_on


def test_a_rule_is_looked_up_by_node_then_type_then_kind_then_any_layer() -> None:
    class Mine(ReLU):
        pass

    net = Net([("conv", Conv2d(np.ones((1, 1, 1, 1)))), ("mine", Mine()), ("relu", ReLU()), ("curve", Sigmoid())])
    rules = {key: (lambda layer, dy, saved, key=key: key) for key in ("relu", ReLU, Kind.GATES, Layer)}
    chosen = {node.name: rule_for(node, rules)(None, None, None) for node in net.nodes}
    assert chosen == {"conv": Layer, "mine": ReLU, "relu": "relu", "curve": Kind.GATES}
    assert rule_for(net["conv"], {Kind.GATES: rules[ReLU]}) is None
    tape = net.forward(np.full((1, 1, 2, 2), 2.0))
    doubled = net.backward(tape, {"curve": np.ones((1, 1, 2, 2))}, rules={Kind.GATES: lambda layer, dy, saved: 2 * dy})
    np.testing.assert_array_equal(doubled["input"], np.full((1, 1, 2, 2), 8.0))  # three gates, and a weight of 1
