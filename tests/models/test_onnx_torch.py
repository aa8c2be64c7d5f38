"""A net that PyTorch exported: its scores and its input gradient are PyTorch's; its command draws a Grad-CAM."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from minitorch_viz.cli import main
from minitorch_viz.models import Model

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("onnx", reason="onnx is not installed")
pytestmark = pytest.mark.torch


def exported(folder: Path) -> tuple[torch.nn.Module, Path]:
    """A small net with what exporters write in several operators, in float64."""
    torch.manual_seed(0)
    nn = torch.nn
    net = nn.Sequential(
        *(
            nn.Conv2d(3, 6, 5),
            nn.BatchNorm2d(6),
            nn.SiLU(),
            nn.MaxPool2d(2, 2),
            nn.Conv2d(6, 8, 3, padding=1),
            nn.GELU(),
        ),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 12), nn.Hardswish(), nn.Dropout(), nn.Linear(12, 4)),
    )
    net = net.double().eval()
    path = folder / "net.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # this exporter is deprecated, and the other needs one more package
        torch.onnx.export(net, torch.zeros(1, 3, 16, 16).double(), str(path), dynamo=False, opset_version=17)
    return net, path


def test_scores_and_gradient_are_pytorchs(tmp_path: Path) -> None:
    net, path = exported(tmp_path)
    x = torch.randn(1, 3, 16, 16, dtype=torch.float64, requires_grad=True)
    theirs = net(x)
    theirs[0, 2].backward()
    model = Model.from_onnx(path)
    assert model.dtype == np.float64
    tape = model.net.forward(x.detach().numpy())
    ours = tape[model.logits]
    gradient = model.net.backward(tape, {model.logits: np.eye(4)[2:3]})[model.input]
    for mine, reference in ((ours, theirs.detach().numpy()), (gradient, x.grad.numpy())):
        assert np.abs(mine - reference).max() <= 1e-9 * np.abs(reference).max()


def test_a_command_takes_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, path = exported(tmp_path)
    from PIL import Image

    photo, out = tmp_path / "photo.png", tmp_path / "map.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 40, 3), dtype=np.uint8)).save(photo)
    assert main(["grad-cam", str(photo), "--model", str(path), "--out", str(out)]) == 0
    assert out.stat().st_size > 5_000
    assert "operators were read" in capsys.readouterr().out
