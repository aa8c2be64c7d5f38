"""Many photos through one command: a file for each, whatever is named, whatever is broken, whenever it is stopped."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minitorch_viz import load_model
from minitorch_viz.cli import main
from minitorch_viz.commands.file_names import file_names
from minitorch_viz.commands.many import takes_many
from minitorch_viz.techniques import Result, techniques
from minitorch_viz.techniques.gradients.grad_cam import grad_cam
from minitorch_viz.techniques.subject import PHOTOS
from tests.techniques.net_of import net_of

NPZ = ["--model", "digits", "--format", "npz", "--out", "maps/"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three photos and an empty file in `photos`, one of them in a folder inside it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINITORCH_VIZ_HOME", str(tmp_path / "home"))
    rng = np.random.default_rng(0)
    for name in ("photos/a.png", "photos/b.jpg", "photos/more/a.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)).save(tmp_path / name)
    return tmp_path


def written(folder: str = "maps") -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


@pytest.mark.parametrize(
    "named", [["photos/"], ["photos"], ["photos/**/*.*"], ["photos/a.png", "photos/b.jpg", "photos/more"]]
)
def test_folders_patterns_and_files_give_a_file_a_photo(named: list[str], capsys) -> None:
    assert main(["grad-cam", *named, *NPZ]) == 0
    assert written() == ["b.npz", "more-a.npz", "photos-a.npz"]
    printed = capsys.readouterr().out
    assert "Wrote 3 of 3 files into maps" in printed
    model = load_model("digits")
    for photo, name in (("photos/a.png", "photos-a"), ("photos/more/a.png", "more-a")):
        with np.load(f"maps/{name}.npz") as numbers:
            np.testing.assert_array_equal(numbers["heat"], grad_cam(model, photo).heat)


def test_pictures_are_the_default_and_one_photo_goes_to_a_file(capsys) -> None:
    assert main(["saliency", "photos", "--model", "digits"]) == 0
    assert written("saliency") == ["b.png", "more-a.png", "photos-a.png"]
    with Image.open("saliency/b.png") as picture:
        assert min(picture.size) > 100
    assert main(["saliency", "photos/b.jpg", "--model", "digits"]) == 0
    assert "Wrote saliency.png" in capsys.readouterr().out


@pytest.mark.parametrize("out", ["maps", "maps/", ".", "my.maps"])
def test_one_photo_goes_into_a_folder_too(out: str) -> None:
    Path("my.maps").mkdir()
    assert main(["grad-cam", "photos/b.jpg", "--model", "digits", "--overlay", "--out", out]) == 0
    with Image.open(Path(out, "b.png")) as picture:
        assert picture.size == (30, 20)


def test_a_broken_photo_is_named_and_costs_itself_only(capsys) -> None:
    Path("photos/broken.jpg").write_bytes(b"")
    assert main(["grad-cam", "photos", "nowhere.png", *NPZ]) == 1
    caught = capsys.readouterr()
    assert written() == ["b.npz", "more-a.npz", "photos-a.npz"]
    assert "Wrote 3 of 5 files" in caught.out
    left_out = [line for line in caught.err.splitlines() if line.startswith("Left out: ")]
    assert ["broken.jpg" in left_out[0], "nowhere.png" in left_out[1], len(left_out)] == [True, True, 2]


def test_ctrl_c_keeps_what_is_written_and_the_command_goes_on(monkeypatch, capsys) -> None:
    save, count = Result.save, 0

    def stopped_at_the_third(result: Result, path: str | Path, dpi: int = 144) -> Path:
        nonlocal count
        count += 1
        if count == 3:
            raise KeyboardInterrupt
        return save(result, path, dpi)

    monkeypatch.setattr(Result, "save", stopped_at_the_third)
    assert main(["grad-cam", "photos", *NPZ]) == 130
    assert "interrupted; 2 of 3 files are in maps; with --only-missing the same command goes on" in (
        capsys.readouterr().err
    )
    first = {name: Path("maps", name).stat().st_mtime_ns for name in written()}
    assert len(first) == 2
    assert main(["grad-cam", "photos", *NPZ, "--only-missing"]) == 0
    assert "Wrote 1 of 1 files into maps/, 2 were there already" in capsys.readouterr().out
    assert len(written()) == 3
    assert {name: Path("maps", name).stat().st_mtime_ns for name in first} == first


def test_a_loop_that_is_interrupted_leaves_no_half_result(monkeypatch, capsys) -> None:
    from minitorch_viz.techniques.run import End

    monkeypatch.setattr("minitorch_viz.techniques.run.run", lambda loop, *_, **__: End(next(iter(loop)), "interrupted"))
    assert main(["occlusion", "photos", *NPZ]) == 130
    assert "interrupted; 0 of 3 files are in maps" in capsys.readouterr().err
    assert not Path("maps").exists()


def test_earlier_results_below_the_folder_are_no_photos() -> None:
    for _ in range(2):
        assert main(["grad-cam", "photos", "--model", "digits", "--overlay", "--out", "photos/maps"]) == 0
        assert written("photos/maps") == ["b.png", "more-a.png", "photos-a.png"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["photos/a.png", "photos/b.jpg", "--out", "photos"], "would overwrite"),
        (["photos", "--out", "maps.png"], "maps.png is a file's name"),
        (["photos", "--out", "photos/a.png"], "a.png is a file's name"),
        (["photos", "--out", "missing/maps"], "missing"),
        (["photos", "--target", "eleven"], "eleven"),
        (["photos", "--node", "relu9"], "relu9"),
        (["photos", "--format", "json", "--overlay"], "--format json"),
        (["photos/b.jpg", "--resize", "keep"], "8 x 8 pixels and no others"),
    ],
)
def test_what_cannot_be_is_told_and_nothing_is_written(arguments: list[str], told: str, capsys, folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*.*") if path.is_file()}
    assert main(["grad-cam", *arguments, "--model", "digits"]) == 2
    assert told in capsys.readouterr().err
    assert {path: path.read_bytes() for path in folder.rglob("*.*") if path.is_file()} == before
    assert not Path("grad-cam").exists()


def test_several_photos_of_one_result_have_one_each_if_asked(capsys) -> None:
    deconvnet = ["deconvnet", "photos", "--model", "digits", "--node", "relu2"]
    assert main(deconvnet) == 0
    assert "Wrote deconvnet.png" in capsys.readouterr().out
    assert main([*deconvnet, "--format", "npz"]) == 2
    assert "--each" in capsys.readouterr().err
    assert main([*deconvnet, "--each", "--format", "npz"]) == 0
    assert written("deconvnet") == ["b.npz", "more-a.npz", "photos-a.npz"]


@pytest.mark.parametrize("name", [name for name, technique in techniques().items() if takes_many(technique)])
def test_every_technique_of_photos_takes_many(name: str, capsys) -> None:
    for photo in Path("photos").glob("*.*"):
        with Image.open(photo) as picture:
            picture.resize((8, 8)).save(photo)
    each = ["--each"] if techniques()[name].subject is PHOTOS else []
    model = net_of(techniques()[name], load_model("digits")).name
    quick = ["--steps", "2", "--count", "4"] if name == "adversarial" else []
    assert main([name, "photos/a.png", "photos/b.jpg", *each, *quick, *NPZ, "--model", model]) == 0
    assert written() == ["a.npz", "b.npz"]
    assert "Wrote 2 of 2 files" in capsys.readouterr().out


@pytest.mark.parametrize("resize", ["stretch", "crop"])
def test_a_photo_is_resized_as_asked(resize: str) -> None:
    assert main(["grad-cam", "photos/b.jpg", "--model", "cifar10", "--resize", resize, "--out", "b.npz"]) == 0
    model = load_model("cifar10")
    reader = dataclasses.replace(model.preprocessing, resize=resize)
    with np.load("b.npz") as numbers:
        np.testing.assert_array_equal(numbers["heat"], grad_cam(model.with_reader(reader), "photos/b.jpg").heat)


@pytest.mark.parametrize(
    ("photos", "names"),
    [
        (["a.jpg", "b.jpg"], ["a", "b"]),
        (["a.jpg", "a.png", "b.png"], ["a.jpg", "a.png", "b"]),
        (["cats/a.jpg", "dogs/a.jpg"], ["cats-a", "dogs-a"]),
        (["x/cats/a.jpg", "y/cats/a.jpg"], ["x-cats-a", "y-cats-a"]),
        (["A.jpg", "a.JPG"], ["A.jpg-1", "a.JPG-2"]),
        (["sample:1", "sample:2"], ["sample-1", "sample-2"]),
        (["x-y/a.jpg", "x/y-a.jpg"], ["a", "y-a"]),
    ],
)
def test_files_are_called_as_the_photos_and_never_the_same(photos: list[str], names: list[str]) -> None:
    assert file_names(photos) == names
