"""Generated scenes as files, a folder a class: the same pictures, gone on with, and nothing else touched."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from minitorch_viz.cli import main
from minitorch_viz.data import load_folder
from minitorch_viz.data.scenes import KINDS, folders, scenes
from minitorch_viz.data.scenes.folders import write_scenes
from minitorch_viz.errors import MinitorchVizError
from minitorch_viz.io.images import load_image, save_png

CLASSES = ["tree", "car", "star"]


def write(*arguments: object) -> int:
    return main(["scenes", *map(str, arguments)])


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_each_file_is_the_scene_of_its_number(tmp_path: Path, capsys) -> None:
    out = tmp_path / "my_scenes"
    assert write("--classes", "tree, car,star", "--each", 5, "--seed", 3, "--out", f"{out}/") == 0
    said = capsys.readouterr().out
    assert f"Wrote 15 scenes to {out}: 5 each of tree, car, star\n" in said
    assert f"Next: minitorch-viz train {out}" in said
    drawn = scenes(60, 3, kinds=CLASSES)
    for name in CLASSES:
        first = np.flatnonzero(drawn.labels == KINDS.index(name) - 1)[:5]
        files = sorted((out / name).iterdir())
        assert [file.name for file in files] == [f"{number:06}.png" for number in first]
        for file, number in zip(files, first, strict=True):
            np.testing.assert_array_equal(load_image(file), drawn.images[number])
    training, test = load_folder(out)
    assert (training.class_names, len(training) + len(test), training.notes) == (("car", "star", "tree"), 15, ())


def test_a_stopped_run_is_gone_on_with(tmp_path: Path, monkeypatch, capsys) -> None:
    whole, out = tmp_path / "whole", tmp_path / "out"
    write_scenes(whole, CLASSES, 4, 1)
    written: list[Path] = []

    def stops(pixels, file: Path) -> None:
        if len(written) == 5:
            raise KeyboardInterrupt
        written.append(file)
        save_png(pixels, file)

    with monkeypatch.context() as patch:
        patch.setattr(folders, "save_png", stops)
        assert write("--classes", "tree,car,star", "--each", 4, "--seed", 1, "--out", out) == 130
    assert (
        f"interrupted; 5 of 12 scenes are in {out}, and the same command goes on with them" in capsys.readouterr().err
    )
    times = {file: file.stat().st_mtime_ns for file in written}
    write_scenes(out, CLASSES, 4, 1)
    assert contents(out) == contents(whole)
    assert {file: file.stat().st_mtime_ns for file in written} == times
    write_scenes(out, CLASSES, 6, 1)
    assert len(contents(out)) == 18
    assert contents(whole).items() <= contents(out).items()


def test_one_class_and_two(tmp_path: Path) -> None:
    """A scene cannot have more kinds than there are classes."""
    assert len(write_scenes(tmp_path / "one", "heart", 2)) == 2
    assert len(write_scenes(tmp_path / "two", ("heart", "cup"), 2, size=32)) == 4
    assert {load_image(file).shape for file in (tmp_path / "two" / "cup").iterdir()} == {(32, 32, 3)}


def with_a_photo(place: Path) -> None:
    write_scenes(place, CLASSES, 1)
    save_png(np.zeros((9, 9, 3), np.uint8), place / "car" / "photo.png")


def with_a_letter(place: Path) -> None:
    place.mkdir()
    (place / "letter.txt").write_text("mine")


def changed(place: Path) -> None:
    file = write_scenes(place, CLASSES, 1)[0]
    save_png(np.zeros((64, 64, 3), np.uint8), file)


def no_picture(place: Path) -> None:
    write_scenes(place, CLASSES, 1)[0].write_text("mine")


def folder_for_a_file(place: Path) -> None:
    file = write_scenes(place, CLASSES, 1)[0]
    file.unlink()
    file.mkdir()


def nothing(_: Path) -> None:
    pass


BAD = {
    "a folder with a photo": (with_a_photo, [], "holds car/photo.png, which is none of these scenes"),
    "a folder with a letter": (with_a_letter, [], "holds letter.txt, which is none of these scenes"),
    "another seed's scenes": (lambda place: write_scenes(place, CLASSES, 3, 5), [], "which is none of these scenes"),
    "other classes": (lambda place: write_scenes(place, ["cup"], 1), [], "holds cup, which is none of these scenes"),
    "a changed picture": (changed, [], "is another picture than the scene of that name"),
    "a file that is no picture": (no_picture, [], "is another picture than the scene of that name"),
    "a folder of a scene's name": (folder_for_a_file, [], "is another picture than the scene of that name"),
    "a file": (lambda place: place.write_text("mine"), [], "is a file; give the name of a folder"),
    "a folder nowhere": (nothing, ["--out", "no/scenes"], "There is no folder no to make scenes in"),
    "a PNG file": (nothing, ["--out", "a.PNG"], "a.PNG is the name of a PNG file"),
    "an unknown kind": (nothing, ["--classes", "tree,umbrela"], "near kinds: umbrella"),
    "a kind twice": (nothing, ["--classes", "tree,tree"], "different kinds"),
    "a comma too many": (nothing, ["--classes", "tree,"], "with commas between them"),
    "no class": (nothing, ["--classes", ""], "with commas between them"),
    "no scene": (nothing, ["--each", 0], "number of scenes of each class must be a whole number from 1"),
    "too many": (nothing, ["--each", 10**9], "number of scenes of each class must be a whole number from 1"),
    "a negative seed": (nothing, ["--seed", -1], "seed must be a whole number of at least 0"),
    "too small": (nothing, ["--size", 8], "size of a scene must be a whole number from 32 to 1024"),
    "a sheet's number": (nothing, ["--count", 5], "--count is that of a sheet; with --classes give --each"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_written_is_told_before_anything_is(case: str, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    prepare, settings, sentence = BAD[case]
    prepare(tmp_path / "scenes")
    before = contents(tmp_path)
    assert write("--classes", ",".join(CLASSES), "--each", 1, "--out", "scenes", *settings) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert len(error.strip().splitlines()) == 1
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--each", 4], "--each says how many scenes a class gets: give --classes A,B,... too"),
        (["--out", "a.jpg"], "The sheet is written as .png"),
        (["--classes", "tree", "--eech", 3], "there is no option --eech; did you mean --each?"),
    ],
)
def test_words_of_the_sheet_and_of_folders_are_told_apart(words, sentence, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        status = write(*words)
    except SystemExit as stop:
        status = stop.code
    assert status == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert sentence in last
    assert not contents(tmp_path)


@pytest.mark.parametrize("out", [None, 3, "", "a\0b", b"a"])
def test_places_that_are_none(out: object) -> None:
    with pytest.raises(MinitorchVizError):
        write_scenes(out, CLASSES, 1)  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize("classes", [[], [3], [None]])
def test_classes_that_are_none(classes: list[object], tmp_path: Path) -> None:
    with pytest.raises(MinitorchVizError):
        write_scenes(tmp_path / "out", classes, 1)  # type: ignore[arg-type]  # wrong on purpose
