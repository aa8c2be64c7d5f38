"""The plain plan, the walk and nothing else, gives what less work gives."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import numpy as np
import pytest

import minitorch_viz.net as net_module
import minitorch_viz.rules  # noqa: F401  # rules put their kernels into the table
import minitorch_viz_kernels as kernels
from minitorch_viz import Net, layers, relu_mode, walk
from minitorch_viz.errors import SettingError
from minitorch_viz.layers import LSTM, BatchNorm2d, Conv2d, Flatten, LeakyReLU, Linear, ReLU
from minitorch_viz.less_work import backward, plan
from minitorch_viz.rules import guided, lrp_rules
from tests.map_nets import MAP_NETS
from tests.rules.share_nets import TOPS


@pytest.fixture(params=MAP_NETS)
def case(request, rng) -> tuple[str, Net, np.ndarray]:
    case = MAP_NETS[request.param]
    return request.param, case.build(rng), rng.standard_normal((1, 2, *case.size))


def test_forward_passes_are_the_same_to_the_bit(case) -> None:
    _, net, x = case
    plain, fused = net.forward(x, fuse=True, plan="plain"), net.forward(x, fuse=True)
    assert not plain.fused
    for name, value in fused.values.items():
        np.testing.assert_array_equal(plain[name], value)
    for name in net.names[1:]:
        np.testing.assert_array_equal(net.predict(x, upto=name, plan="plain"), net.predict(x, upto=name))


@pytest.mark.parametrize("mode", ["normal", "deconvnet", "guided"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_backward_passes_of_whole_maps_are_the_same_to_the_bit(case, mode: str, dtype: type, rng) -> None:
    _, net, x = case
    net, tape, rules = net.astype(dtype), net.astype(dtype).forward(x.astype(dtype)), relu_mode(mode)
    seeds = {net.output: rng.standard_normal((3, *tape[net.output].shape[1:])).astype(dtype)}
    wrt = ("input", "conv1")
    plain = net.backward(tape, seeds, wrt=wrt, rules=rules, plan="plain")
    less = net.backward(tape, seeds, wrt=wrt, rules=rules, chunk=3)
    for name, dx in plain.items():
        np.testing.assert_array_equal(less[name], dx)
        assert dx.dtype == dtype


def test_boxes_and_chunks_are_the_same_within_rounding(case, rng) -> None:
    _, net, x = case
    tape = net.forward(x)
    for node in [name for name in tape.saved if tape[name].ndim == 4]:
        seed = np.zeros((4, *tape[node].shape[1:]))
        seed[:, 0, 0, -1] = rng.standard_normal(4)
        plain = net.backward(tape, {node: seed}, plan="plain")["input"]
        less = net.backward(tape, {node: seed}, chunk=2)["input"]
        np.testing.assert_allclose(less, plain, rtol=1e-10, atol=1e-12 * max(np.abs(plain).max(), 1e-12))


def test_rules_for_a_tape(case, rng) -> None:
    name, net, x = case
    top = TOPS[name]
    tape = net.forward(np.abs(x))
    seeds, rules = {top: rng.standard_normal(tape[top].shape)}, lrp_rules(net, tape)
    plain, less = (net.backward(tape, seeds, rules=rules, plan=plan)["input"] for plan in ("plain", "less"))
    np.testing.assert_array_equal(less, plain)


def test_gradients_of_parameters(case, rng) -> None:
    _, net, x = case
    tape = net.forward(np.concatenate([x, -x]), rng=rng)
    seeds = {net.output: rng.standard_normal(tape[net.output].shape)}
    check_gradients(net, tape, seeds)


def test_gradients_of_recurrent_parameters(rng) -> None:
    net = Net([(name, LSTM.random(rng, 3, 3).astype(np.float64)) for name in "abc"])
    tape, seeds = net.forward(rng.standard_normal((2, 4, 3))), {"c": rng.standard_normal((2, 4, 3))}
    check_gradients(net, tape, seeds)


def check_gradients(net, tape, seeds) -> None:
    plain, less = (net.param_grads(tape, seeds, plan=plan) for plan in ("plain", "less"))
    assert plain.keys() == less.keys() == net.params.keys()
    for name, grad in plain.items():
        np.testing.assert_allclose(less[name], grad, rtol=1e-12, atol=1e-12 * max(np.abs(grad).max(), 1e-12))


def test_the_plain_plan_leaves_everything_out(rng, monkeypatch) -> None:
    """Whole maps of all seeds at once, one rule a node as it is written, one node after the other."""
    net = Net([("conv", Conv2d(rng.standard_normal((2, 1, 3, 3)), padding=1)), ("relu", ReLU())])
    tape, seed = net.forward(rng.standard_normal((1, 1, 30, 30))), np.zeros((5, 2, 30, 30))
    seed[:, 0, 4, 4] = 1
    for name in ("walk", "KERNELS", "_cropped", "one_pass"):
        monkeypatch.setattr(backward, name, None)
    shapes = []
    spy = lambda layer, dy, saved: (shapes.append(dy.shape), guided(layer, dy, saved))[1]
    net.backward(tape, {"relu": seed}, rules={ReLU: spy}, chunk=2, plan="plain")
    net.param_grads(tape, {"relu": seed}, plan="plain")
    assert shapes == [seed.shape]
    with pytest.raises(TypeError):
        net.backward(tape, {"relu": seed})  # the others need what was taken away


def test_an_unknown_plan_is_told_in_a_sentence() -> None:
    with pytest.raises(SettingError, match="There is no plan 'lazy'; "):
        plan("lazy")


# ---------------------------------------------------------------- kernels in the place of rules


@pytest.mark.parametrize(
    ("rule", "layer"), backward.KERNELS, ids=[f"{rule.__name__}-{cls.__name__}" for rule, cls in backward.KERNELS]
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_kernel_in_the_place_of_a_rule_computes_the_same(rule, layer, dtype: type) -> None:
    """On every example of the layer, with three seeds on one tape, and with signals that are 0, -0, infinite or NaN."""
    rng = np.random.default_rng(4)
    special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e-300, -1e-30], dtype)
    for one, (x, *_) in layer.examples(rng):
        y, saved = one.forward(x[:1].astype(dtype))
        for seeds in (1, 3):
            dy = rng.standard_normal((seeds, *y.shape[1:])).astype(dtype)
            for signal in (dy, rng.choice(special, dy.shape)):
                expected = rule(one, signal, saved)
                found = backward.KERNELS[rule, layer](one, signal, saved)
                np.testing.assert_array_equal(found, expected)
                assert found.dtype == expected.dtype == dtype


def test_a_kernel_stands_in_for_its_own_layer_type_only() -> None:
    """Guided through a leaky ReLU: nothing but the arithmetic of the rule."""
    net = Net([("leaky", LeakyReLU())])
    x, dy = np.array([[-1.0, 2.0, 3.0]]), np.array([[4.0, 5.0, -6.0]])
    for plan_name in ("less", "plain"):
        passed = net.backward(net.forward(x), {"leaky": dy}, rules={LeakyReLU: guided}, plan=plan_name)["input"]
        np.testing.assert_array_equal(passed, [[0.0, 5.0, 0.0]])


def test_a_rule_that_cannot_be_hashed_is_a_rule() -> None:
    class Doubled(dict):
        def __call__(self, layer, dy, saved):
            return 2 * layer.backward(dy, saved)

    net = Net([("flat", Flatten()), ("fc", Linear(np.ones((1, 3))))])
    tape = net.forward(np.ones((1, 3)))
    np.testing.assert_array_equal(net.backward(tape, {"fc": np.ones((1, 1))}, rules={Linear: Doubled()})["input"], 2.0)


# ---------------------------------------------------------------- what a learner opens


def test_the_walk_is_short_and_the_net_asks_for_a_plan_only() -> None:
    assert len(inspect.getsource(walk).splitlines()) <= 30
    tree = ast.parse(inspect.getsource(net_module))
    asked = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "less_work"
    }
    assert asked == {"plan"}


def test_three_files_hold_the_formulas_of_convolution() -> None:
    """layers/conv.py names the file of the loops, in which its three passes stand; contract.py states them."""
    layer = Path(inspect.getfile(Conv2d))
    (named,) = re.findall(r"minitorch_viz_kernels/(\S+)\.py", layer.read_text(encoding="utf-8"))
    loops = Path(kernels.__file__).parent / f"{named}.py"
    for file in (loops, loops.with_name("contract.py")):
        written = {
            part.name for part in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(part, ast.FunctionDef)
        }
        assert {"conv2d", "conv2d_dx", "conv2d_dw"} <= written
    passes = {"conv2d": "forward", "conv2d_dx": "backward", "conv2d_dw": "param_grads"}
    for kernel, method in passes.items():
        assert f"kernels.{kernel}(" in inspect.getsource(getattr(Conv2d, method))


def test_layers_hold_no_more_than_formulas() -> None:
    """No argument of `forward` or `backward` but arrays, what was saved, and the generator of training; no backends."""
    for cls in layers.all_layers():
        source = Path(inspect.getfile(cls)).read_text(encoding="utf-8")
        assert "np.ndarray" not in source
        assert "cupy" not in source.lower()
    for cls in (Conv2d, Linear, ReLU, BatchNorm2d):
        assert set(inspect.signature(cls.forward).parameters) <= {"self", "x", "rng"}
        assert set(inspect.signature(cls.backward).parameters) == {"self", "dy", "saved"}
