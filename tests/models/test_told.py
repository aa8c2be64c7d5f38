"""What a user says of a net that its file does not: names of classes, mean and standard deviation of pixels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from minitorch_viz import Model, Net
from minitorch_viz.cli import main
from minitorch_viz.errors import MinitorchVizError
from minitorch_viz.layers import Conv2d, Flatten, Linear, ReLU
from minitorch_viz.models import load_model
from minitorch_viz.models.samples import Sample
from minitorch_viz.report.command import command_for
from minitorch_viz.techniques import techniques

NAMES = ["plane", "car", "bird"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a net of three classes without names, and a photo."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    nodes = [("conv", Conv2d.random(rng, 3, 4, 3)), ("relu", ReLU()), ("flat", Flatten())]
    net = Net([*nodes, ("fc", Linear.random(rng, 4 * 36, 3))])
    Model.from_net(net, 8).save("net.safetensors")
    Image.fromarray(rng.integers(0, 256, (9, 12, 3), np.uint8)).save("photo.png")
    return tmp_path


def test_names_and_preparation_are_the_models() -> None:
    plain = load_model("net.safetensors")
    model = load_model("net.safetensors", class_names=NAMES, mean=127.5, std=(60, 61, 62.5))
    assert model.class_names == tuple(NAMES)
    assert model.class_index("bird") == 2
    pixels = np.full((8, 8, 3), 200, np.uint8)
    want = ((200 - 127.5) / np.array([60, 61, 62.5], np.float32)).reshape(1, 3, 1, 1)
    np.testing.assert_allclose(model.preprocess(pixels), np.broadcast_to(want, (1, 3, 8, 8)), rtol=1e-6)
    np.testing.assert_allclose(plain.preprocess(pixels), 200 / 255, rtol=1e-6)


def test_numbers_for_pixels_from_0_to_1_are_pointed_out() -> None:
    model = load_model("net.safetensors", mean=0.5, std=0.5)
    assert any("multiply both by 255" in note for note in model.notes)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"class_names": ["a", "b"]}, "has 3 classes, but class_names= gives 2: 'a', 'b'"),
        ({"class_names": "plane"}, "must be a list of texts"),
        ({"class_names": ["a", "", "c"]}, "that of class 1 is ''"),
        ({"class_names": [1, 2, 3]}, "class_names must be texts"),
        ({"scores": "yes-no"}, "gives 3 scores for each picture, and they cannot be 'yes-no'"),
        ({"scores": "maps"}, "cannot be 'maps'"),
        ({"scores": "grades"}, "grades"),
        ({"scores": 3}, "3"),
        ({"mean": "grey"}, "mean"),
        ({"mean": (1, 2)}, "mean"),
        ({"std": 0}, "std"),
        ({"std": -3.0}, "std"),
        ({"std": float("nan")}, "std"),
        ({"mean": float("inf")}, "mean"),
    ],
)
def test_what_cannot_be_is_a_sentence(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(MinitorchVizError, match=words):
        load_model("net.safetensors", **settings)


def test_a_named_net_takes_them_too() -> None:
    path = load_model("digits").source
    names = [f"figure {i}" for i in range(10)]
    assert load_model("digits", weights=path, class_names=names).class_names == tuple(names)
    with pytest.raises(MinitorchVizError, match="has 10 classes"):
        load_model("digits", class_names=NAMES)


@pytest.mark.parametrize("classes", ["plane,car,bird", " plane, car ,bird", "names.txt", "names.json"])
def test_the_command_line_takes_them(classes: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("names.txt").write_text("plane\ncar\n\nbird\n", encoding="utf-8")
    Path("names.json").write_text(json.dumps({"names": NAMES}), encoding="utf-8")
    command = ["saliency", "photo.png", "--model", "net.safetensors", "--target", "bird", "--out", "map.json"]
    assert main([*command, "--classes", classes, "--mean", "127.5", "--std", "60,60,60"]) == 0
    assert "bird" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--model", "net.safetensors", "--classes", "a,b"], "has 3 classes, but --classes gives 2"),
        (["--model", "net.safetensors", "--classes", "names.txt"], "there is no file"),
        (["--model", "net.safetensors", "--mean", "grey"], "is to be a number"),
        (["--model", "net.safetensors", "--std", "1,,2"], "is to be a number"),
        (["--classes", "a,b"], "give --model, too"),
    ],
)
@pytest.mark.parametrize("command", ["saliency", "report"])
def test_what_the_command_line_cannot_take(
    command: str, words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        status: object = main([command, "photo.png", *words])
    except SystemExit as end:  # of the parser
        status = end.code
    assert status == 2
    assert sentence in capsys.readouterr().err


def test_a_report_says_them_in_its_commands() -> None:
    model = load_model("net.safetensors", class_names=NAMES, mean=127.5, std=(60, 61, 62.5))
    command = command_for(techniques()["saliency"], model, Sample("a", "photo.png"), {})
    assert command.line.endswith("--model net.safetensors --mean 127.5 --std 60,61,62.5 --classes plane,car,bird")
    commas = load_model("net.safetensors", class_names=["tench, Tinca tinca", "car", "bird"])
    command = command_for(techniques()["saliency"], commas, Sample("a", "photo.png"), {})
    assert "--classes NAMES.txt" in command.line
    assert "names of the classes" in command.remark


def test_what_scores_mean_can_be_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert load_model("net.safetensors").scores.name == "classes"
    model = load_model("net.safetensors", scores="labels")
    assert (model.scores.name, model.told) == ("labels", {"scores": "labels"})
    x = model.preprocess("photo.png")
    np.testing.assert_allclose(model.predict_answers(x), 1 / (1 + np.exp(-model.net.predict(x))), rtol=1e-5)
    command = ["saliency", "photo.png", "--model", "net.safetensors", "--out", "map.json"]
    assert main([*command, "--scores", "labels"]) == 0
    assert 'Explains label "class' in capsys.readouterr().out
    assert main(command) == 0
    assert "--scores 'labels' or --scores 'numbers' says otherwise" in capsys.readouterr().out
