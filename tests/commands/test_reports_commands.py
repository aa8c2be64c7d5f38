"""The report's own commands make the picture again when they are pasted; --target, --other and --node reach it."""

from __future__ import annotations

import html
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minitorch_viz import Model, load_model
from minitorch_viz.cli import main
from minitorch_viz.drawing.html import Embedded
from minitorch_viz.models.samples import Sample, report_samples, sample_digit, samples
from minitorch_viz.report import make_page
from minitorch_viz.report.command import command_for
from minitorch_viz.techniques import techniques


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINITORCH_VIZ_HOME", str(tmp_path / "home"))
    picture = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    for name in ("mine.png", "my cat's müsli; $HOME.png"):
        Image.fromarray(picture).save(tmp_path / name)
    return tmp_path


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Captions are compared here: figures would take most of the time."""
    monkeypatch.setattr("minitorch_viz.techniques.base.Result.figure", lambda _result: None)
    monkeypatch.setattr("minitorch_viz.drawing.files.figure_bytes", lambda *_arguments, **_settings: b"")
    monkeypatch.setattr("minitorch_viz.report.run.embedded_figure", lambda _figure: Embedded("", 1, 1))


def commands_and_captions(page: Path) -> list[tuple[str, str]]:
    text = page.read_text(encoding="utf-8")
    cards = re.findall(r"<article.*?</article>", text, re.DOTALL)
    return [
        (html.unescape(re.search(r"<code>(.*?)</code>", card)[1]), html.unescape(found[1]))
        for card in cards
        if (found := re.search(r'class="caption">(.*?)</p>', card))
    ]


ARGUMENTS = {
    "a photo": ["mine.png"],
    "a name with blanks and quotes": ["my cat's müsli; $HOME.png"],
    "weights of one's own": ["mine.png", "--model", "cifar10", "--weights", "my weights/w.safetensors"],
    "a sample": ["--model", "digits"],
    "a target": ["mine.png", "--model", "cifar10", "--target", "ship", "--other", "9"],
    "a node": ["--model", "digits", "--node", "relu2"],
}


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("arguments", ARGUMENTS.values(), ids=list(ARGUMENTS))
def test_each_command_makes_its_picture_again(arguments: list[str], capsys, folder: Path) -> None:
    bundled = load_model("cifar10")
    (folder / "my weights").mkdir()
    for suffix in (".safetensors", ".json"):
        source = Path(bundled.source).with_suffix(suffix)
        (folder / "my weights" / f"w{suffix}").write_bytes(source.read_bytes())
    chosen = ["saliency", "grad-cam", "compare"] if "--other" in arguments else ["saliency", "activation-maps"]
    assert main(["report", *arguments, "--only", *chosen]) == 0
    cards = commands_and_captions(folder / "report.html")
    assert len(cards) >= len(chosen)
    for line, caption in cards:
        capsys.readouterr()
        assert main([*shlex.split(line)[1:], "--out", "again.png"]) == 0
        assert caption in capsys.readouterr().out


def test_the_default_reports_commands_are_those_of_its_samples() -> None:
    for model, sample in report_samples():
        command = command_for(techniques()["saliency"], model, sample, {"mode": "compare"})
        assert (command.line, command.remark) == (f"minitorch-viz saliency --model {model.name} --mode compare", "")


def test_what_lies_in_no_file_has_a_remark() -> None:
    digits = load_model("digits")
    own = Model.from_net(digits.net, 8, logits="logits", name="mine")
    technique = techniques()["occlusion"]
    command = command_for(technique, own, Sample("noise", np.zeros((8, 8, 3), np.uint8)), {})
    assert command.line == "minitorch-viz occlusion PICTURE.png --model mine.safetensors"
    assert 'first, in Python: model.save("mine.safetensors")' in command.remark
    assert "PICTURE.png is the picture" in command.remark
    second = command_for(technique, digits, Sample("another digit", sample_digit(5)), {"stride": 2, "progress": False})
    assert second.line == "minitorch-viz occlusion sample:2 --model digits --stride 2 --no-progress"


def test_a_sample_is_named_by_its_number(capsys) -> None:
    assert main(["saliency", "sample:2"]) == 0
    assert 'class "5" (5)' in capsys.readouterr().out
    assert main(["saliency", "sample:9"]) == 2
    assert "There is no sample:9: 3 pictures come with digits." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("settings", "options"),
    [
        ({"position": (3, 5)}, "--position 3 5"),
        ({"average": True}, "--average"),
        ({"target": "-1"}, "--target=-1"),
        ({"target": "tiger cat"}, "--target 'tiger cat'"),
        ({"node": None, "fill": "grey"}, "--fill grey"),
        ({"in_two_words": 1e-6}, "--in-two-words 1e-06"),
    ],
)
def test_settings_become_options(settings: dict[str, object], options: str) -> None:
    digits = load_model("digits")
    line = command_for(techniques()["saliency"], digits, samples(digits)[0], settings).line
    assert line == f"minitorch-viz saliency --model digits {options}"


@pytest.mark.usefixtures("undrawn")
def test_target_and_node_reach_every_technique_that_takes_them(folder: Path) -> None:
    digits = load_model("digits")
    out = folder / "r.html"
    only = ["saliency", "grad-cam", "gradient-x-input", "activation-maps"]
    for asked, words in (({"target": "7"}, 'class "7" (7)'), ({"node": "relu2"}, "relu2 channel ")):
        make_page([(digits, samples(digits)[0])], out, only=only, progress=False, **asked)
        captions = [caption for line, caption in commands_and_captions(out) if "activation-maps" not in line]
        assert len(captions) == 3
        assert all(words in caption for caption in captions)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (["--target", "eleven"], "knows no class 'eleven'"),
        (["--other", "99"], "digits has the classes 0 to 9"),
        (["--node", "relu9"], "near nodes: relu"),
        (["--target", "3", "--node", "relu1"], "not both"),
        (["--other", "3", "--node", "relu1"], "not both"),
    ],
)
def test_an_unknown_class_or_node_is_told_before_the_work(asked: list[str], told: str, capsys, monkeypatch) -> None:
    monkeypatch.setattr("minitorch_viz.report.make.fill", lambda *_: pytest.fail("the work has begun"))
    assert main(["report", "--model", "digits", *asked]) == 2
    assert told in capsys.readouterr().err
    assert not Path("report.html").exists()


@pytest.mark.usefixtures("undrawn")
def test_a_folder_is_one_page_with_a_section_a_photo(capsys) -> None:
    """Names say which is which, the contents lead to each, and a broken photo costs itself only."""
    for number in range(13):
        place = Path("photos", "more" if number == 12 else ".", f"{number % 12:02d}.png")
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.open("mine.png").resize((8, 8)).save(place)
    Path("photos/05.png").write_bytes(b"no picture")
    assert main(["report", "photos/", "mine.*", "--model", "digits", "--only", "grad-cam"]) == 1
    caught = capsys.readouterr()
    assert re.search(r"Wrote report\.html \(\d+\.\d MB\)", caught.out)
    assert "05.png" in caught.err
    page = Path("report.html").read_text()
    headings = re.findall(r"<h2>\d+\. (.*?)</h2>", page)
    assert len(headings) == 14
    assert "14 pictures: " in page
    assert {html.unescape(heading) for heading in headings} >= {
        "photos/00.png",
        "photos/more/00.png",
        "01.png",
        "mine.png",
    }
    links = re.findall(r'class="photo-link" href="#(photo\d+)"', page)
    assert links == [f"photo{number}" for number in range(1, 15)]
    assert all(f'<section id="{link}">' in page for link in links)


@pytest.mark.usefixtures("undrawn")
def test_many_photos_are_told_before_the_work(capsys) -> None:
    for number in range(21):
        Image.open("mine.png").resize((8, 8)).save(f"{number:02d}.png")
    assert main(["report", "[0-9]*.png", "--model", "digits", "--only", "grad-cam"]) == 0
    assert "21 photos make a large page that takes long; --only TECHNIQUE" in capsys.readouterr().out
