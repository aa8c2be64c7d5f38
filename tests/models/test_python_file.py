"""`--model my_net.py`: a Python file that defines model() is a net like any other."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minitorch_viz.cli import main
from minitorch_viz.errors import MinitorchVizError
from minitorch_viz.models import load_model
from minitorch_viz.models.samples import Sample
from minitorch_viz.report.command import command_for
from minitorch_viz.techniques import techniques

GOOD = """
import numpy as np
from minitorch_viz.layers import Conv2d, Flatten, Linear, ReLU
from minitorch_viz import Model, Net

def model():
    rng = np.random.default_rng(0)
    net = Net([("conv", Conv2d.random(rng, 3, 4, 3)), ("relu", ReLU()), ("flat", Flatten()),
               ("fc", Linear.random(rng, 144, 2))])
    return Model.from_net(net, 8, class_names=["cat", "dog"], name="mine")
"""


def test_a_command_takes_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my_net.py").write_text(GOOD)
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (9, 9, 3), np.uint8)).save("photo.png")
    assert main(["saliency", "photo.png", "--model", "my_net.py", "--target", "dog", "--out", "map.png"]) == 0
    assert Path("map.png").stat().st_size > 1000
    model = load_model("my_net.py", dtype=np.float64)
    assert (model.name, model.dtype) == ("mine", np.float64)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "There is no file"),
        ("x = 1", r"must define a function model\(\)"),
        ("def model(): return 3", "must return a Model, but returns int"),
        ("import nothing_of_this_name", "fails: ModuleNotFoundError"),
        ("def model(): raise SystemExit('no')", "fails: SystemExit: no"),
        ("import json\n\ndef model():\n    return json.loads('{')", r"fails: JSONDecodeError: .* \(line 4\)$"),
        ("def model(:", "fails: SyntaxError"),
        ("", r"must define a function model\(\)"),
        ("model = 3", r"must define a function model\(\)"),
        ("def model(): pass", "returns NoneType; wrap it"),
        ("from minitorch_viz import Model\ndef model(): return Model", "returns type; wrap it"),
        ("def model(): yield 1", "returns generator"),
        ("def model(): return model()", "fails: RecursionError"),
        ("def model(*, size): return 1", "fails: TypeError"),
        ("import sys\ndef model(): sys.exit()", "fails: SystemExit"),
        ("x = 1\0", "fails: (SyntaxError|ValueError)"),
        ("from minitorch_viz.errors import NetError\ndef model(): raise NetError('This says it.')", "This says it"),
    ],
)
def test_other_files_end_in_a_sentence(tmp_path: Path, text: str | None, words: str) -> None:
    path = tmp_path / "my_net.py"
    if text is not None:
        path.write_text(text)
    with pytest.raises(MinitorchVizError, match=words):
        load_model(path)


WITH_WEIGHTS = """
from minitorch_viz.io.weights import read_weights
from {beside} import build

def model({parameters}):
    return build(read_weights(weights).tensors)
"""
BESIDE = """
from minitorch_viz import Model, Net
from minitorch_viz.layers import Flatten, Linear

def build(tensors):
    return Model.from_net(Net([("flat", Flatten()), ("fc", Linear(tensors["weight"]))]), 4)
"""


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "net.npz"
    np.savez(path, weight=np.random.default_rng(0).standard_normal((2, 48)).astype(np.float32))
    return path


@pytest.mark.parametrize("parameters", ["weights", "weights='there_is_none.npz'", "weights, /"])
def test_the_function_is_given_the_weights(tmp_path: Path, weights: Path, parameters: str) -> None:
    (tmp_path / "build_it.py").write_text(BESIDE)
    (tmp_path / "my_net.py").write_text(WITH_WEIGHTS.format(parameters=parameters, beside="build_it"))
    before = list(sys.path)
    model = load_model(tmp_path / "my_net.py", weights=weights)
    del sys.modules["build_it"]
    assert model.net.params["fc.weight"].shape == (2, 48)
    assert sys.path == before
    command = command_for(techniques()["saliency"], model, Sample("a", "a.png"), {}).line
    assert f"--model {tmp_path / 'my_net.py'} --weights {weights}" in command


@pytest.mark.parametrize(
    ("parameters", "with_weights", "words"),
    [
        ("", True, r"model\(\) in my_net.py takes no weights file: write model\(weights\)"),
        ("a, b", True, r"model\(a, b\) in my_net.py takes no weights file"),
        ("*, weights=None", True, "takes no weights file"),
        ("weights", False, r"model\(weights\) in my_net.py is given a weights file: add weights=PATH"),
    ],
)
def test_weights_and_function_that_do_not_fit(
    tmp_path: Path, weights: Path, parameters: str, with_weights: bool, words: str
) -> None:
    (tmp_path / "my_net.py").write_text(f"def model({parameters}): raise AssertionError")
    with pytest.raises(MinitorchVizError, match=words):
        load_model(tmp_path / "my_net.py", weights=weights if with_weights else None)


def test_weights_that_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "my_net.py").write_text("def model(weights): raise AssertionError")
    with pytest.raises(MinitorchVizError, match="There is no weights file"):
        load_model(tmp_path / "my_net.py", weights=tmp_path / "a.safetensors")
    with pytest.raises(MinitorchVizError, match="leave the prefix out"):
        load_model(tmp_path / "my_net.py", prefix="a.")
