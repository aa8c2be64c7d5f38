"""The blocks that later classifiers are built of, as nodes of a net, against PyTorch: outputs, input and parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minitorch_viz import Net
from minitorch_viz.layers import (
    GELU,
    Add,
    Affine,
    BatchNorm1d,
    BatchNorm2d,
    ChannelShuffle,
    Concat,
    Conv2d,
    Flatten,
    GlobalAvgPool2d,
    Hardsigmoid,
    Hardswish,
    LayerNorm,
    Linear,
    MaxPool2d,
    Mul,
    MultiheadAttention,
    Pad,
    Permute,
    ReLU,
    Reshape,
    Sigmoid,
    SiLU,
    Slice,
)

torch = pytest.importorskip("torch")
nn = torch.nn
pytestmark = pytest.mark.torch


def array(tensor: Any) -> np.ndarray:
    value: np.ndarray = tensor.detach().numpy()
    return value


def conv(module: Any) -> Conv2d:
    bias = None if module.bias is None else array(module.bias)
    return Conv2d(array(module.weight), bias, module.stride, module.padding, module.dilation, module.groups)


def norm(module: Any) -> BatchNorm2d:
    values = module.weight, module.bias, module.running_mean, module.running_var
    return BatchNorm2d(*map(array, values), module.eps)


def linear(module: Any) -> Linear:
    return Linear(array(module.weight), array(module.bias))


def layer_norm(module: Any) -> LayerNorm:
    return LayerNorm(module.normalized_shape, array(module.weight), array(module.bias), module.eps)


class Squeezed(nn.Module):
    """MobileNetV3's and EfficientNet's block: expand, filter each channel, scale the channels, project, add."""

    def __init__(self, curve: Any, gate: Any) -> None:
        super().__init__()
        self.expand, self.depthwise = (
            nn.Conv2d(4, 8, 1, bias=False),
            nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False),
        )
        self.squeeze, self.excite = nn.Conv2d(8, 2, 1), nn.Conv2d(2, 8, 1)
        self.project = nn.Conv2d(8, 4, 1, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(channels) for channels in (8, 8, 4))
        self.curve, self.gate = curve, gate

    def forward(self, x: Any) -> Any:
        y = self.curve(self.norms[0](self.expand(x)))
        y = self.curve(self.norms[1](self.depthwise(y)))
        factor = self.gate(self.excite(torch.relu(self.squeeze(y.mean((2, 3), keepdim=True)))))
        return x + self.norms[2](self.project(factor * y))

    def net(self, curve: Any, gate: Any) -> Net:
        return Net(
            [
                ("expand", conv(self.expand)),
                ("norm1", norm(self.norms[0])),
                ("curve1", curve),
                ("depthwise", conv(self.depthwise)),
                ("norm2", norm(self.norms[1])),
                ("curve2", curve),
                ("mean", GlobalAvgPool2d()),
                ("squeeze", conv(self.squeeze)),
                ("relu", ReLU()),
                ("excite", conv(self.excite)),
                ("factor", gate),
                ("scaled", Mul(), ("curve2", "factor")),
                ("project", conv(self.project)),
                ("norm3", norm(self.norms[2])),
                ("sum", Add(), ("input", "norm3")),
            ]
        )


class Next(nn.Module):
    """ConvNeXt's block: large filters, a LayerNorm over the channels, two dense layers, a learned scale, add."""

    def __init__(self) -> None:
        super().__init__()
        self.depthwise, self.norm = nn.Conv2d(4, 4, 7, padding=3, groups=4), nn.LayerNorm(4, eps=1e-6)
        self.wide, self.narrow = nn.Linear(4, 16), nn.Linear(16, 4)
        self.scale = nn.Parameter(torch.randn(4, 1, 1))

    def forward(self, x: Any) -> Any:
        y = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        y = self.narrow(nn.functional.gelu(self.wide(y))).permute(0, 3, 1, 2)
        return x + self.scale * y

    def net(self) -> Net:
        return Net(
            [
                ("depthwise", conv(self.depthwise)),
                ("last", Permute((0, 2, 3, 1))),
                ("norm", layer_norm(self.norm)),
                ("wide", linear(self.wide)),
                ("gelu", GELU()),
                ("narrow", linear(self.narrow)),
                ("first", Permute((0, 3, 1, 2))),
                ("scale", Affine(array(self.scale))),
                ("sum", Add(), ("input", "scale")),
            ]
        )


class Vision(nn.Module):
    """A vision transformer of one block: patches, a class token, places, attention, two dense layers, the token."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(4, 6, 2, stride=2)
        self.token, self.places = nn.Parameter(torch.randn(1, 1, 6)), nn.Parameter(torch.randn(1, 13, 6))
        self.block = nn.TransformerEncoderLayer(
            6, 2, 10, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.norm, self.head = nn.LayerNorm(6), nn.Linear(6, 5)

    def forward(self, x: Any) -> Any:
        y = self.patches(x).flatten(2).permute(0, 2, 1)
        y = torch.cat([self.token.expand(len(y), -1, -1), y], 1) + self.places
        return self.head(self.norm(self.block(y))[:, 0])

    def net(self) -> Net:
        block = self.block
        attention = block.self_attn
        values = attention.in_proj_weight, attention.in_proj_bias, attention.out_proj.weight, attention.out_proj.bias
        places = array(self.places)[0].copy()
        places[0] += array(self.token)[0, 0]
        return Net(
            [
                ("patches", conv(self.patches)),
                ("rows", Reshape((6, 12))),
                ("steps", Permute((0, 2, 1))),
                ("token", Pad((0, 0, 1, 0))),  # an empty first step, which the places fill with the class token
                ("places", Affine(None, places)),
                ("norm1", layer_norm(block.norm1)),
                ("attention", MultiheadAttention(*map(array, values), attention.num_heads)),
                ("sum1", Add(), ("places", "attention")),
                ("norm2", layer_norm(block.norm2)),
                ("wide", linear(block.linear1)),
                ("gelu", GELU()),
                ("narrow", linear(block.linear2)),
                ("sum2", Add(), ("sum1", "narrow")),
                ("norm3", layer_norm(self.norm)),
                ("first", Slice(1, 0, 1)),
                ("vector", Flatten()),
                ("head", linear(self.head)),
            ]
        )


class Shuffled(nn.Module):
    """ShuffleNet's unit: half of the channels go through, half are filtered, and both are shuffled."""

    def __init__(self) -> None:
        super().__init__()
        self.filters = nn.Conv2d(2, 2, 3, padding=1)

    def forward(self, x: Any) -> Any:
        kept, changed = x.chunk(2, 1)
        y = torch.cat([kept, torch.relu(self.filters(changed))], 1)
        return nn.functional.max_pool2d(nn.functional.channel_shuffle(y, 2), 2, 1, 1, 2)

    def net(self) -> Net:
        return Net(
            [
                ("kept", Slice(1, 0, 2), ("input",)),
                ("changed", Slice(1, 2), ("input",)),
                ("filters", conv(self.filters)),
                ("relu", ReLU()),
                ("join", Concat(), ("kept", "relu")),
                ("shuffle", ChannelShuffle(2)),
                ("pool", MaxPool2d(2, 1, 1, dilation=2)),
            ]
        )


def case(name: str) -> tuple[Any, Net]:
    torch.manual_seed(0)
    with torch.no_grad():
        if name in ("MobileNetV3", "EfficientNet"):
            curves = (Hardswish(), Hardsigmoid()) if name == "MobileNetV3" else (SiLU(), Sigmoid())
            functions = nn.functional
            theirs = (
                (functions.hardswish, lambda x: functions.relu6(x + 3) / 6)
                if name == "MobileNetV3"
                else (functions.silu, torch.sigmoid)
            )
            module: Any = Squeezed(*theirs).double().eval()
            for batch_norm in module.norms:
                batch_norm.running_mean.normal_()
                batch_norm.running_var.uniform_(0.5, 2)
            return module, module.net(*curves)
        module = {"ConvNeXt": Next, "ViT": Vision, "ShuffleNet": Shuffled}[name]().double().eval()
        return module, module.net()


@pytest.mark.parametrize("name", ["MobileNetV3", "EfficientNet", "ConvNeXt", "ViT", "ShuffleNet"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_block_is_pytorchs(name, dtype, rng) -> None:
    module, net = case(name)
    x = rng.standard_normal((2, 4, 6, 8)).astype(dtype)
    net = net.astype(dtype)
    tape = net.forward(x)
    torch_x = torch.tensor(x.astype(np.float64), requires_grad=True)
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        y = module(torch_x)
        dy = rng.standard_normal(y.shape)
        y.backward(torch.from_numpy(dy))
    gradient = net.backward(tape, {net.output: dy.astype(dtype)})["input"]
    tolerance = {np.float64: 1e-10, np.float32: 2e-5}[dtype]
    for ours, theirs in ((tape[net.output], y), (gradient, torch_x.grad)):
        expected = array(theirs)
        assert ours.dtype == dtype
        np.testing.assert_allclose(ours, expected, rtol=0, atol=tolerance * np.abs(expected).max())


@pytest.mark.parametrize("training", [False, True])
def test_batch_normalization_of_vectors(training, rng) -> None:
    module = nn.BatchNorm1d(3).double().train(training)
    with torch.no_grad():
        module.weight.normal_()
        module.running_mean.normal_()
    values = module.weight, module.bias, module.running_mean.clone(), module.running_var.clone()
    layer = BatchNorm1d(*map(array, values))
    x, dy = rng.standard_normal((2, 5, 3))
    torch_x = torch.tensor(x, requires_grad=True)
    y, saved = layer.forward(x, rng=rng if training else None)
    expected = module(torch_x)
    expected.backward(torch.from_numpy(dy))
    np.testing.assert_allclose(y, array(expected), rtol=1e-10)
    np.testing.assert_allclose(layer.backward(dy, saved), torch_x.grad.numpy(), rtol=1e-10, atol=1e-14)
    grads = layer.param_grads(dy, saved)
    np.testing.assert_allclose(grads["weight"], module.weight.grad.numpy(), rtol=1e-10)
    np.testing.assert_allclose(layer.trained(saved).running_var, array(module.running_var), rtol=1e-10)


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "dilation"), [(2, 1, 0, 2), (3, 2, 1, 2), ((3, 2), (1, 2), 1, (2, 3))]
)
@pytest.mark.parametrize("ceil_mode", [False, True])
def test_switches_of_dilated_pooling_with_ties(kernel, stride, padding, dilation, ceil_mode, rng) -> None:
    x = rng.integers(0, 3, (2, 3, 9, 8)).astype(float)
    x[0, 0, 2, 2] = np.nan
    y, saved = MaxPool2d(kernel, stride, padding, ceil_mode, dilation).forward(x)
    expected, won = nn.functional.max_pool2d(
        torch.from_numpy(x), kernel, stride, padding, dilation, ceil_mode, return_indices=True
    )
    np.testing.assert_array_equal(y, expected.numpy())
    np.testing.assert_array_equal(saved.won, won.numpy())
