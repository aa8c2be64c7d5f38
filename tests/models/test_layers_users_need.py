"""Layers of torch.nn that nets of users have: each brought in, and compared with torch in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minitorch_viz.layers import Hardtanh, UpsampleNearest
from minitorch_viz.models import Model, get_spec
from minitorch_viz.models.alexnet import alexnet

torch = pytest.importorskip("torch")
nn = torch.nn
pytestmark = pytest.mark.torch

OF_MAPS: dict[str, Callable[[], Any]] = {
    "Mish": nn.Mish,
    "Softsign": nn.Softsign,
    "LogSigmoid": nn.LogSigmoid,
    "Hardtanh": lambda: nn.Hardtanh(-0.5, 2),
    "CELU": lambda: nn.CELU(0.5),
    "RReLU": nn.RReLU,
    "GLU": lambda: nn.GLU(1),
    "Threshold": lambda: nn.Threshold(0, 0),
    "ZeroPad2d": lambda: nn.ZeroPad2d((1, 2, 0, 1)),
    "ReflectionPad2d": lambda: nn.ReflectionPad2d(2),
    "CircularPad2d": lambda: nn.CircularPad2d((2, 0, 1, 1)),
    "nearest, to a size": lambda: nn.Upsample(size=(11, 5)),
    "nearest, by a broken factor": lambda: nn.Upsample(scale_factor=1.5),
    "nearest-exact": lambda: nn.Upsample(scale_factor=3, mode="nearest-exact"),
    "bilinear, to a size": lambda: nn.Upsample(size=(9, 7), mode="bilinear", align_corners=True),
    "area": lambda: nn.Upsample(size=(5, 3), mode="area"),
    "reflecting convolution": lambda: nn.Conv2d(4, 4, 3, padding=(2, 1), padding_mode="reflect"),
    "same, wide filters": lambda: nn.Conv2d(4, 4, (1, 5), padding="same"),
    "same, dilated": lambda: nn.Conv2d(4, 4, 3, padding="same", dilation=2),
    "dilated pooling": lambda: nn.MaxPool2d(2, 1, dilation=2),
    "adaptive maxima": lambda: nn.AdaptiveMaxPool2d((3, 2)),
    "adaptive means of one side": lambda: nn.AdaptiveAvgPool2d((None, 2)),
}
OF_SEQUENCES: dict[str, Callable[[], Any]] = {
    "Conv1d, same": lambda: nn.Conv1d(3, 4, 5, padding="same"),
    "Conv1d, reflecting": lambda: nn.Conv1d(3, 4, 3, padding=2, padding_mode="reflect", dilation=2),
    "ConvTranspose1d": lambda: nn.ConvTranspose1d(3, 4, 3, stride=2, output_padding=1),
    "dilated MaxPool1d": lambda: nn.MaxPool1d(2, 1, dilation=3),
    "nearest": lambda: nn.Upsample(scale_factor=2),
    "linear": lambda: nn.Upsample(size=13, mode="linear"),
    "ReflectionPad1d": lambda: nn.ReflectionPad1d(2),
}


class Net(nn.Module):  # type: ignore[misc]  # torch's classes are untyped
    def __init__(self, layer: Any, example: Any, before: Any) -> None:
        super().__init__()
        self.before, self.layer = before, layer
        self.fc = nn.Linear(layer(before(example)).flatten(1).shape[1], 3)

    def forward(self, x: Any) -> Any:
        return self.fc(self.layer(self.before(x)).flatten(1))


def check(layer: Any, before: Any, *image: int) -> None:
    """Compare scores and the input's gradient, on inputs other than those it was brought in by."""
    torch.manual_seed(0)
    example = torch.randn(2, *image)
    module = Net(layer.eval(), example, before).double().eval()
    model = Model.from_torch(module, example.double())
    x = 2 * torch.randn(3, *image, dtype=torch.double)
    theirs = x.clone().requires_grad_()
    expected = module(theirs)
    seed = np.random.default_rng(0).standard_normal((3, 3))
    (gradient,) = torch.autograd.grad((expected * torch.from_numpy(seed)).sum(), theirs)
    tape = model.net.forward(x.numpy())
    ours = model.net.backward(tape, {model.logits: seed})[model.net.inputs[0]]
    for found, right in ((tape[model.logits], expected.detach().numpy()), (ours, gradient.numpy())):
        assert np.abs(found - right).max() < 1e-9 * np.abs(right).max()


@pytest.mark.parametrize("name", OF_MAPS)
def test_a_layer_of_maps(name: str) -> None:
    check(OF_MAPS[name](), nn.Conv2d(3, 4, 3, padding=1), 3, 8, 6)


@pytest.mark.parametrize("name", OF_SEQUENCES)
def test_a_layer_of_sequences(name: str) -> None:
    check(OF_SEQUENCES[name](), nn.Identity(), 3, 9)


@pytest.mark.parametrize("walls", [(None, 0.5), (-0.25, None), (0.0, 1.0)])
def test_a_clamp_is_a_hardtanh(walls: tuple[float | None, float | None]) -> None:
    class Clamped(nn.Module):  # type: ignore[misc]  # torch's classes are untyped
        def forward(self, x: Any) -> Any:
            return x.clamp(*walls)

    check(Clamped(), nn.Conv2d(3, 4, 3), 3, 6, 6)


@pytest.mark.slow
@pytest.mark.parametrize("size", [(64, 101), (288, 224)])
def test_a_published_net_takes_other_sizes(size: tuple[int, int]) -> None:
    x = np.random.default_rng(0).standard_normal((1, 3, *size)).astype(np.float32)
    tape = alexnet(classes=3).forward(x)
    assert tape["avgpool"].shape == (1, 256, 6, 6)
    assert tape["prob"].shape == (1, 3)
    pooled = torch.nn.functional.adaptive_avg_pool2d(torch.from_numpy(tape["features.12"]), 6)
    np.testing.assert_allclose(tape["avgpool"], pooled, rtol=1e-5, atol=1e-6)


def test_the_pooling_changes_nothing_at_the_published_size() -> None:
    for name, side in (("alexnet", 6), ("vgg16", 7), ("vgg19", 7)):
        layer = get_spec(name).build(seed=None)["avgpool"].layer
        x = np.random.default_rng(0).standard_normal((2, 5, side, side)).astype(np.float32)
        np.testing.assert_array_equal(layer.forward(x)[0], x)


def test_walls_and_sizes_that_make_no_sense() -> None:
    with pytest.raises(ValueError, match=r"min_val must be below its max_val, but got 2\.0, 1\.0"):
        Hardtanh(2, 1)
    with pytest.raises(ValueError, match="UpsampleNearest's size"):
        UpsampleNearest(size=0)
