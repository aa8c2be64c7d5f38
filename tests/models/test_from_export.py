"""Files of torch.export.save, read without PyTorch: scores and gradient are PyTorch's; damaged ones are sentences."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minitorch_viz.errors import MinitorchVizError, NetError, WeightsFileError
from minitorch_viz.models import load_model

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = pytest.mark.torch
nn, F = torch.nn, torch.nn.functional


class Branches(nn.Module):
    """A net with what a graph can hold: statistics, two paths, joints, slices, resizing, several shapes."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(6)
        self.act = nn.ReLU(inplace=True)
        self.pool = nn.MaxPool2d(2)
        self.deep = nn.Sequential(nn.Conv2d(6, 6, 3, padding=1, groups=2), nn.SiLU(), nn.Dropout(0.3))
        self.group = nn.GroupNorm(2, 6)
        self.layer = nn.LayerNorm(9)
        self.head = nn.Linear(9, 4)
        self.register_buffer("scale", torch.linspace(0.5, 1.5, 6).reshape(6, 1, 1))

    def forward(self, x: Any) -> Any:
        x = self.pool(self.act(self.norm(self.conv(x))))
        x = x + self.deep(x)
        x = self.group(x) * self.scale
        large = F.interpolate(x, scale_factor=2, mode="bilinear")
        joined = torch.cat([F.avg_pool2d(large, 2)[:, :3], F.gelu(x)], 1)
        return self.head(self.layer(F.pad(joined, (1, 1, 0, 0)).mean((2, 3))))


def saved(module: Any, path: Path, example: Any, **settings: Any) -> Path:
    torch.export.save(torch.export.export(module.eval(), (example,), **settings), path)
    return path


@pytest.fixture(scope="module")
def branches(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    torch.manual_seed(0)
    module = Branches().double()
    module.norm.running_mean.normal_()
    module.norm.running_var.uniform_(0.5, 2)
    path = tmp_path_factory.mktemp("exported") / "net.pt2"
    return module, saved(module, path, torch.zeros(1, 3, 12, 10).double())


@pytest.mark.slow
def test_scores_and_gradient_are_pytorchs(branches: tuple[Any, Path]) -> None:
    module, path = branches
    model = load_model(path, class_names=list("abcd"), mean=127.5, std=127.5)
    assert (model.dtype, model.class_names) == (np.float64, tuple("abcd"))
    x = torch.randn(2, 3, 12, 10, dtype=torch.float64, requires_grad=True)
    theirs = module(x)
    theirs[:, 2].sum().backward()
    tape = model.net.forward(x.detach().numpy())
    seeds = np.tile(np.eye(4)[2], (2, 1))
    gradient = model.net.backward(tape, {model.logits: seeds})[model.input]
    for ours, reference in ((tape[model.logits], theirs.detach().numpy()), (gradient, x.grad.numpy())):
        assert np.abs(ours - reference).max() <= 1e-9 * np.abs(reference).max()
    assert {"conv", "norm", "act", "deep.0", "head"} <= set(model.net.names)
    assert any("operators were read" in note for note in model.notes)


def test_an_open_batch_is_read_too(tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 3))
    shapes = ({0: torch.export.Dim("batch")},)
    path = saved(module, tmp_path / "net.pt2", torch.zeros(2, 1, 8, 8), dynamic_shapes=shapes)
    model = load_model(path)
    x = np.random.default_rng(0).standard_normal((5, 1, 8, 8)).astype(np.float32)
    np.testing.assert_allclose(model.net.predict(x), module(torch.from_numpy(x)).detach(), rtol=1e-4, atol=1e-5)
    assert load_model(path, dtype=np.float64).dtype == np.float64
    assert any("as numbers from 0 to 1" in note for note in model.notes)


def test_rows_of_numbers_are_no_pictures(tmp_path: Path) -> None:
    path = saved(nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 2)), tmp_path / "rows.pt2", torch.zeros(1, 5))
    assert load_model(path).reader().noun != "a picture"


class Calls(nn.Module):
    def __init__(self, call: Callable[[Any], Any]) -> None:
        super().__init__()
        self.call = call
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x: Any) -> Any:
        return self.call(self.conv(x)).mean((2, 3))


def test_an_operator_without_a_layer_is_named(tmp_path: Path) -> None:
    path = saved(Calls(lambda x: torch.cumsum(x, 3) + 1), tmp_path / "net.pt2", torch.zeros(1, 3, 8, 8))
    with pytest.raises(NetError, match=r"net.pt2: The operator cumsum at 'cumsum' cannot be mapped: no layer"):
        load_model(path)


def test_borders_are_checked_before_memory_is_taken(branches: tuple[Any, Path], tmp_path: Path) -> None:
    def widen(content: Any) -> None:
        node = next(node for node in content["graph_module"]["graph"]["nodes"] if ".pad." in node["target"])
        node["inputs"][1]["arg"]["as_ints"] = [10**8] * 4

    with pytest.raises(NetError, match="too large"):
        load_model(changed(branches[1], tmp_path, "models/model.json", widen))


def changed(path: Path, folder: Path, member: str, change: Callable[[Any], Any]) -> Path:
    """The same file with one of its JSON members changed."""
    new = folder / "changed.pt2"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(new, "w") as archive:
        for name in old.namelist():
            data = old.read(name)
            if name.endswith(member):
                content = json.loads(data)
                data = change(content) or json.dumps(content).encode()
            archive.writestr(name, data)
    return new


def test_a_pickle_in_it_is_not_opened(branches: tuple[Any, Path], tmp_path: Path) -> None:
    def pickled(content: Any) -> None:
        content["config"]["conv.weight"]["use_pickle"] = True

    with pytest.raises(WeightsFileError, match=r"'conv.weight' is missing, or stored as a pickle"):
        load_model(changed(branches[1], tmp_path, "weights_config.json", pickled))


@pytest.mark.parametrize("entry", ["sizes", "strides", "storage_offset"])
def test_a_window_beyond_its_numbers_is_refused(branches: tuple[Any, Path], tmp_path: Path, entry: str) -> None:
    def enlarge(content: Any) -> None:
        meta = content["config"]["head.weight"]["tensor_meta"]
        for part in meta[entry] if isinstance(meta[entry], list) else [meta[entry]]:
            part["as_int"] = 2**30

    with pytest.raises(WeightsFileError, match="too few for the shape"):
        load_model(changed(branches[1], tmp_path, "weights_config.json", enlarge))


def test_a_file_of_an_older_torch_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "old.pt2"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("serialized_exported_program.json", "{}")
    with pytest.raises(WeightsFileError, match=r"save it again with a newer one, or as ONNX"):
        load_model(path)
    path.write_bytes(b"no zip archive at all, but of some length")
    with pytest.raises(WeightsFileError, match=r"old.pt2"):
        load_model(path)


@pytest.mark.slow
def test_damaged_files_end_in_sentences(branches: tuple[Any, Path], tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    outcomes = set()
    for _ in range(150):
        member = str(rng.choice(["models/model.json", "weights_config.json"]))

        def damage(content: Any) -> bytes:
            data = bytearray(json.dumps(content).encode())
            for _ in range(rng.integers(1, 4)):
                at = int(rng.integers(len(data)))
                if rng.random() < 0.7:  # another digit, letter or sign
                    data[at] = int(rng.choice(list(b"0123456789,{}[]abf-")))
                else:
                    del data[at : at + int(rng.integers(1, 40))]
            return bytes(data)

        try:
            load_model(changed(branches[1], tmp_path, member, damage))
        except MinitorchVizError as error:
            outcomes.add(type(error))
    assert WeightsFileError in outcomes
