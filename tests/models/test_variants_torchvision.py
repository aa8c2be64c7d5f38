"""torchvision's classifiers changed as users change them: the state dict alone gives the module's scores."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minitorch_viz.models import load_model
from tests.models.vision import zoo

torch = pytest.importorskip("torch")
nn = torch.nn
pytestmark = [pytest.mark.torchvision, pytest.mark.slow]

Parts = Callable[[], dict[str, Any]]  # what is put where


def mlp(inputs: int, normalized: bool = False, classes: int = 3) -> Any:
    between = [nn.BatchNorm1d(40)] if normalized else []
    return nn.Sequential(nn.Linear(inputs, 40), *between, nn.ReLU(), nn.Dropout(), nn.Linear(40, classes))


class Named(nn.Module):  # type: ignore[misc]  # torch's classes are untyped
    def __init__(self) -> None:
        super().__init__()
        self.first, self.normed, self.last = nn.Linear(512, 40), nn.BatchNorm1d(40), nn.Linear(40, 3)

    def forward(self, x: Any) -> Any:
        return self.last(torch.relu(self.normed(self.first(x))))


def small(channels: int = 3) -> dict[str, Any]:
    return {"conv1": nn.Conv2d(channels, 64, 3, 1, 1, bias=False), "maxpool": nn.Identity()}


QUICK: dict[str, tuple[str, Parts]] = {
    "grey": ("resnet18", lambda: {"conv1": nn.Conv2d(1, 64, 7, 2, 3)}),
    "dropout, linear": ("resnet18", lambda: {"fc": nn.Sequential(nn.Dropout(), nn.Linear(512, 2))}),
    "small pictures": ("resnet18", lambda: small(1) | {"fc": mlp(512, normalized=True)}),
    "inside a head": ("mobilenet_v3_small", lambda: {"classifier.3": mlp(1024)}),
    "linear for convolution": (
        "squeezenet1_1",
        lambda: {"classifier": nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 4))},
    ),
}
NIGHTLY: dict[str, tuple[str, Parts]] = {
    "four channels": ("resnet34", lambda: {"conv1": nn.Conv2d(4, 64, 7, 2, 3, bias=False)}),
    "no bias": ("resnet18", lambda: {"fc": nn.Linear(512, 3, bias=False)}),
    "normalized first": (
        "resnet50",
        lambda: {"fc": nn.Sequential(nn.BatchNorm1d(2048), *mlp(2048, normalized=True))},
    ),
    "PReLU": ("resnet18", lambda: {"fc": nn.Sequential(nn.Linear(512, 40), nn.PReLU(), nn.Linear(40, 3))}),
    "LayerNorm": ("resnet18", lambda: {"fc": nn.Sequential(nn.LayerNorm(512), nn.Linear(512, 3))}),
    "no activation": ("resnet18", lambda: {"fc": nn.Sequential(nn.Linear(512, 40), nn.Linear(40, 3))}),
    "nested": ("resnext50_32x4d", lambda: {"fc": nn.Sequential(mlp(2048, classes=40)[:3], mlp(40)[2:])}),
    "named": ("resnet18", lambda: {"fc": Named()}),
    "larger pooling": ("resnet18", lambda: {"avgpool": nn.AdaptiveAvgPool2d(2), "fc": nn.Linear(2048, 3)}),
    "small, deep": ("resnet101", small),
    "DenseNet, grey": ("densenet121", lambda: {"features.conv0": nn.Conv2d(1, 64, 7, 2, 3, bias=False)}),
    "DenseNet, small": (
        "densenet121",
        lambda: {
            "features.conv0": nn.Conv2d(3, 64, 3, 1, 1, bias=False),
            "features.pool0": nn.Identity(),
            "classifier": mlp(1024),
        },
    ),
    "two convolutions": (
        "squeezenet1_1",
        lambda: {
            "classifier": nn.Sequential(
                *(nn.Dropout(), nn.Conv2d(512, 40, 1), nn.ReLU()),
                *(nn.Conv2d(40, 4, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1)),
            )
        },
    ),
    "last of VGG": ("vgg16", lambda: {"classifier.6": mlp(4096)}),
    "VGG's, shorter": ("vgg16", lambda: {"classifier": mlp(25088)}),
    "VGG, one layer": ("vgg16", lambda: {"avgpool": nn.AdaptiveAvgPool2d(1), "classifier": nn.Linear(512, 10)}),
    "VGG, two of three": (
        "vgg19",
        lambda: {"classifier": nn.Sequential(nn.Linear(25088, 4096), nn.ReLU(), nn.Linear(4096, 3))},
    ),
    "AlexNet": ("alexnet", lambda: {"classifier": nn.Sequential(nn.Dropout(), *mlp(9216))}),
    "MobileNet, grey": ("mobilenet_v2", lambda: {"features.0.0": nn.Conv2d(1, 32, 3, 2, 1, bias=False)}),
    "MobileNet, one layer": ("mobilenet_v2", lambda: {"classifier": nn.Linear(1280, 3)}),
    "EfficientNet": ("efficientnet_b0", lambda: {"classifier": nn.Sequential(nn.Dropout(), *mlp(1280, True))}),
    "Inception": ("inception_v3", lambda: {"fc": mlp(2048)}),
    "ConvNeXt": ("convnext_tiny", lambda: {"classifier.2": nn.Sequential(nn.Dropout(), nn.Linear(768, 3))}),
    "ConvNeXt, flat": ("convnext_tiny", lambda: {"classifier": nn.Sequential(nn.Flatten(), nn.Linear(768, 3))}),
    "ConvNeXt, patches": ("convnext_tiny", lambda: {"features.0.0": nn.Conv2d(1, 96, 2, 2)}),
    "ViT": ("vit_b_16", lambda: {"heads": nn.Linear(768, 3)}),
    "ViT, grey": ("vit_b_16", lambda: {"conv_proj": nn.Conv2d(1, 768, 16, 16), "heads.head": mlp(768)}),
}
CASES = QUICK | NIGHTLY


def changed(name: str, parts: dict[str, Any]) -> Any:
    """Return a classifier in float64 with parts put in, random weights and statistics."""
    settings = {"inception_v3": {"init_weights": False}, "vit_b_16": {"image_size": 32}}.get(name, {})
    module = zoo().models.get_model(name, num_classes=5, **settings)
    for path, part in parts.items():
        parent, _, last = path.rpartition(".")
        setattr(module.get_submodule(parent), last, part)
    for part in module.modules():
        if getattr(part, "running_mean", None) is not None:
            part.running_mean.normal_(0, 0.1)
            part.running_var.uniform_(0.5, 2)
        if isinstance(part, nn.Linear):
            nn.init.normal_(part.weight, 0, part.in_features**-0.5)
    return module.double().eval()


@pytest.mark.parametrize("case", [*QUICK, *(pytest.param(case, marks=pytest.mark.nightly) for case in NIGHTLY)])
def test_a_changed_net_gives_the_modules_scores(tmp_path: Path, case: str) -> None:
    name, parts = CASES[case]
    torch.manual_seed(0)
    module = changed(name, parts())
    torch.save(module.state_dict(), tmp_path / "w.pth")
    model = load_model(name, weights=tmp_path / "w.pth", dtype="float64")
    side = {"inception_v3": 107, "vit_b_16": 32}.get(name, 32 if "small" in case or "one layer" in case else 64)
    x = np.random.default_rng(1).standard_normal((1, model.preprocessing.channels, side, side))
    with torch.no_grad():
        expected = module(torch.from_numpy(x)).numpy()
    scores = model.net.predict(x, upto=model.logits)
    assert np.abs(scores - expected).max() < 1e-9 * np.abs(expected).max()
    assert len(model.class_names) == expected.shape[1]
