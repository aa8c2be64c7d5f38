"""Making an atlas: it says what the passport of each unit says, goes on where it was stopped, and survives kill -9."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minitorch_viz import load_model
from minitorch_viz.atlas import make
from minitorch_viz.atlas.store import NAME, open_atlas
from minitorch_viz.cli import main
from minitorch_viz.data import load_digits
from minitorch_viz.errors import DataFileError, SettingError
from minitorch_viz.techniques.activations.unit import unit
from tests.atlas.conftest import COUNT


def content(folder: Path) -> list[tuple]:
    """All rows of all tables of an atlas."""
    with contextlib.closing(sqlite3.connect(folder / NAME)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return [
            row
            for table in ("about", "layer", "unit", "patch")
            for row in sorted(connection.execute(f"SELECT * FROM {table}").fetchall(), key=repr)
        ]


def test_it_has_the_passport_that_each_unit_has(made: Path) -> None:
    with open_atlas(made) as atlas:
        assert [layer.node for layer in atlas.layers()] == ["relu1", "relu3"]  # in the order of the net
        assert atlas.finished("relu1") == set(range(16))
        assert atlas.finished("relu3") == set(range(32))
        kept = atlas.unit("relu3", 5)
    result = unit(load_model("digits"), load_digits()[1][:COUNT], node="relu3", channel=5, progress=False)
    alone = {**result.passport.as_dict(), "falls": None, "changed": 0}
    assert kept.passport.as_dict() == alone
    top = [patch for patch in kept.patches if patch.kind == "top"]
    assert [patch.number for patch in top] == [patch.number for patch in result.patches]
    assert [patch.number for patch in kept.patches if patch.kind == "tenth"] == [p.number for p in result.tenths]
    for patch, expected in zip(top, result.patches, strict=True):
        assert patch.picture.startswith(b"\x89PNG")
        assert patch.guided.startswith(b"\x89PNG")
        assert (patch.row, patch.column) == expected.position
        assert patch.value == expected.value


def test_no_state_is_left_beside_a_finished_atlas(made: Path) -> None:
    assert [file.name for file in made.iterdir()] == [NAME]


def test_a_finished_atlas_is_left_as_it_is(folder: Path) -> None:
    before = content(folder)
    outcome = make.make_atlas(
        load_model("digits"), load_digits()[1][:COUNT], folder, ["relu3", "relu1"], progress=False
    )
    assert (outcome.units, outcome.of, outcome.written) == (48, 48, 0)
    assert content(folder) == before


def test_ablation_is_what_the_unit_says(tmp_path: Path) -> None:
    digits, pictures = load_model("digits"), load_digits()[1][:16]
    make.make_atlas(digits, pictures, tmp_path, ["conv1"], extras=["ablation"], progress=False)
    with open_atlas(tmp_path) as atlas:
        falls = atlas.unit("conv1", 2).passport.falls
    alone = unit(digits, pictures, node="conv1", channel=2, progress=False).passport.falls
    assert falls == alone
    with pytest.raises(SettingError, match="other settings"):
        make.make_atlas(digits, pictures, tmp_path, ["conv1"], progress=False)


def test_stopped_after_some_units_it_goes_on_to_the_same_bits(tmp_path: Path, made: Path, monkeypatch) -> None:
    monkeypatch.setattr(make, "BLOCK", 5)
    digits, pictures = load_model("digits"), load_digits()[1][:COUNT]
    steps = make.atlas_steps(digits, pictures, tmp_path, ["relu1", "relu3"], progress=False)
    for _ in range(13):
        newest = next(steps)
    steps.close()  # as Ctrl-C does
    assert newest.units == 13
    with open_atlas(tmp_path) as atlas:
        assert len(atlas.finished("relu1")) == 13
    make.make_atlas(digits, pictures, tmp_path, ["relu1", "relu3"], progress=False)
    assert_as(tmp_path, made)


def assert_as(folder: Path, made: Path) -> None:
    """The same units with the same numbers; pictures of units that were seen together with others may differ by a bit
    of the last place, so that they are compared by the places that they show."""
    numbers = []
    for place in (folder, made):
        with open_atlas(place) as atlas:
            numbers.append(
                [
                    (atlas.unit(row.node, row.channel).passport.as_dict() | {"field": None}, *row)
                    for layer in atlas.layers()
                    for row in atlas.rows(layer.node)
                ]
            )
    assert numbers[0] == numbers[1]
    rows = []
    for place in (folder, made):
        with contextlib.closing(sqlite3.connect(place / NAME)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            words = "SELECT node, channel, kind, rank, number, row, col, value, length(picture) > 60 FROM patch"
            rows.append(sorted(connection.execute(words).fetchall()))
    assert rows[0] == rows[1]


CHILD = """
import sys
from minitorch_viz import load_model
from minitorch_viz.atlas import make
from minitorch_viz.data import load_digits
make.BLOCK = 3
print("begin", flush=True)
digits, pictures = load_model("digits"), load_digits()[1][:48]
for step in make.atlas_steps(digits, pictures, sys.argv[1], ["relu1", "relu3"], progress=False):
    print(step.units, flush=True)
"""


def killed_runs(folder: Path, kills: int, rng: np.random.Generator) -> int:
    """Start a run again and again and kill it at random moments; return how many of these came amid writing units."""
    seconds, amid = 2.0, 0
    for _ in range(kills):
        with subprocess.Popen([sys.executable, "-c", CHILD, str(folder)], stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == "begin\n"
            started = time.monotonic()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(rng.uniform(0, seconds))
                seconds = max(time.monotonic() - started, 0.2)  # it had time to finish: kill the next ones earlier
            running = child.poll() is None
            child.kill()
            lines = child.stdout.read().split()
        amid += running and bool(lines)
        seconds *= 1 if lines else 1.3  # it had written none
        reported = int(lines[-1]) if lines else 0
        if not (folder / NAME).exists():
            assert reported == 0
            continue
        with contextlib.closing(sqlite3.connect(folder / NAME)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
                assert reported == 0
                continue
        with open_atlas(folder) as atlas:
            finished = {layer.node: atlas.finished(layer.node) for layer in atlas.layers()}
            assert sum(map(len, finished.values())) >= reported
            for node, channels in finished.items():
                for channel in channels:
                    kinds = [patch.kind for patch in atlas.unit(node, channel).patches]
                    assert kinds == ["top"] * 9 + ["tenth"] * 10
        if sum(map(len, finished.values())) == 48:
            (folder / NAME).unlink()  # finished: the next begins anew
    return amid


@pytest.mark.slow
def test_kill_9_loses_no_finished_unit(tmp_path: Path, made: Path, rng) -> None:
    killed_runs(tmp_path, 4, rng)
    make.make_atlas(load_model("digits"), load_digits()[1][:COUNT], tmp_path, ["relu1", "relu3"], progress=False)
    assert_as(tmp_path, made)


@pytest.mark.nightly
def test_kill_9_at_twenty_random_moments_loses_no_finished_unit(tmp_path: Path, made: Path, rng) -> None:
    amid = killed_runs(tmp_path, 20, rng)
    print(f"\nkill -9 at 20 random moments, {amid} amid the writing of units: no finished unit lost, every file opened")
    assert amid > 0
    make.make_atlas(load_model("digits"), load_digits()[1][:COUNT], tmp_path, ["relu1", "relu3"], progress=False)
    assert_as(tmp_path, made)


def test_workers_give_the_same_atlas(tmp_path: Path, made: Path) -> None:
    outcome = make.make_atlas(
        load_model("digits"), load_digits()[1][:COUNT], tmp_path, ["relu1", "relu3"], workers=2, progress=False
    )
    assert outcome.written == 48
    assert_as(tmp_path, made)


def test_scenes_have_dissections_label() -> None:
    """Of pictures whose pixels are labelled; others have none."""
    from tests.planted import NODE, EncodedScenes, planted_model

    ground = make.ground_of(planted_model(), NODE)
    pictures = EncodedScenes(16)
    result = make.dissected(ground, pictures)
    assert result is not None
    assert make.evidence_of(result, 1).concept == "car"
    assert make.evidence_of(result, 8) is None


# ------------------------------------------------------------------ bad input


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    place = tmp_path / "photos"
    place.mkdir()
    for number, image in enumerate(load_digits()[1].images[:12]):
        Image.fromarray(image.astype(np.uint8)).save(place / f"{number:02d}.png")
    return place


def run(*words: object) -> int:
    return main(["atlas", "--model", "digits", *map(str, words)])


def test_one_broken_picture_is_skipped_counted_and_named(photos: Path, tmp_path: Path, capsys) -> None:
    (photos / "05.png").write_bytes(b"no picture")
    assert run("--pictures", photos, "--nodes", "relu1", "--out", tmp_path / "out") == 0
    assert "1 picture was left out, since it could not be read: 05.png." in capsys.readouterr().out
    assert "05.png" in (tmp_path / "out" / "index.html").read_text()
    with open_atlas(tmp_path / "out") as atlas:
        assert [title for _, title, _ in atlas.about["skipped"]] == ["05.png"]
        assert atlas.unit("relu1", 0).passport.pictures == 11


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--nodes", "relu9"], "near nodes: relu"),
        (["--nodes", "relu1", "--with", "magic"], "not with 'magic'"),
        (["--nodes", "relu1", "--workers", "0"], "number of workers"),
        (["--nodes", "relu1", "--pictures", "nowhere"], "no folder nowhere"),
        (["--labels", "nowhere.csv"], "There is no atlas"),
        ([], "There is no atlas"),
    ],
)
def test_bad_words_end_in_a_sentence(words, sentence: str, tmp_path: Path, photos: Path, capsys) -> None:
    pictures = [] if "--pictures" in words else ["--pictures", photos]
    assert run(*pictures, *words, "--out", tmp_path / "out") == 2
    assert sentence in capsys.readouterr().err


def test_a_file_where_the_folder_should_be(tmp_path: Path, photos: Path, capsys) -> None:
    (tmp_path / "out").write_text("a file")
    for place in (tmp_path / "out", tmp_path / "out" / "below"):
        assert run("--pictures", photos, "--nodes", "relu1", "--out", place) == 2
        assert "out" in capsys.readouterr().err


def test_a_folder_that_may_not_be_written(tmp_path: Path, photos: Path, capsys, monkeypatch) -> None:
    def refuse(path: Path) -> int:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("minitorch_viz.io.out.create", refuse)
    assert run("--pictures", photos, "--nodes", "relu1", "--out", tmp_path / "out") == 2
    assert "Permission denied" in capsys.readouterr().err


def test_an_empty_folder_and_one_of_broken_pictures(tmp_path: Path, photos: Path, capsys) -> None:
    (tmp_path / "empty").mkdir()
    assert run("--pictures", tmp_path / "empty", "--nodes", "relu1", "--out", tmp_path / "out") == 2
    assert "has no pictures" in capsys.readouterr().err
    for file in photos.iterdir():
        file.write_bytes(b"no picture")
    with pytest.raises(DataFileError, match="None of the 12 pictures"):
        make.make_atlas(load_model("digits"), photos, tmp_path / "out", ["relu1"], progress=False)


def test_the_file_of_another_net_is_refused(folder: Path, capsys) -> None:
    before = content(folder)
    words = ["atlas", "--model", "scenes", "--pictures", "scenes:16", "--nodes", "relu1", "--out", str(folder)]
    assert main(words) == 2
    assert "is an atlas of another net (digits)" in capsys.readouterr().err
    assert content(folder) == before


def test_a_state_of_another_run_or_a_damaged_one_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / make.STATE).write_bytes(b"no state")
    outcome = make.make_atlas(load_model("digits"), load_digits()[1][:16], tmp_path, ["conv1"], progress=False)
    assert outcome.units == 16


def test_the_folders_parent_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match=r"There is no folder .*nowhere to make atlas in; make it first"):
        make.make_atlas(load_model("digits"), "digits:4", tmp_path / "nowhere" / "atlas", ["relu2"])
    assert not (tmp_path / "nowhere").exists()
