"""A net that PyTorch exported: its scores and its input gradient are PyTorch's; its command draws a Grad-CAM."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

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


class Sequence(torch.nn.Module):
    """A recurrent layer over series, and scores of its last states."""

    def __init__(self, kind: str, **settings: Any) -> None:
        super().__init__()
        self.steps = getattr(torch.nn, kind)(5, 4, batch_first=True, **settings)
        self.fc = torch.nn.LazyLinear(3)

    def forward(self, x: Any) -> Any:
        states, _ = self.steps(x)
        return self.fc(states[:, -1] + states.mean(1))


class Attentive(torch.nn.Module):
    """A transformer's layer, or attention written by hand."""

    def __init__(self, by_hand: bool) -> None:
        super().__init__()
        self.by_hand, self.norm = by_hand, torch.nn.LayerNorm(6)
        self.qkv, self.fc = torch.nn.Linear(6, 18), torch.nn.Linear(6, 3)
        self.layer = torch.nn.TransformerEncoderLayer(6, 2, 8, activation="gelu", batch_first=True, norm_first=True)

    def forward(self, x: Any) -> Any:
        if not self.by_hand:
            return self.fc(self.layer(x)[:, 0])
        n, t, _ = x.shape
        q, k, v = self.qkv(self.norm(x)).reshape(n, t, 3, 2, 3).permute(2, 0, 3, 1, 4).unbind(0)
        hidden = torch.full((t, t), -torch.inf, dtype=x.dtype).triu(1)
        p = (q @ k.transpose(-2, -1) * 3**-0.5 + hidden).softmax(-1)
        return self.fc((p @ v).transpose(1, 2).reshape(n, t, 6).amax(1))


NETS: dict[str, tuple[Callable[[], Any], tuple[int, ...]]] = {
    "lstm": (lambda: Sequence("LSTM"), (7, 5)),
    "gru, both ways": (lambda: Sequence("GRU", bidirectional=True), (7, 5)),
    "rnn with relu, stacked": (lambda: Sequence("RNN", nonlinearity="relu", num_layers=2), (7, 5)),
    "lstm, stacked, both ways": (lambda: Sequence("LSTM", num_layers=2, bidirectional=True), (7, 5)),
    "a transformer's layer": (lambda: Attentive(by_hand=False), (4, 6)),
    "attention by hand": (lambda: Attentive(by_hand=True), (4, 6)),
}


@pytest.mark.parametrize("is_open", [False, True])
@pytest.mark.parametrize("name", NETS)
def test_series_are_pytorchs(name: str, is_open: bool, tmp_path: Path) -> None:
    torch.manual_seed(0)
    make, shape = NETS[name]
    net, path = make().double().eval(), tmp_path / "net.onnx"
    net(torch.zeros(1, *shape).double())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        axes = {"input_names": ["x"], "dynamic_axes": {"x": {0: "images"}}} if is_open else {}
        torch.onnx.export(net, torch.zeros(1, *shape).double(), str(path), dynamo=False, opset_version=17, **axes)
    x = torch.randn(3, *shape, dtype=torch.float64, requires_grad=True)
    theirs = net(x)
    seed = np.random.default_rng(0).normal(size=(3, 3))
    (theirs * torch.from_numpy(seed)).sum().backward()
    model = Model.from_onnx(path)
    tape = model.net.forward(x.detach().numpy())
    gradient = model.net.backward(tape, {model.logits: seed})[model.net.inputs[0]]
    for mine, reference in ((tape[model.logits], theirs.detach().numpy()), (gradient, x.grad.numpy())):
        assert np.abs(mine - reference).max() <= 1e-9 * np.abs(reference).max()


def test_normalization_in_parts_as_older_exporters_write_it(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.LayerNorm(6), torch.nn.GELU(), torch.nn.LayerNorm((6,)), torch.nn.Linear(6, 3))
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter)
    net, path = net.double().eval(), tmp_path / "net.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(net, torch.zeros(1, 6).double(), str(path), dynamo=False, opset_version=13)
    model = Model.from_onnx(path)
    assert [type(node.layer).__name__ for node in model.net.nodes].count("LayerNorm") == 2
    x = torch.randn(4, 6, dtype=torch.float64)
    ours, theirs = model.net.predict(x.numpy()), net(x).detach().numpy()
    assert np.abs(ours - theirs).max() <= 1e-9 * np.abs(theirs).max()


def test_a_command_takes_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, path = exported(tmp_path)
    from PIL import Image

    photo, out = tmp_path / "photo.png", tmp_path / "map.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 40, 3), dtype=np.uint8)).save(photo)
    assert main(["grad-cam", str(photo), "--model", str(path), "--out", str(out)]) == 0
    assert out.stat().st_size > 5_000
    assert "operators were read" in capsys.readouterr().out
