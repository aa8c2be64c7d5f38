"""The command line: every command runs, writes what it says, and tells bad input in one sentence."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minitorch_viz import load_model
from minitorch_viz.cli import main
from minitorch_viz.techniques import techniques
from tests.conftest import LONG
from tests.examples import example_of

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINITORCH_VIZ_HOME", str(tmp_path / "home"))


# Their examples, which are to be quick, are of another net or of fewer pictures than a command shows by default.
OTHER_EXAMPLES = (
    "cam", "correspondence", "fooling", "top-patches", "unit-field", "gates", "char-saliency", "errors",
)  # fmt: skip


@pytest.mark.parametrize("name", list(techniques()))
def test_every_technique_has_a_command(name: str, tmp_path, capsys) -> None:
    technique = techniques()[name]
    is_short = technique.loop is not None and name in LONG and name not in OTHER_EXAMPLES
    assert main([name, *(["--budget", "2"] if is_short else [])]) == 0
    assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    printed = capsys.readouterr().out
    assert f"Wrote {name}.png" in printed
    if name in OTHER_EXAMPLES:
        model = load_model(technique.shown_by)
        assert technique.run_on(model, technique.subject.read(model, [])).caption in printed
    else:
        assert example_of(name).caption.replace("digits", technique.shown_by)[:20] in printed


def test_settings_reach_the_technique(capsys) -> None:
    assert main(["saliency", "--node", "relu2", "--channel", "4", "--position", "3", "5", "--mode", "guided"]) == 0
    assert "relu2 channel 4 at row 3, column 5" in capsys.readouterr().out
    assert main(["occlusion", "--target", "5", "--size", "4", "--stride", "2", "--out", "o.svg"]) == 0
    assert 'class "5" (5)' in capsys.readouterr().out


def test_a_photo_of_ones_own(tmp_path) -> None:
    Image.fromarray(np.full((20, 30, 3), 90, np.uint8)).save(tmp_path / "mine.jpg")
    assert main(["saliency", "mine.jpg", "--out", "mine.png"]) == 0
    assert (tmp_path / "mine.png").exists()


def test_list_and_models(capsys) -> None:
    assert main(["list"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed and technique.paper in listed for name, technique in techniques().items())
    assert main(["models"]) == 0
    models = capsys.readouterr().out
    assert "digits" in models
    assert "bundled" in models
    assert "squeezenet1_1-b8a52dc0.pth" in models


def test_warmup_says_how_long_it_took(capsys) -> None:
    import minitorch_viz_kernels as kernels

    assert main(["warmup"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"The {kernels.current()} kernels are ready")
    assert printed.rstrip().endswith(" s")


def test_train_digits_again(tmp_path, capsys) -> None:
    """Another seed than the bundled net's: it must get about as good, and load."""
    settings = ["--film", "film.html", "--checkpoint", "run.ckpt", "--resume"]
    assert main(["train", "digits", "--seed", "7", "--out", "again.safetensors", *settings]) == 0
    printed = capsys.readouterr().out
    assert "Wrote film.html" in printed
    share = float(printed.split("%")[0].split()[-1])
    assert share >= 98.5
    assert load_model("digits", weights=tmp_path / "again.safetensors").class_names == tuple("0123456789")
    assert 1_000_000 < (tmp_path / "film.html").stat().st_size < 6_000_000
    first = (tmp_path / "again.safetensors").read_bytes()
    started = time.perf_counter()
    assert main(["train", "digits", "--seed", "7", "--out", "again.safetensors", *settings]) == 0  # it is finished
    assert time.perf_counter() - started < 5
    assert (tmp_path / "again.safetensors").read_bytes() == first


def test_gradcheck_all_layers(capsys) -> None:
    assert main(["gradcheck", "Linear", "ReLU"]) == 0
    printed = capsys.readouterr().out
    assert "Linear" in printed
    assert "wrong" not in printed.lower()


def test_gradcheck_a_file(tmp_path, capsys) -> None:
    (tmp_path / "mine.py").write_text(
        "import numpy as np\n"
        "rng = np.random.default_rng(0)\n"
        'inputs = {"x": rng.standard_normal((3, 4)), "w": rng.standard_normal((4, 2))}\n'
        "def forward(x, w): return x @ w, (x, w)\n"
        "def backward(dy, cache): x, w = cache; return dy @ w.T, 2 * x.T @ dy\n"
    )
    assert main(["gradcheck", "mine.py"]) == 1
    printed = capsys.readouterr().out
    assert "factor" in printed
    assert "2" in printed


BAD = {
    "no such photo": (["saliency", "nowhere.png"], "nowhere.png"),
    "unknown model": (["saliency", "--model", "digit"], "near models: digits"),
    "no weights here": (["report", "--model", "vgg16"], "vgg16"),
    "no such weights": (["saliency", "--weights", "nowhere.npz"], "nowhere.npz"),
    "unknown class": (["saliency", "--target", "eleven"], "eleven"),
    "unknown node": (["saliency", "--node", "relu9"], "near nodes: relu"),
    "occluder too large": (["occlusion", "--size", "99"], "99"),
    "unknown figure kind": (["saliency", "--out", "map.tiff"], "map.tiff"),
    "folder does not exist": (["saliency", "--out", "nowhere/map.png"], "nowhere"),
    "report into a folder that does not exist": (["report", "--out", "nowhere/r.html"], "nowhere"),
    "unknown layer": (["gradcheck", "Conv3d"], "Conv2d"),
    "no such file to check": (["gradcheck", "nowhere.py"], "nowhere.py"),
    "resume from nothing": (["train", "digits", "--resume"], "--checkpoint"),
    "film into a folder that does not exist": (["train", "digits", "--film", "nowhere/f.html"], "nowhere"),
    "unknown download": (["download", "vgg61"], "vgg16"),
    "download from nowhere": (["download", "alexnet", "--from", "nowhere.pth"], "nowhere.pth"),
    "download by an odd protocol": (["download", "alexnet", "--from", "ftp://127.0.0.1/a.pth"], "ftp"),
}


@pytest.mark.parametrize(("arguments", "message"), BAD.values(), ids=list(BAD))
def test_bad_input_is_one_sentence_and_status_2(arguments: list[str], message: str, capsys) -> None:
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("minitorch-viz: ")
    assert "Traceback" not in error


@pytest.mark.parametrize(
    "arguments", [["no-such"], ["saliency", "--mode", "guide"], ["occlusion", "--size", "x"], ["train", "vgg16"]]
)
def test_usage_errors_are_argparses(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2


def test_alone_it_prints_the_help(capsys) -> None:
    assert main([]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("usage: minitorch-viz")
    assert "grad-cam" in printed


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["gradcam"], "did you mean grad-cam?"),
        (["GradCAM"], "did you mean grad-cam?"),
        (["integrated_gradients"], "did you mean integrated-gradients?"),
        (["salency"], "did you mean saliency, char-saliency or sample?"),
        (["guided"], "did you mean guided-backprop or guided-grad-cam?"),
        (["losssurface"], "did you mean loss-surface?"),
        (["xyzzy"], "known are report, "),
        (["report", "--only", "gradcam"], "did you mean grad-cam?"),
        (["report", "--only", "saliency", "oclusion"], "did you mean occlusion?"),
        (["train", "cifar"], "there is no recipe 'cifar'; did you mean cifar10 or cifar10_linear?"),
        (["train", "digit"], "did you mean digits, digits_autoencoder or digits_linear?"),
        (["saliency", "--mode", "guide"], "did you mean guided?"),
        (["top-patches", "photos"], "no place for 'photos': what it looks at is given by --pictures"),
        (["tuning", "mine.jpg"], "no place for 'mine.jpg': what it looks at is given by --photos"),
    ],
)
def test_what_is_misspelt_gets_near_names(arguments: list[str], meant: str, capsys) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    assert meant in capsys.readouterr().err


def test_help_is_the_manual(capsys, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for name, technique in techniques().items():
        with pytest.raises(SystemExit):
            main([name, "--help"])
        printed = capsys.readouterr().out
        assert technique.summary in " ".join(printed.split())
        assert not re.search(r"^ *(Args:|Returns |Raises )", printed, re.MULTILINE)
        arguments = "positional arguments" if "positional arguments" in printed else "\noptions:"
        manual = printed[printed.index("\n\n") : printed.index(arguments)]
        assert not re.search(r"^ ", manual, re.MULTILINE)
        assert max(map(len, manual.splitlines())) <= 80


def test_python_dash_m() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "minitorch_viz", "--version"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'kernels'}"},
    )
    assert done.returncode == 0
    assert done.stdout.startswith("minitorch-viz 0.")
