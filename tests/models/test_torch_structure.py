"""Our definitions against PyTorch modules with torchvision's names: one file, the same logits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minitorch_viz.models import load_model
from minitorch_viz.models.vgg16 import vgg16
from minitorch_viz.models.vgg19 import vgg19
from minitorch_viz.net import Net
from tests.models import torch_models

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def image(size: int) -> np.ndarray:
    return np.random.default_rng(1).standard_normal((2, 3, size, size))


def check(net: Net, logits: str, oracle: Any, x: np.ndarray) -> None:
    with torch.no_grad():
        expected = oracle.double()(torch.from_numpy(x)).numpy()
    found = net.astype(np.float64).predict(x, upto=logits)
    assert np.abs(found - expected).max() < 1e-9 * np.abs(expected).max()


def test_alexnet(tmp_path: Path) -> None:
    torch.manual_seed(0)
    oracle = torch_models.alexnet(torch, classes=10)
    torch.save(oracle.state_dict(), tmp_path / "alexnet.pth")
    model = load_model("alexnet", weights=tmp_path)
    assert len(model.class_names) == 10  # a fine-tuned net: as many classes as the file has
    for size in (224, 127):  # the pooling to 6 x 6 repeats where maps are smaller
        check(model.net, model.logits, oracle, image(size)[:1])


@pytest.mark.parametrize(
    ("name", "bottleneck", "depths"), [("resnet18", False, (2, 2, 2, 2)), ("resnet50", True, (3, 4, 6, 3))]
)
@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
def test_resnet(tmp_path: Path, name: str, bottleneck: bool, depths: tuple[int, ...], legacy: bool) -> None:
    torch.manual_seed(0)
    oracle = torch_models.resnet(torch, bottleneck, depths)
    torch.save(oracle.state_dict(), tmp_path / f"{name}.pth", _use_new_zipfile_serialization=not legacy)
    model = load_model(name, weights=tmp_path / f"{name}.pth")
    check(model.net, model.logits, oracle, image(97))  # an odd size: every stage rounds
    folded = load_model(name, weights=tmp_path / f"{name}.pth", fold=True, dtype=np.float64)
    x = image(97)
    expected, found = (m.net.predict(x, upto=m.logits) for m in (model.astype(np.float64), folded))
    assert "bn1" not in folded.net
    assert np.abs(found - expected).max() < 1e-9 * np.abs(expected).max()


@pytest.mark.slow
@pytest.mark.parametrize(("build", "depths"), [(vgg16, (2, 2, 3, 3, 3)), (vgg19, (2, 2, 4, 4, 4))])
def test_vgg(build: Any, depths: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    oracle = torch_models.vgg(torch, depths, classes=10, hidden=16)
    state = {name: value.numpy() for name, value in oracle.state_dict().items()}
    for size in (224, 129):  # the pooling to 7 x 7 repeats where maps are smaller
        check(build(state, classes=10, hidden=16), "classifier.6", oracle, image(size)[:1])
