"""PyTorch as the oracle: every layer's forward pass and all its gradients, in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minitorch_viz.layers as L
from minitorch_viz.layers import LSTM, BatchNorm2d, MaxPool2d, all_layers, lstm_stack, softmax_cross_entropy
from tests.layers.layer_cases import CASES, gradients
from tests.layers.torch_oracles import ORACLES, has_namesake, namesake

torch = pytest.importorskip("torch")
F = torch.nn.functional
pytestmark = pytest.mark.torch


def close(found: np.ndarray, expected: Any) -> None:
    expected = expected.detach().numpy() if hasattr(expected, "detach") else expected
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10 * max(1, np.abs(expected).max(initial=0)))


def conv2d(layer, p, x):
    padding = layer.padding
    if len(padding) == 4 or layer.padding_mode != "zeros":
        top, bottom, left, right = padding if len(padding) == 4 else np.repeat(padding, 2).tolist()
        mode = "constant" if layer.padding_mode == "zeros" else layer.padding_mode
        x, padding = F.pad(x, (left, right, top, bottom), mode), 0
    return F.conv2d(x, p["weight"], p.get("bias"), layer.stride, padding, layer.dilation, layer.groups)


def conv_transpose2d(layer, p, x):
    settings = layer.stride, layer.padding, layer.output_padding, layer.groups, layer.dilation
    return F.conv_transpose2d(x, p["weight"], p.get("bias"), *settings)


def unpool(layer, _p, x):
    """A sum over the windows that share a place, which F.max_unpool2d leaves undefined."""
    won = torch.from_numpy(layer.won).long().flatten(2)
    flat = torch.zeros(*x.shape[:2], layer.size[0] * layer.size[1], dtype=x.dtype)
    return flat.scatter_add(2, won, x.flatten(2)).reshape(*x.shape[:2], *layer.size)


def lrn(layer, _p, x):
    alpha = layer.alpha if layer.divide_alpha else layer.alpha * layer.size
    return F.local_response_norm(x, layer.size, alpha, layer.beta, layer.k)


def batch_norm(layer, p, x, training):
    mean, var = torch.tensor(layer.running_mean), torch.tensor(layer.running_var)
    return F.batch_norm(x, mean, var, p.get("weight"), p.get("bias"), training, layer.momentum, layer.eps)


def dropout(layer, _p, x, training):
    if not training:
        return F.dropout(x, layer.p, training=False)
    _, saved = layer.forward(x.detach().numpy(), rng=np.random.default_rng(7))  # the same mask
    assert set(np.unique(saved.factor)) <= {0, 1 / (1 - layer.p)}
    return x * torch.from_numpy(saved.factor)


def lstm(layer, p, x, h0=None, c0=None):
    module = torch.nn.LSTM(layer.weight_ih_l0.shape[1], layer.weight_hh_l0.shape[1], batch_first=True).double()
    weights = {name: torch.zeros_like(value) for name, value in module.named_parameters()} | p
    state = None if h0 is None else (h0[None], c0[None])
    return torch.func.functional_call(module, weights, (x, state))[0]


TORCH = ORACLES | {
    L.Add: lambda _layer, _p, *xs: sum(xs),
    L.AvgPool2d: lambda l, _p, x: F.avg_pool2d(x, l.kernel, l.stride, l.padding, l.ceil_mode, l.count_include_pad),
    L.BatchNorm2d: batch_norm,
    L.Concat: lambda l, _p, *xs: torch.cat(xs, l.axis),
    L.Conv2d: conv2d,
    L.ConvTranspose2d: conv_transpose2d,
    L.Dropout: dropout,
    L.Embedding: lambda _layer, p, x: F.embedding(x, p["weight"]),
    L.Flatten: lambda l, _p, x: torch.flatten(x, l.start_dim),
    L.GlobalAvgPool2d: lambda _layer, _p, x: F.adaptive_avg_pool2d(x, 1),
    L.LSTM: lstm,
    L.LeakyReLU: lambda l, _p, x: F.leaky_relu(x, l.negative_slope),
    L.Linear: lambda _layer, p, x: F.linear(x, p["weight"], p.get("bias")),
    L.LocalResponseNorm: lrn,
    L.LogSoftmax: lambda l, _p, x: F.log_softmax(x, l.axis),
    L.MaxPool2d: lambda l, _p, x: F.max_pool2d(x, l.kernel, l.stride, l.padding, l.dilation, l.ceil_mode),
    L.MaxUnpool2d: unpool,
    L.ReLU: lambda _layer, _p, x: F.relu(x),
    L.Sigmoid: lambda _layer, _p, x: torch.sigmoid(x),
    L.Softmax: lambda l, _p, x: F.softmax(x, l.axis),
    L.Tanh: lambda _layer, _p, x: torch.tanh(x),
    L.UpsampleNearest: lambda l, _p, x: F.interpolate(
        x, l.size, None if l.size else [float(f) for f in l.factor], mode="nearest"
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_forward_and_gradients(name):
    case = CASES[name]
    layer = case.layer
    xs = [torch.tensor(x, requires_grad=x.dtype.kind == "f") for x in case.inputs]
    p = {key: torch.tensor(value, requires_grad=True) for key, value in layer.params.items()}
    settings = {"training": case.training} if layer.uses_rng else {}
    y, saved = case.forward()
    torch_y = TORCH.get(type(layer), namesake)(layer, p, *xs, **settings)
    close(y, torch_y)
    dy = np.random.default_rng(1).standard_normal(y.shape)
    torch_y.backward(torch.from_numpy(dy))
    named = {f"input {i}": x for i, x in enumerate(xs) if x.requires_grad} | p
    found = gradients(case, dy, saved)
    assert found.keys() == named.keys()
    for key, grad in found.items():
        close(grad, named[key].grad)


def test_every_layer_has_an_oracle():
    assert TORCH.keys() | {kind for kind in all_layers() if has_namesake(kind)} == set(all_layers())


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize(
    ("kernel", "stride", "padding"), [(2, 2, 0), (3, 2, 1), (3, 1, 0), (2, 3, 1), ((3, 2), (1, 2), 1)]
)
def test_switches_of_max_pooling_with_ties(rng, kernel, stride, padding, ceil_mode):
    x = rng.integers(0, 3, (2, 3, 7, 8)).astype(float)  # three values: nearly every window is tied
    y, saved = MaxPool2d(kernel, stride, padding, ceil_mode).forward(x)
    expected, won = F.max_pool2d(torch.from_numpy(x), kernel, stride, padding, 1, ceil_mode, return_indices=True)
    np.testing.assert_array_equal(y, expected.numpy())
    np.testing.assert_array_equal(saved.won, won.numpy())


def test_unpooling_of_windows_that_do_not_overlap(rng):
    x = rng.standard_normal((2, 3, 6, 4))
    y, saved = MaxPool2d(2).forward(x)
    found, _ = L.MaxUnpool2d.from_saved(saved).forward(y)
    np.testing.assert_array_equal(found, F.max_unpool2d(torch.from_numpy(y), torch.from_numpy(saved.won).long(), 2))


def test_running_statistics_over_three_batches(rng):
    module = torch.nn.BatchNorm2d(4, momentum=0.3).double()
    layer = BatchNorm2d.fresh(4).astype(np.float64).replace(momentum=0.3)
    for n in (2, 5, 3):
        x = 2 + 3 * rng.standard_normal((n, 4, 3, 2))
        y, saved = layer.forward(x, rng=rng)
        close(y, module(torch.from_numpy(x)))
        layer = layer.with_running_stats(saved)
        close(layer.running_mean, module.running_mean)
        close(layer.running_var, module.running_var)
    module.eval()
    close(layer.forward(x)[0], module(torch.from_numpy(x)))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("prefix", ["", "encoder.lstm"])
def test_lstm_stack_is_a_multi_layer_lstm(rng, bias, prefix):
    module = torch.nn.LSTM(3, 4, num_layers=3, bias=bias, batch_first=True).double()
    start = f"{prefix}." if prefix else ""
    state = {start + name: value.numpy() for name, value in module.state_dict().items()} | {"other.weight": np.ones(1)}
    layers = lstm_stack(state, prefix)
    assert len(layers) == 3
    x = rng.standard_normal((2, 5, 3))
    torch_x = torch.tensor(x, requires_grad=True)
    y, tape = x, []
    for layer in layers:
        y, saved = layer.forward(y)
        tape.append(saved)
    torch_y, (h, c) = module(torch_x)
    close(y, torch_y)
    close(np.stack([saved.h[:, -1] for saved in tape]), h)
    close(np.stack([saved.c[:, -1] for saved in tape]), c)
    dy = rng.standard_normal(y.shape)
    torch_y.backward(torch.from_numpy(dy))
    for k in (2, 1, 0):
        for name, grad in layers[k].param_grads(dy, tape[k]).items():
            close(grad, getattr(module, f"{name.removesuffix('0')}{k}").grad)
        dy = layers[k].backward(dy, tape[k])
    close(dy, torch_x.grad)


@pytest.mark.parametrize(("shape", "axis"), [((4, 3), 1), ((2, 3, 4, 5), 1), ((2, 4, 3), 2)])
@pytest.mark.parametrize("kind", ["classes", "probabilities"])
def test_softmax_cross_entropy(rng, shape, axis, kind):
    logits = 5 * rng.standard_normal(shape)
    if kind == "classes":
        labels = rng.integers(0, shape[axis], shape[:axis] + shape[axis + 1 :])
        torch_labels = torch.from_numpy(labels)
    else:
        labels = np.exp(rng.standard_normal(shape))
        labels /= labels.sum(axis=axis, keepdims=True)
        torch_labels = torch.from_numpy(labels).movedim(axis, 1)
    loss, dlogits = softmax_cross_entropy(logits, labels, axis)
    torch_logits = torch.tensor(logits, requires_grad=True)
    expected = F.cross_entropy(torch_logits.movedim(axis, 1), torch_labels)
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-12)
    close(dlogits, torch_logits.grad)


def test_random_layers_load_into_pytorch(rng):
    """Names and layouts are PyTorch's: a state dict goes over without a renaming table."""
    pairs = [
        (L.Conv2d.random(rng, 4, 6, 3, groups=2), torch.nn.Conv2d(4, 6, 3, groups=2)),
        (L.ConvTranspose2d.random(rng, 4, 6, 3, groups=2), torch.nn.ConvTranspose2d(4, 6, 3, groups=2)),
        (L.Linear.random(rng, 3, 5), torch.nn.Linear(3, 5)),
        (L.Embedding.random(rng, 7, 3), torch.nn.Embedding(7, 3)),
        (LSTM.random(rng, 3, 5), torch.nn.LSTM(3, 5)),
        (BatchNorm2d.fresh(3), torch.nn.BatchNorm2d(3)),
    ]
    for layer, module in pairs:
        assert all(value.dtype == np.float32 for value in layer.state.values())
        result = module.load_state_dict({name: torch.from_numpy(v) for name, v in layer.state.items()}, strict=False)
        assert not result.unexpected_keys
        assert set(result.missing_keys) <= {"num_batches_tracked"}
