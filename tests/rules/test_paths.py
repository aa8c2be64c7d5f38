"""The sums over paths: against every layer's Jacobian, against paths counted one by one, and against guided."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from minitorch_viz import Net, relu_mode
from minitorch_viz.errors import SettingError
from minitorch_viz.layers import (
    GRU,
    LSTM,
    Add,
    BatchNorm2d,
    Conv2d,
    Flatten,
    LayerNorm,
    Linear,
    MaxPool2d,
    MultiheadAttention,
    ReLU,
    SiLU,
)
from minitorch_viz.layers.base import Layer
from minitorch_viz.rules.paths import WAYS, _way_of, path_magnitudes, positive_paths
from tests.layers.layer_cases import CASES
from tests.rules.share_nets import ACTIVATIONS, matrix

REFUSED = ("LSTM", "GRU", "RNN", "Embedding", "MaxUnpool2d")  # the last: its switches are for a batch
LISTED = [name for name, case in CASES.items() if case.layer.type_name not in REFUSED and not case.training]


@pytest.mark.parametrize("name", LISTED)
def test_with_whole_derivatives_it_is_the_gradient(name, rng) -> None:
    """Of K seeds on the tape of one image, too."""
    layer, inputs, _ = CASES[name]
    y, saved = layer.forward(*(x[:1] for x in inputs))
    dy = np.abs(rng.standard_normal((2, *y.shape[1:])))
    ours, gradient = _way_of(layer)(layer, dy, saved, lambda d: d), layer.backward(dy, saved)
    ours, gradient = (part if isinstance(part, tuple) else (part,) for part in (ours, gradient))
    for dx, expected in zip(ours, gradient, strict=True):
        np.testing.assert_allclose(dx, expected, rtol=1e-9, atol=1e-11)


def one_step(layer: Layer) -> bool:
    """Whether no path splits inside the layer: in a mirrored border one pixel is read at two places."""
    return not isinstance(layer, MultiheadAttention) and getattr(layer, "padding_mode", "zeros") == "zeros"


@pytest.mark.parametrize("name", [name for name in LISTED if one_step(CASES[name].layer)])
def test_each_layer_goes_back_through_a_part_of_its_jacobian(name, rng) -> None:
    layer, inputs, _ = CASES[name]
    y, saved = layer.forward(*(x[:1] for x in inputs))
    jacobian = matrix(layer, (y.shape[1:], saved))
    dy = np.abs(rng.standard_normal(y.shape))
    for rule, part in ((positive_paths, np.maximum(jacobian, 0)), (path_magnitudes, np.abs(jacobian))):
        dx = rule(layer, dy, saved)
        parts = dx if isinstance(dx, tuple) else (dx,)
        ours = np.concatenate([one.reshape(1, -1) for one in parts], axis=1)[0]
        np.testing.assert_allclose(ours, dy.ravel() @ part, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("crossed", [False, True])
def test_an_attention_is_gone_through_product_by_product(crossed, rng) -> None:
    """Its steps written as tensors of their derivatives, of which a part is taken before they are multiplied."""
    layer = MultiheadAttention(*(rng.standard_normal(s) for s in ((12, 4), (12,), (4, 4), (4,))), 2)
    xs = [rng.standard_normal((1, 3, 4)) for _ in range(3 if crossed else 1)]
    y, saved = layer.forward(*xs)
    dy = np.abs(rng.standard_normal(y.shape))
    wq, wk, wv = np.split(layer.in_proj_weight, 3)
    eye = np.eye(3)
    for rule, part in ((positive_paths, lambda d: np.maximum(d, 0)), (path_magnitudes, np.abs)):
        do = np.einsum("te,eo->to", dy[0], part(layer.out_proj_weight)).reshape(3, 2, 2)  # (T, heads, D)
        p, q, k, v = saved.p[0], saved.q[0], saved.k[0], saved.v[0]  # (heads, T, S) and (heads, T, D)
        softmax = part(np.einsum("htu,us->htus", p, eye) - np.einsum("htu,hts->htus", p, p))
        ds = np.einsum("thd,hud,htus->hts", do, part(v), softmax)
        dq = np.einsum("hts,hsd->thd", ds, part(k / np.sqrt(2))).reshape(3, 4) @ part(wq)
        dk = np.einsum("hts,htd->shd", ds, part(q / np.sqrt(2))).reshape(3, 4) @ part(wk)
        dv = np.einsum("hts,thd->shd", p, do).reshape(3, 4) @ part(wv)
        ours = rule(layer, dy, saved)
        if crossed:
            for one, expected in zip(ours, (dq, dk, dv), strict=True):
                np.testing.assert_allclose(one[0], expected, atol=1e-12)
        else:
            np.testing.assert_allclose(ours[0], dq + dk + dv, atol=1e-12)


# ---------------------------------------------------------------------- whole nets


def small_net(rng) -> Net:
    """Everything that a residual net has, small enough to count its paths."""
    norm = BatchNorm2d(np.array([-1.5, 0.7]), rng.standard_normal(2), rng.standard_normal(2), rng.uniform(0.5, 2, 2))
    return Net(
        [
            ("conv1", Conv2d(rng.standard_normal((2, 1, 2, 2)), rng.standard_normal(2))),
            ("norm", norm),
            ("relu1", ReLU()),
            ("conv2", Conv2d(rng.standard_normal((2, 2, 1, 1)))),
            ("add", Add(), ("conv2", "norm")),
            ("silu", SiLU()),
            ("pool", MaxPool2d(2, 1)),
            ("flat", Flatten()),
            ("scale", LayerNorm(8, rng.standard_normal(8))),
            ("fc", Linear(rng.standard_normal((3, 8)))),
        ]
    )


def paths_of(net: Net, tape, name: str, unit: int, product: float = 1, all_positive: bool = True) -> Iterator[tuple]:
    """(pixel, product of the derivatives, whether all of them are positive) of every path from a unit of a node."""
    if name in net.inputs:
        yield unit, product, all_positive
        return
    node = net[name]
    jacobian = matrix(node.layer, (tape[name].shape[1:], tape.saved[name]))
    start = 0
    for source in node.inputs:
        size = tape[source].size
        for j, derivative in enumerate(jacobian[unit, start : start + size]):
            if derivative:
                yield from paths_of(net, tape, source, j, product * derivative, all_positive and derivative > 0)
        start += size


def counted(net: Net, tape, unit: int) -> dict[str, np.ndarray]:
    sums = {key: np.zeros(tape["input"].size) for key in ("all positive", "positive", "negative")}
    for pixel, product, all_positive in paths_of(net, tape, net.output, unit):
        sums["positive" if product > 0 else "negative"][pixel] += product
        sums["all positive"][pixel] += product * all_positive
    return sums


def passes(net: Net, tape, unit: int) -> tuple[np.ndarray, ...]:
    """What comes to the pixels by the positive paths, by all magnitudes, and as the gradient."""
    seed = {net.output: np.eye(tape[net.output].shape[1])[unit : unit + 1]}
    chosen = ({Layer: positive_paths}, {Layer: path_magnitudes}, None)
    return tuple(net.backward(tape, seed, rules=rules)["input"].ravel() for rules in chosen)


@pytest.mark.parametrize("unit", [0, 1, 2])
def test_paths_counted_one_by_one(unit, rng) -> None:
    net = small_net(rng)
    tape = net.forward(rng.standard_normal((1, 1, 4, 4)))
    sums = counted(net, tape, unit)
    positive, magnitudes, gradient = passes(net, tape, unit)
    assert positive.any()
    np.testing.assert_allclose(positive, sums["all positive"], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose((magnitudes + gradient) / 2, sums["positive"], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose((gradient - magnitudes) / 2, sums["negative"], rtol=1e-9, atol=1e-12)
    assert (positive <= sums["positive"] + 1e-12).all()
    assert (positive < sums["positive"] - 1e-6).any()  # two negative derivatives make a positive path


def test_it_is_not_guided_backpropagation() -> None:
    """A sum of +3 and -1 passes a guided ReLU as 2; by paths it is 3, and a pixel behind two minuses has none."""
    net = Net(
        [
            ("low", Linear(np.array([[1.0, -1.0]]))),
            ("relu1", ReLU()),
            ("middle", Linear(np.array([[3.0], [-1.0]]), np.array([0.0, 9.0]))),
            ("relu2", ReLU()),
            ("top", Linear(np.array([[1.0, 1.0]]))),
        ]
    )
    tape = net.forward(np.array([[3.0, 1.0]]))
    seed = {"top": np.ones((1, 1))}
    guided = net.backward(tape, seed, rules=relu_mode("guided"))["input"]
    positive = net.backward(tape, seed, rules={Layer: positive_paths})["input"]
    np.testing.assert_array_equal(guided, [[2.0, -2.0]])
    np.testing.assert_array_equal(positive, [[3.0, 0.0]])


def test_with_positive_weights_it_is_the_gradient(rng) -> None:
    net = Net([("a", Linear(rng.random((5, 4)))), ("relu", ReLU()), ("b", Linear(rng.random((2, 5))))])
    tape = net.forward(rng.standard_normal((1, 4)))
    positive, magnitudes, gradient = passes(net, tape, 1)
    np.testing.assert_allclose(positive, gradient)
    np.testing.assert_allclose(magnitudes, gradient)


@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_an_activation_of_ones_own_is_gone_through_by_its_derivative(kind, rng) -> None:
    layer, x = ACTIVATIONS[kind], rng.standard_normal((1, 4, 3))
    dy = np.abs(rng.standard_normal(x.shape))
    _, saved = layer.forward(x)
    slope = layer.backward(np.ones_like(x), saved)
    np.testing.assert_allclose(positive_paths(layer, dy, saved), dy * np.maximum(slope, 0))
    np.testing.assert_allclose(path_magnitudes(layer, dy, saved), dy * np.abs(slope))


@pytest.mark.parametrize("cls", [LSTM, GRU])
def test_recurrent_layers_are_refused_in_a_sentence(cls, rng) -> None:
    layer, (x,) = cls.examples(rng)[0]
    y, saved = layer.forward(x)
    with pytest.raises(SettingError, match=rf"paths through {cls.__name__} cannot be told apart"):
        positive_paths(layer, np.abs(y), saved)


def test_a_tape_of_training_is_refused(rng) -> None:
    norm = BatchNorm2d.fresh(2).astype(np.float64)
    y, saved = norm.forward(rng.standard_normal((2, 2, 3, 3)), rng=rng)
    with pytest.raises(SettingError, match="without rng"):
        positive_paths(norm, np.abs(y), saved)
    assert BatchNorm2d in WAYS
