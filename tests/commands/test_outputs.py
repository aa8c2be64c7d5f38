"""What a command writes: checked before the work, never over an input, told on any console, and true after Ctrl-C."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minitorch_viz.cli import main
from minitorch_viz.techniques import techniques

posix = pytest.mark.skipif(os.name != "posix", reason="links are POSIX's")


class WorkHasBegunError(Exception):
    """Something was loaded or computed though the output cannot be written."""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINITORCH_VIZ_HOME", str(tmp_path / "home"))
    (tmp_path / "sub").mkdir()
    for name in ("mine.png", "mine.jpg", "second.png"):
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)).save(tmp_path / name)
    return tmp_path


@pytest.fixture
def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    def begins(*_arguments: object, **_settings: object) -> None:
        raise WorkHasBegunError

    for place in (
        "minitorch_viz.commands.run_technique.chosen_model",
        "minitorch_viz.commands.report.chosen_model",
        "minitorch_viz.models.samples.report_samples",
        "minitorch_viz.training.recipes.import_module",
        "minitorch_viz.loss_surface.command.loss_surface",
        "minitorch_viz.models.load_model",
        "minitorch_viz.data.scenes.scenes",
    ):
        monkeypatch.setattr(place, begins)


COMMANDS = {
    "report": "r.html",
    "saliency": "s.png",
    "microscope": "m.html",
    "integrated-gradients": "i.svg",
    "train digits": "t.safetensors",
    "loss-surface": "l.pdf",
    "grade": "g.html",
    "scenes": "c.png",
}


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("command", COMMANDS)
def test_what_cannot_be_written_is_told_before_the_work(command: str, capsys, folder: Path) -> None:
    good = Path(COMMANDS[command])
    (folder / "sub" / good.name).mkdir()
    for bad in (Path("missing") / good, Path("sub") / good, Path("mine.png") / good, good.with_suffix(".zip")):
        assert main([*command.split(), "--out", str(bad)]) == 2
        told = capsys.readouterr().err
        assert told.startswith("minitorch-viz: ")
        assert str(bad) in told or bad.parent.name in told
    with pytest.raises(WorkHasBegunError):  # and what can be written lets the work begin
        main([*command.split(), "--out", str(good)])


@posix
@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize(
    "arguments",
    [
        ["saliency", "mine.png", "--out", "mine.png"],
        ["saliency", "mine.png", "--out", "./sub/../mine.png"],
        ["grad-cam", "mine.png", "--out", "soft.png"],
        ["occlusion", "hard.png", "--out", "mine.png"],
        ["deconvnet", "second.png", "mine.png", "--out", "mine.png"],
        ["saliency", "--weights", "mine.png", "--out", "hard.png"],
        ["report", "second.png", "page.html", "--out", "page.html"],
        ["grade", "--photos", ".", "--boxes", "boxes.json", "--out", "boxes.html"],
        ["grade", "--photos", ".", "--boxes", "other.json", "--out", "page.html"],
    ],
)
def test_no_input_is_overwritten(arguments: list[str], capsys, folder: Path) -> None:
    (folder / "soft.png").symlink_to(folder / "mine.png")
    (folder / "hard.png").hardlink_to(folder / "mine.png")
    (folder / "page.html").write_bytes(b"a picture, perhaps")
    for name in ("boxes.json", "other.json"):
        (folder / name).write_text("{}")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert main(arguments) == 2
    assert "is one of the inputs" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (
            ["--out", "a.safetensors", "--checkpoint", "a.safetensors"],
            "both the weights and the checkpoint",
        ),
        (
            ["--out", "a.safetensors", "--checkpoint", "sub/../a.json"],
            "both the model card and the checkpoint",
        ),
        (["--checkpoint", "f.html", "--film", "f.html"], "f.html cannot be both the film and the checkpoint"),
        (["--film", "film.mp4"], "The film is written as .html"),
        (["--film", "missing/film.html"], "missing"),
        (["--checkpoint", "missing/run.ckpt"], "missing"),
        (["--checkpoint", "sub"], "sub is a folder"),
    ],
)
def test_a_trainings_files_are_checked_before_it(settings: list[str], told: str, capsys, monkeypatch) -> None:
    monkeypatch.setattr("minitorch_viz.training.recipes.import_module", lambda _: pytest.fail("the work has begun"))
    assert main(["train", "digits", *settings]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "cp437", "utf-8"])
def test_a_console_that_cannot_print_the_path_ends_no_command(encoding: str, monkeypatch, folder: Path) -> None:
    written = io.BytesIO()
    for stream in ("stdout", "stderr"):
        monkeypatch.setattr(sys, stream, io.TextIOWrapper(written, encoding, write_through=True))
    name = "mał ☃ 图.png"
    assert main(["scenes", "--count", "1", "--out", name]) == 0
    assert main(["scenes", "--count", "1", "--out", "missing/" + name]) == 2
    assert (folder / name).exists()
    shown = written.getvalue().decode(encoding)
    assert ("Wrote mał" if encoding == "utf-8" else "Wrote ma\\u0142") in shown
    assert "Traceback" not in shown
    assert sys.stdout.errors == "strict"


@pytest.mark.parametrize("name", list(techniques()))
def test_the_help_names_the_files_a_technique_can_write(name: str, capsys) -> None:
    technique = techniques()[name]
    with pytest.raises(SystemExit):
        main([name, "--help"])
    printed = " ".join(capsys.readouterr().out.split()).replace("- ", "-")  # lines may break at a hyphen
    *others, last = (suffix[1:].upper() for suffix in technique.suffixes)
    assert f"{', '.join(others)} or {last} (default: {name}.png)" in printed


def test_the_microscope_writes_its_page(folder: Path) -> None:
    assert main(["microscope", "--out", "m.html"]) == 0
    assert "<html" in (folder / "m.html").read_text(encoding="utf-8")[:200]


# ------------------------------------------------------------------ several photos, and Ctrl-C


def test_one_bad_photo_costs_itself_only(capsys, folder: Path) -> None:
    (folder / "empty.jpg").touch()
    (folder / "text.png").write_text("no picture")
    bad = ["missing.jpg", "empty.jpg", "text.png", "sub", "m\udcff.png"]
    assert main(["deconvnet", "mine.png", *bad, "second.png", "--node", "relu1", "--channel", "0"]) == 1
    caught = capsys.readouterr()
    assert "Wrote deconvnet.png" in caught.out
    assert caught.err.count("Left out: ") == 5
    assert main(["deconvnet", *bad]) == 2  # nothing to show
    assert main(["report", *bad, "mine.png", "--only", "saliency"]) == 1
    caught = capsys.readouterr()
    assert "Wrote report.html" in caught.out
    assert caught.err.count("Left out: ") == 5
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page.count("<section") == 6
    assert page.count("<article") == 1
    assert "There is no image file missing.jpg" in page
    before = (folder / "report.html").read_bytes()
    assert main(["report", *bad]) == 2
    assert (folder / "report.html").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "place", "told"),
    [
        (["saliency"], "minitorch_viz.models.samples.samples", "nothing was written"),
        (["report", "mine.png"], "minitorch_viz.report.make.start_section", "nothing was written"),
        (["scenes"], "minitorch_viz.data.scenes.scenes", "nothing was written"),
        (["grade", "--scenes", "2"], "minitorch_viz.grading.harness.stops", "nothing was written"),
        (["loss-surface"], "minitorch_viz.loss_surface.surface.train_nets", "nothing was written"),
        (["train", "digits"], "minitorch_viz.training.bundle.fit", "nothing was written to digits"),
        (["warmup"], "minitorch_viz_kernels.warmup", "what was compiled is kept"),
    ],
)
def test_ctrl_c_says_truly_what_is_kept(arguments: list[str], place: str, told: str, monkeypatch, capsys) -> None:
    def stops(*_arguments: object, **_settings: object) -> None:
        raise KeyboardInterrupt

    before = set(Path().rglob("*"))
    monkeypatch.setattr(place, stops)
    assert main(arguments) == 130
    error = capsys.readouterr().err
    assert "interrupted" in error
    assert told in error
    assert set(Path().rglob("*")) == before


def test_ctrl_c_in_a_report_says_how_much_is_in_the_page(monkeypatch, capsys) -> None:
    import minitorch_viz.report.make as make

    def stops(card, *rest):
        if card.technique.name == "lrp":
            raise KeyboardInterrupt
        run(card, *rest)

    run = make.fill
    monkeypatch.setattr(make, "fill", stops)
    assert main(["report", "mine.png", "--only", "saliency", "gradient-x-input", "lrp"]) == 130
    assert "interrupted; report.html holds what was finished, 2 of 3 pictures" in capsys.readouterr().err


@posix
@pytest.mark.parametrize(
    ("variables", "given"),
    [
        ({"HOME": "/proc/none"}, True),
        ({"HOME": "/proc/none", "MPLCONFIGDIR": "{tmp}/mine"}, False),
        ({"HOME": "/proc/none", "XDG_CONFIG_HOME": "{tmp}/c", "XDG_CACHE_HOME": "{tmp}/d"}, False),
        ({"HOME": "{tmp}", "XDG_CACHE_HOME": "{tmp}/mine.png/x"}, True),
        ({"HOME": "{tmp}/new"}, False),
    ],
)
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems have other folders")
def test_matplotlib_gets_a_folder_only_where_it_has_none(variables, given: bool, folder: Path, monkeypatch) -> None:
    from minitorch_viz.commands.streams import give_matplotlib_a_folder

    for name in ("MPLCONFIGDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, "")  # so that what is set below is undone
        monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(tmp=folder))
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    give_matplotlib_a_folder()
    own = f"{folder}/minitorch_viz-{os.getuid()}/matplotlib"
    assert (os.environ.get("MPLCONFIGDIR") == own) == given
