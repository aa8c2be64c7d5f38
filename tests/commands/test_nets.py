"""Which net explains when none is named, and errors in the words of the command line."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minitorch_viz import Model, Net
from minitorch_viz.cli import main
from minitorch_viz.commands.nets import best_at_hand, chosen_model
from minitorch_viz.commands.parser import did_you_mean, in_command_words
from minitorch_viz.errors import SettingError
from minitorch_viz.layers import Conv2d, Flatten, Linear, ReLU
from minitorch_viz.models import load_model
from minitorch_viz.models.spec import specs


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINITORCH_VIZ_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    Image.fromarray(np.full((20, 30, 3), 90, np.uint8)).save(tmp_path / "mine.jpg")
    return tmp_path / "home"


@pytest.mark.parametrize(
    ("files", "best"),
    [
        ([], None),
        (["squeezenet1_1.safetensors"], "squeezenet1_1"),
        (["squeezenet1_1.safetensors", "resnet18.npz"], "resnet18"),
        (["vgg16.pth", "resnet50-0676ba61.pth", "googlenet.caffemodel"], "resnet50"),
        (["alexnet.pt", "squeezenet1_1-b8a52dc0.pth"], "squeezenet1_1"),
        (["vgg19.safetensors", "vgg16.safetensors"], "vgg19"),
        (["tinyvgg.safetensors", "notes.txt", "regnet_y_400mf.pth"], None),
    ],
)
def test_the_best_imagenet_net_at_hand(files: list[str], best: str | None, home: Path) -> None:
    for name in files:
        (home / name).touch()
    assert best_at_hand() == best


def test_every_imagenet_net_has_its_published_accuracy() -> None:
    """As on the official pages: torchvision's models, Caffe's BVLC GoogLeNet."""
    published = {
        "alexnet": 56.522,
        "convnext_tiny": 82.520,
        "densenet121": 74.434,
        "efficientnet_b0": 77.692,
        "googlenet": 68.7,
        "inception_v3": 77.294,
        "mobilenet_v2": 71.878,
        "mobilenet_v3_large": 74.042,
        "mobilenet_v3_small": 67.668,
        "resnet101": 77.374,
        "resnet152": 78.312,
        "resnet18": 69.758,
        "resnet34": 73.314,
        "resnet50": 76.130,
        "resnext50_32x4d": 77.618,
        "squeezenet1_1": 58.178,
        "vgg16": 71.592,
        "vgg19": 72.376,
        "vit_b_16": 81.072,
    }
    assert {spec.name: round(100 * spec.top1, 3) for spec in specs().values() if spec.imagenet} == published


@pytest.mark.parametrize("command", ["saliency", "grad-cam", "deconvnet", "report"])
def test_a_photo_is_never_explained_by_digits(command: str, capsys) -> None:
    more = ["--only", "saliency"] if command == "report" else []
    assert main([command, "mine.jpg", *more]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith("Explained by cifar10, which knows 10 classes and nothing else: airplane, automobile, ")


def test_without_a_photo_it_is_the_net_whose_samples_come_along(capsys) -> None:
    assert main(["saliency"]) == 0
    assert 'Explains class "3" (3)' in capsys.readouterr().out


def test_the_best_net_at_hand_is_taken_for_a_photo(home: Path, capsys) -> None:
    (home / "resnet18.pth").write_bytes(b"no weights")
    assert main(["saliency", "mine.jpg"]) == 2
    assert "resnet18.pth" in capsys.readouterr().err
    assert main(["saliency", "mine.jpg", "--model", "cifar10"]) == 0


def test_the_best_real_net_explains_a_real_photo(shared_data, monkeypatch, capsys) -> None:
    monkeypatch.setenv("MINITORCH_VIZ_HOME", str(shared_data / "weights"))
    monkeypatch.setattr("minitorch_viz.commands.nets.best_at_hand", lambda: "squeezenet1_1")  # the quickest
    assert main(["saliency", str(shared_data / "photos" / "cat_dog.jpg")]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("Explained by squeezenet1_1, which knows 1,000 classes (")
    assert '"boxer"' in printed


def test_a_weights_file_says_its_net_by_its_name(tmp_path: Path, capsys) -> None:
    bundled = Path(__file__).parents[2] / "minitorch_viz" / "models" / "bundled" / "digits.safetensors"
    (tmp_path / "digits.safetensors").write_bytes(bundled.read_bytes())
    (tmp_path / "mine.safetensors").write_bytes(bundled.read_bytes())
    assert main(["saliency", "--weights", "digits.safetensors"]) == 0
    assert main(["saliency", "mine.jpg", "--weights", "mine.safetensors"]) == 2
    assert "give --model NAME with --weights mine.safetensors" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["saliency", ""],
        ["grad-cam", " "],
        ["deconvnet", "mine.jpg", ""],
        ["report", ""],
        ["report", "--model", ""],
        ["saliency", "--weights", ""],
        ["saliency", "--out", ""],
        ["saliency", "--target", ""],
        ["saliency", "--node", ""],
        ["train", "digits", "--checkpoint", ""],
        ["download", "mnist", "--from", ""],
        ["grade", "--boxes", "", "--photos", "."],
    ],
)
def test_an_empty_argument_is_an_error(arguments: list[str], capsys) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "empty; is a shell variable not set?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["saliency", "--node", "nosuch"], "There is no node 'nosuch'"),
        (["saliency", "--position", "1", "2"], "--channel and --position belong to a node; name it with --node"),
        (["saliency", "--target", "3", "--node", "relu1"], "a class (--target '3') or a node (--node 'relu1')"),
        (["compare", "--only", "gradcam"], "--only names the method 'gradcam'"),
        (["saliency", "--model", "vgg16"], "or give --weights PATH"),
        (["report", "--target", "3", "--node", "relu1"], "a class (--target '3') or a node (--node 'relu1')"),
    ],
)
def test_errors_speak_the_command_line(arguments: list[str], told: str, capsys) -> None:
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert told in error
    assert "=" not in error


def test_only_the_commands_own_settings_are_translated() -> None:
    flags = ["--node", "--target", "--position", "-h"]
    words = "name it with node=, or target='3'; scores='numbers' and a == b and x.node=1 stay"
    assert in_command_words(words, flags) == (
        "name it with --node, or --target '3'; scores='numbers' and a == b and x.node=1 stay"
    )
    assert in_command_words("give weights=PATH.", ["--weights"]) == "give --weights PATH."
    assert in_command_words("https://x.org/?node=3", flags) == "https://x.org/?node=3"


def test_near_names() -> None:
    assert did_you_mean("grad cam", ["grad-cam", "lrp"]) == "did you mean grad-cam?"
    assert did_you_mean("zzz", ["grad-cam", "lrp"]) == "known are grad-cam, lrp."


# ------------------------------------------------------------------ nets of one's own, and what a net is made of


def test_every_command_takes_a_saved_model(tmp_path: Path, capsys) -> None:
    from minitorch_viz import Model, load_model

    digits = load_model("digits")
    names = [f"figure {i}" for i in range(10)]
    own = Model.from_net(digits.net, 8, logits="logits", class_names=names, name="mine")
    own.save(tmp_path / "my net.safetensors")
    for given in (["--model", "my net.safetensors"], ["--weights", "my net.safetensors"]):
        assert main(["saliency", *given, "--target", "figure 7"]) == 0
        assert '"figure 7" (7)' in capsys.readouterr().out
    assert main(["report", "--model", "my net.safetensors", "--only", "saliency"]) == 0
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "minitorch-viz saliency --model &#39;my net.safetensors&#39; --mode compare" in page
    assert main(["describe", "my net.safetensors"]) == 0
    assert "figure 9 (9)" in capsys.readouterr().out
    assert main(["saliency", "--model", "my net.safetensors", "--out", "my net.safetensors"]) == 2


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (["digits"], ["conv1", "relu3", "logits", "classes (10): 0 (0), 1 (1)"]),
        (["faces"], ["flatten  Flatten  4096", "logits   Linear   6                24,582"]),
        (["squeezenet1_1"], ["1,235,496 parameters", "features.0", "classes (1000): tench (0)", "without its weights"]),
        (["digits", "--all-classes"], ["   0  0\n", "   9  9\n"]),
        (["resnet18", "--all-classes"], ["   0  tench, Tinca tinca\n", " 999  toilet tissue"]),
    ],
)
def test_describe_lists_nodes_shapes_parameters_and_classes(arguments: list[str], lines: list[str], capsys) -> None:
    assert main(["describe", *arguments]) == 0
    printed = capsys.readouterr().out
    assert all(line in printed for line in lines), printed


@pytest.mark.parametrize(("name", "told"), [("digit", "digits"), ("nowhere.safetensors", "nowhere.safetensors")])
def test_describe_says_what_it_does_not_know(name: str, told: str, capsys) -> None:
    assert main(["describe", name]) == 2
    assert told in capsys.readouterr().err


def fixed_net(path: Path) -> Path:
    """A net that takes pictures of 12 x 12 pixels and of no other size."""
    rng = np.random.default_rng(0)
    nodes = [("conv", Conv2d.random(rng, 3, 2, 3)), ("relu", ReLU()), ("flat", Flatten())]
    Model.from_net(Net([*nodes, ("fc", Linear.random(rng, 200, 2))]), 12, name="mine").save(path)
    return path


def test_a_net_of_one_size_says_that_it_keeps_no_photos_size(tmp_path: Path, capsys) -> None:
    path = fixed_net(tmp_path / "fixed.safetensors")
    for command in ("saliency", "report"):
        assert main([command, "mine.jpg", "--model", str(path), "--resize", "keep"]) == 2
        assert "takes pictures of 12 x 12 pixels and no others" in capsys.readouterr().err
    assert main(["saliency", "mine.jpg", "--model", str(path), "--resize", "crop"]) == 0
    assert main(["saliency", "mine.jpg", "--model", "cifar10", "--resize", "keep"]) == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--input", "other=mine.jpg"], "mine has no input 'other' to be given by --input"),
        (["--question", "what is it?"], "mine has no input 'question'"),
        (["--input", "input=mine.jpg"], "mine has the input 'input', and one of them must be left to look at"),
        (["--input", "input"], "--input takes NAME=VALUE"),
    ],
)
def test_inputs_that_the_net_does_not_have(words: list[str], sentence: str, tmp_path: Path, capsys) -> None:
    path = fixed_net(tmp_path / "fixed.safetensors")
    assert main(["saliency", "mine.jpg", "--model", str(path), *words]) == 2
    assert sentence in capsys.readouterr().err


def test_python_words_in_notes_and_errors_are_options(tmp_path: Path) -> None:
    np.savez(tmp_path / "mine.npz", a=np.ones(3, np.float32))
    with pytest.raises(SettingError) as caught:
        load_model(tmp_path / "mine.npz")
    sentence = str(caught.value)
    assert f"give --model NAME with --weights {tmp_path / 'mine.npz'}" in in_command_words(
        sentence, ("--model", "--weights")
    )
    assert f"give NAME with --weights {tmp_path / 'mine.npz'}" in in_command_words(sentence, ("--weights",))
    note = "net.onnx does not say how a picture is prepared (mean=, std=, or net.json beside it)."
    assert "(--mean, --std, or net.json" in in_command_words(note, ("--mean", "--std"))
    own = Model.from_net(load_model("digits").net, 8)
    dataclasses.replace(own, notes=(note,)).save(tmp_path / "mine.safetensors")
    assert chosen_model(str(tmp_path / "mine.safetensors"), None, photo=True).notes == (
        note.replace("mean=, std=", "--mean, --std"),
    )


def test_without_a_name_a_net_is_taken_that_the_technique_applies_to(tmp_path: Path, capsys) -> None:
    assert main(["cam", "--out", str(tmp_path / "cam.json")]) == 0  # digits averages no maps
    assert main(["templates", "mine.jpg", "--out", str(tmp_path / "templates.json")]) == 0  # cifar10 is not linear
    assert "Explained by cifar10_linear" in capsys.readouterr().out
    model = chosen_model(None, None, photo=True, applies=lambda model: False)
    assert model.name == "cifar10"  # whose sentence then says what is missing


def test_a_text_is_read_by_a_net_that_knows_its_letters(capsys) -> None:
    """Without a name the technique's own net, unless another one knows all letters of the text that is given."""
    chosen = lambda text: chosen_model(None, None, photo=False, shown_by="war_and_peace", reads="text", text=text).name
    assert chosen(None) == "war_and_peace"
    assert capsys.readouterr().out == ""
    assert chosen("He said so.") == "war_and_peace"
    assert chosen("if (x) { return; }") == "linux_kernel"
    assert capsys.readouterr().out.endswith("Read by linux_kernel (--model NAME takes another).\n")
    assert chosen("\N{CYRILLIC CAPITAL LETTER EF}") == "war_and_peace"  # which then says what it does not know
