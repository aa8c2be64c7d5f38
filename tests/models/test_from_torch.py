"""Model.from_torch: nets written in PyTorch give the same scores and gradients; the rest ends in a sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minitorch_viz.errors import MinitorchVizError, NetError, SettingError
from minitorch_viz.layers import LSTM, GlobalAvgPool2d, Mul, MultiheadAttention, ReLU
from minitorch_viz.models import Model
from minitorch_viz.models.from_torch import net_from_torch

torch = pytest.importorskip("torch")
nn, F = torch.nn, torch.nn.functional

pytestmark = pytest.mark.torch


class Cifar(nn.Module):
    """The net of PyTorch's CIFAR-10 tutorial, word for word."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.pool = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x: Any) -> Any:
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)


class Block(nn.Module):
    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.short = nn.Sequential(nn.Conv2d(before, after, 1, stride), nn.BatchNorm2d(after)) if stride > 1 else None

    def forward(self, x: Any) -> Any:
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        y += x if self.short is None else self.short(x)
        return self.relu(y)


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.layer1, self.layer2 = Block(8, 8, 1), Block(8, 12, 2)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(12, 5)

    def forward(self, x: Any) -> Any:
        x = self.layer2(self.layer1(F.max_pool2d(F.relu_(self.stem(x)), 2)))
        x = self.avgpool(x)
        return self.fc(x.view(x.size(0), -1))


class Mobile(nn.Module):
    """Depthwise convolutions, hard swish, squeeze and excitation, and a mean at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.Hardswish(inplace=True))
        self.depthwise = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.act = nn.ReLU6(inplace=True)
        self.squeeze, self.excite = nn.Conv2d(8, 4, 1), nn.Conv2d(4, 8, 1)
        self.head = nn.Sequential(nn.Dropout(0.5), nn.Linear(8, 4))

    def forward(self, x: Any) -> Any:
        x = self.act(self.depthwise(self.stem(x)))
        gate = F.hardsigmoid(self.excite(F.relu(self.squeeze(F.adaptive_avg_pool2d(x, 1)))))
        return self.head((gate * x).mean([2, 3]))


class Inception(nn.Module):
    """Branches that are joined, cut and shuffled; arithmetic on shapes; constants; pools of every kind."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.three = nn.Conv2d(1, 4, 1), nn.Conv2d(1, 6, 3, padding=1, padding_mode="reflect")
        self.slopes = nn.PReLU(10)
        self.norm = nn.GroupNorm(2, 12)
        self.register_buffer("scale", torch.rand(12, 1, 1))
        self.out = nn.Conv2d(12, 3, 1)

    def forward(self, x: Any) -> Any:
        x = (x - 0.45) / 0.22
        y = self.slopes(torch.cat([F.elu(self.one(x)), F.silu(self.three(x))], 1))
        n, c, h, w = y.shape
        y = y.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, -1, h, w)
        a, b = y.chunk(2, dim=1)
        y = torch.cat((a * torch.sigmoid(b), b[:, 1:3], 1 - b), dim=1)
        y = self.norm(y) * self.scale
        y = F.avg_pool2d(F.pad(y, (1, 0, 1, 0)), 3, stride=2, padding=1, count_include_pad=False)
        y = F.interpolate(y, scale_factor=2, mode="bilinear", align_corners=False)
        return F.adaptive_max_pool2d(F.leaky_relu(self.out(y), 0.1), 1).squeeze(-1).squeeze(-1)


class ConvNeXt(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 4, 4)
        self.dwconv = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.norm = nn.LayerNorm(8, eps=1e-6)
        self.wide, self.narrow = nn.Linear(8, 32), nn.Linear(32, 8)
        self.gamma = nn.Parameter(torch.rand(8, 1, 1))
        self.head = nn.Linear(8, 3)

    def forward(self, x: Any) -> Any:
        x = self.stem(x)
        y = self.narrow(F.gelu(self.wide(self.norm(self.dwconv(x).permute(0, 2, 3, 1))))).permute(0, 3, 1, 2)
        x = x + self.gamma * y
        return self.head(x.mean((-2, -1)))


class ViT(nn.Module):
    """A class token, places, attention by torch's module and by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 12, 4, 4)
        self.token = nn.Parameter(torch.rand(1, 1, 12))
        self.places = nn.Parameter(torch.rand(1, 5, 12))
        self.norm1, self.norm2, self.norm3 = nn.LayerNorm(12), nn.LayerNorm(12), nn.LayerNorm(12)
        self.attention = nn.MultiheadAttention(12, 3, batch_first=True)
        self.encoder = nn.TransformerEncoderLayer(12, 2, 24, activation="gelu", batch_first=False)
        self.qkv = nn.Linear(12, 36)
        self.head = nn.Linear(12, 4)

    def forward(self, x: Any) -> Any:
        n = x.shape[0]
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(n, -1, -1), x], dim=1) + self.places
        y = self.norm1(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        q, k, v = self.qkv(self.norm2(x)).reshape(n, 5, 3, 4, 3).permute(2, 0, 3, 1, 4)
        x = x + F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, 5, 12)
        x = self.encoder(x.transpose(0, 1)).transpose(0, 1)
        return self.head(self.norm3(x)[:, 0])


class Sequence(nn.Module):
    """Rows of a picture read by stacked layers in both directions, whose last states answer."""

    def __init__(self, kind: str = "LSTM", batch_first: bool = True) -> None:
        super().__init__()
        self.first = batch_first
        self.reader = getattr(nn, kind)(6, 5, num_layers=2, bidirectional=True, batch_first=batch_first)
        self.fc = nn.Linear(20, 3)

    def forward(self, x: Any) -> Any:
        steps, last = self.reader(x if self.first else x.permute(1, 0, 2))
        last = last[0] if isinstance(last, tuple) else last
        end = steps[:, -1] if self.first else steps[-1]
        return self.fc(torch.cat([end, last[-1], last[-2]], dim=1))


class Shared(nn.Module):
    """One module used twice, with the same weights."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.act = nn.Conv2d(3, 3, 3, padding=1), nn.Tanh()
        self.fc = nn.Linear(3, 2)

    def forward(self, x: Any) -> Any:
        for _ in range(2 if x.shape[-1] > 4 else 1):
            x = self.act(self.conv(x))
        return F.log_softmax(self.fc(x.amax(dim=(2, 3))), dim=-1)


NETS: dict[str, tuple[Callable[[], Any], tuple[int, ...]]] = {
    "cifar": (Cifar, (3, 32, 32)),
    "residual": (Residual, (3, 16, 16)),
    "mobile": (Mobile, (3, 16, 16)),
    "inception": (Inception, (1, 8, 8)),
    "convnext": (ConvNeXt, (3, 16, 16)),
    "vit": (ViT, (3, 8, 8)),
    "lstm": (Sequence, (7, 6)),
    "gru, steps first": (lambda: Sequence("GRU", False), (7, 6)),
    "rnn": (lambda: Sequence("RNN"), (7, 6)),
    "shared": (Shared, (3, 8, 8)),
}


def random_net(make: Callable[[], Any]) -> Any:
    """A module in float64 with random weights and batch statistics, in training mode."""
    torch.manual_seed(0)
    module = make().double()
    for part in module.modules():
        if getattr(part, "running_mean", None) is not None:
            part.running_mean.normal_(0, 0.1)
            part.running_var.uniform_(0.5, 2)
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.normal_(part.bias, 0, 0.1)
    return module.train()


def agree(module: Any, net: Any, shape: tuple[int, ...], share: float = 1e-9) -> None:
    """Scores of three images and the gradients of a weighted sum of them equal torch's."""
    rng = np.random.default_rng(1)
    x, weights = rng.standard_normal((3, *shape)), None
    theirs = torch.from_numpy(x).requires_grad_()
    module.eval()
    scores = module(theirs)
    weights = rng.standard_normal(scores.shape)
    (gradient,) = torch.autograd.grad((scores * torch.from_numpy(weights)).sum(), theirs)
    tape = net.forward(x)
    ours = net.backward(tape, {net.output: weights})[net.inputs[0]]
    for mine, other in ((tape[net.output], scores), (ours, gradient)):
        expected = other.detach().numpy()
        assert mine.shape == expected.shape
        assert np.abs(mine - expected).max() <= share * np.abs(expected).max()
        assert np.abs(expected).max() > 0


@pytest.mark.parametrize("name", NETS)
def test_scores_and_gradients_are_torchs(name: str) -> None:
    make, shape = NETS[name]
    module = random_net(make)
    net = net_from_torch(module, torch.randn(1, *shape)).net
    assert all(part.training for part in module.modules())
    agree(module, net, shape)


def test_nodes_are_called_by_their_modules() -> None:
    net = net_from_torch(random_net(Residual), np.zeros((1, 3, 16, 16))).net
    names = [node.name for node in net.nodes]
    assert names[:4] == ["stem", "relu", "max_pool2d", "layer1.conv1"]
    assert {"layer1.relu", "layer1.relu_2", "layer2.short.0", "fc"} <= set(names)
    assert isinstance(net["layer2.relu"].layer, ReLU)
    assert isinstance(net["avgpool"].layer, GlobalAvgPool2d)


class ChannelsLast(nn.LayerNorm):
    def forward(self, x: Any) -> Any:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def test_a_norm_over_channels_bears_the_modules_name_and_leaves_the_default_layer() -> None:
    parts = [nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), ChannelsLast(4), nn.Flatten(), nn.Linear(4, 2)]
    model = Model.from_torch(nn.Sequential(*parts).double(), torch.zeros(1, 3, 8, 8))
    assert [node.name for node in model.net.nodes] == ["0", "1", "2.permute", "2", "2.permute_2", "3", "4"]
    assert model.last_conv == "0"  # (N, 1, 1, 4) has one place, and four channels


def test_parameters_bear_torchs_names_and_are_copies() -> None:
    module = random_net(Cifar)
    net = net_from_torch(module, torch.zeros(1, 3, 32, 32)).net
    assert set(net.state) == set(module.state_dict())
    before = net.state["fc3.bias"].copy()
    with torch.no_grad():
        module.fc3.bias += 1
    np.testing.assert_array_equal(net.state["fc3.bias"], before)


@pytest.mark.parametrize(("name", "kind"), [("mobile", Mul), ("vit", MultiheadAttention), ("lstm", LSTM)])
def test_later_layers_are_their_own_nodes(name: str, kind: type) -> None:
    make, shape = NETS[name]
    net = net_from_torch(random_net(make), torch.zeros(2, *shape)).net
    assert any(isinstance(node.layer, kind) for node in net.nodes)


def test_a_model_of_it_takes_pictures() -> None:
    module = random_net(Cifar).float()
    model = Model.from_torch(module, torch.zeros(1, 3, 32, 32), class_names=[f"kind {i}" for i in range(10)])
    photo = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    best = model.classify(photo)[0]
    with torch.no_grad():
        scores = module.eval()(torch.from_numpy(photo.transpose(2, 0, 1)[None] / np.float32(255)))
    assert best.index == int(scores.argmax())
    assert best.score == pytest.approx(float(scores.max()), rel=1e-4)
    assert model.name == "Cifar"
    assert model.preprocessing.size == (32, 32)
    assert model.last_conv == "relu_2" or model.last_conv == "pool_2"
    assert any("Followed through Cifar" in note for note in model.notes)


class Calls(nn.Module):
    def __init__(self, call: Callable[[Any], Any]) -> None:
        super().__init__()
        self.conv, self.call, self.fc = nn.Conv2d(3, 4, 3), call, nn.Linear(4, 2)

    def forward(self, x: Any) -> Any:
        return self.fc(self.call(self.conv(x)).mean((2, 3)))


def written_over(x: Any) -> Any:
    x[:, 0] = 0
    return x


UNMAPPABLE: dict[str, tuple[Callable[[Any], Any], str]] = {
    "fft": (lambda x: torch.fft.fft2(x).real, "fft_fft2"),
    "cumsum": (lambda x: x.cumsum(2), "cumsum"),
    "square root": (lambda x: x.abs().sqrt(), "abs"),
    "division": (lambda x: x / (1 + x.sigmoid()), "div"),
    "across images": (lambda x: x - x.mean(0, keepdim=True), "mean"),
    "numbers read": (lambda x: x if x.sum().item() > 1e9 else x + 1, "item"),
    "branch": (lambda x: x if (x.mean((1, 2, 3)) > 1e9).all() else x + 1, "bool"),
    "written over": (written_over, "setitem"),
    "dropout in use": (lambda x: F.dropout(x), "dropout"),
    "mask": (lambda x: torch.where(x > 0, x, 2 * x), "gt"),
    "sorted": (lambda x: x.sort(2)[0], "sort"),
    "batch statistics": (lambda x: F.batch_norm(x, None, None, training=True), "batch_norm"),
    "clamp": (lambda x: x.clamp(1, -1), "clamp"),
    "pool": (lambda x: F.avg_pool2d(x, 2, divisor_override=3), "avg_pool2d"),
    "bicubic": (lambda x: F.interpolate(x, size=(7, 7), mode="bicubic"), "interpolate"),
    "images joined": (lambda x: x.view(1, -1, 6, 6)[:, :4].expand(2, -1, -1, -1), "view"),
}


@pytest.mark.parametrize("name", UNMAPPABLE)
def test_what_cannot_be_mapped_says_the_operator_and_its_place(name: str) -> None:
    call, operator = UNMAPPABLE[name]
    with pytest.raises(NetError, match=rf"The operator {operator} at '{operator}' cannot be mapped: .+"):
        net_from_torch(Calls(call), torch.zeros(1, 3, 8, 8))


def test_the_place_is_the_path_of_the_module() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Sequential(nn.ReLU(), nn.Tanhshrink()))
    with pytest.raises(NetError, match=r"at '1\.1'"):
        net_from_torch(module, torch.zeros(1, 3, 8, 8))


def test_what_the_answer_does_not_need_may_be_unknown() -> None:
    net = net_from_torch(Calls(lambda x: (x.cumsum(1), x)[1]), torch.zeros(1, 3, 8, 8)).net
    assert net.output == "fc"


@pytest.mark.parametrize(
    ("module", "example", "words"),
    [
        (3, torch.zeros(1, 3, 8, 8), "torch.nn.Module, but got int"),
        ({"fc.weight": 1}, torch.zeros(1, 3), "state dict alone has no graph"),
        (nn.ReLU(), torch.zeros(3), "with a batch axis"),
        (nn.ReLU(), "photo.jpg", "a tensor or an array of numbers"),
        (nn.ReLU(), None, "a tensor or an array of numbers"),
        (nn.ReLU(), (), "example must be a tensor"),
        (nn.ReLU(), (torch.zeros(1, 3), torch.zeros(3, 3)), "same number of images"),
        (nn.Linear(3, 2), torch.zeros(1, 4), r"itself fails on the example \(2, 4\)"),
        (nn.Linear(3, 2).half(), torch.zeros(1, 3), "torch.float16"),
        (nn.Identity(), torch.zeros(1, 3), "depend on its input"),
        (nn.LSTM(3, 2).double(), torch.zeros(1, 4, 3), "LSTM"),
    ],
)
def test_bad_input_ends_in_a_sentence(module: Any, example: Any, words: str) -> None:
    with pytest.raises((NetError, SettingError), match=words):
        net_from_torch(module, example)


SMALL = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
BAD: dict[str, tuple[Any, dict[str, Any], str]] = {
    "no module": (None, {}, "got NoneType"),
    "a class": (nn.ReLU, {}, "got type"),
    "a function": (torch.relu, {}, "torch.nn.Module, but got"),
    "no example": (SMALL, {"example": {}}, "example must be a tensor"),
    "no images": (SMALL, {"example": torch.zeros(0, 3, 8, 8)}, "with a batch axis"),
    "texts": (SMALL, {"example": ["a", "b"]}, "an array of numbers"),
    "complex numbers": (SMALL, {"example": torch.zeros(1, 3, 8, 8, dtype=torch.complex64)}, "itself fails"),
    "not finite": (SMALL, {"example": torch.full((1, 3, 8, 8), torch.nan)}, "NaN or infinite"),
    "too many inputs": (SMALL, {"example": (torch.zeros(1, 3, 8, 8), torch.zeros(1, 3))}, "itself fails"),
    "whole numbers": (SMALL, {"example": torch.zeros(1, 3, 8, 8, dtype=torch.int64)}, "itself fails"),
    "too few names": (SMALL, {"class_names": ["a"]}, "4 scores"),
    "a mean for two": (SMALL, {"mean": [1, 2]}, "mean"),
    "a std of 0": (SMALL, {"std": 0}, "std"),
    "a way to resize": (SMALL, {"resize": "squash"}, "squash"),
    "scores": (SMALL, {"scores": "votes"}, "votes"),
    "logits": (SMALL, {"logits": "fd"}, "fd"),
    "a reader": (SMALL, {"readers": 3}, "readers"),
    "called": (SMALL, {"name": ""}, "name"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_settings_are_sentences(name: str) -> None:
    module, settings, words = BAD[name]
    with pytest.raises(MinitorchVizError, match=words):
        Model.from_torch(module, **{"example": torch.zeros(1, 3, 8, 8), **settings})


@pytest.mark.parametrize(
    "call", [lambda x: x + torch.rand(4, 1, 1), lambda x: x * torch.from_numpy(x.detach().numpy() > 0)]
)
def test_numbers_of_the_example_do_not_stay_in_the_net(call: Callable[[Any], Any]) -> None:
    """Random numbers, and numbers that go through NumPy, are no constants."""
    with pytest.raises(NetError, match=r"other answers than the module|numpy"):
        net_from_torch(Calls(call), torch.zeros(1, 3, 8, 8))


def test_pictures_of_two_channels_are_read_as_numbers() -> None:
    module = nn.Sequential(nn.Conv2d(2, 3, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    model = Model.from_torch(module, np.zeros((1, 2, 9, 8)), name="two")
    assert model.read(np.ones((2, 9, 8))).shape == (1, 2, 9, 8)
    assert model.name == "two"


def test_torch_is_as_before_afterwards() -> None:
    call = nn.Module.__call__
    with pytest.raises(NetError):
        net_from_torch(nn.Linear(3, 2), torch.zeros(1, 4))
    assert nn.Module.__call__ is call
    assert torch.is_grad_enabled()
