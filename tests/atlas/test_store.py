"""The atlas's file: what goes in comes out, whole or not at all, and what is no atlas is refused in a sentence."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from pathlib import Path

import pytest

from minitorch_viz.atlas.store import NAME, Atlas, Kept, Layer, Opinion, Stored, open_atlas, open_to_write
from minitorch_viz.errors import DataFileError, SettingError
from minitorch_viz.techniques.explain.passport import Passport

FACTS = {
    "net": "net", "net_hash": "n", "pictures": "photos", "pictures_hash": "p", "count": 3, "settings": {"top": 9},
    "class_names": [], "skipped": [],
}  # fmt: skip


def unit(channel: int, size: int = 100) -> Kept:
    patches = tuple(Stored("top", rank, rank, f"{rank}.png", 1, 2, 3.5, bytes(size), None) for rank in range(3))
    return Kept(Passport("relu", channel, 4, strongest=3.5), b"cover", None, b"covered", patches)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    with open_to_write(tmp_path, FACTS) as atlas:
        atlas.add_layer(Layer("relu", 2, 4, "ReLU()"))
        atlas.add(unit(0))
        atlas.add(unit(2))
    return tmp_path


def test_what_goes_in_comes_out(place: Path) -> None:
    with open_atlas(place) as atlas:
        assert atlas.about == FACTS
        assert atlas.layers() == [Layer("relu", 2, 4, "ReLU()")]
        assert atlas.finished("relu") == {0, 2}
        assert atlas.unit("relu", 2) == unit(2)
        assert [row.channel for row in atlas.rows("relu")] == [0, 2]
        assert atlas.count_top("relu", 2) == 3
    with contextlib.closing(sqlite3.connect(place / NAME)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        assert connection.execute("PRAGMA application_id").fetchone() == (0x6D76617A,)


def test_it_is_opened_read_only(place: Path) -> None:
    with open_atlas(place) as atlas, pytest.raises(DataFileError, match=r"readonly database.*allow writing"):
        atlas.add(unit(1))


def test_a_unit_is_written_whole_or_not_at_all(place: Path) -> None:
    with open_to_write(place, FACTS) as atlas:
        patches = unit(1).patches
        damaged = unit(1)._replace(patches=(*patches, patches[0]._replace(rank=9, picture=None)))  # type: ignore[arg-type]
        with pytest.raises(DataFileError):
            atlas.add(damaged)
        assert atlas.finished("relu") == {0, 2}
        assert atlas.patches("relu", 1) == ()
        atlas.add(unit(1))
        assert len(atlas.patches("relu", 1)) == 3


def test_a_unit_that_is_written_again_replaces_the_old_one(place: Path) -> None:
    with open_to_write(place, FACTS) as atlas:
        atlas.add(unit(2)._replace(patches=unit(2).patches[:1]))
        assert len(atlas.unit("relu", 2).patches) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"net_hash": "other"}, "another net"),
        ({"pictures_hash": "other"}, r"other pictures \(3 of photos\)"),
        ({"settings": {"top": 4}}, "top=9, not 4"),
    ],
)
def test_an_atlas_of_something_else_is_refused(place: Path, change: dict, words: str) -> None:
    before = (place / NAME).read_bytes()
    with pytest.raises(SettingError, match=words):
        open_to_write(place, {**FACTS, **change})
    assert (place / NAME).read_bytes() == before


def opened_and_read(place: Path, write: bool) -> None:
    with open_to_write(place, FACTS) if write else open_atlas(place) as atlas:
        for layer in atlas.layers():
            for row in atlas.rows(layer.node):
                atlas.unit(row.node, row.channel)


@pytest.mark.parametrize("write", [False, True])
@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"no database" * 1000,
        lambda content: content[: len(content) // 2],
        lambda content: content[:4096] + bytes(len(content) - 4096),
        lambda content: content[:16] + b"\xff" * 84 + content[100:],
    ],
)
def test_a_damaged_file_ends_in_a_sentence_and_stays_as_it_is(place: Path, damage, write: bool) -> None:
    with open_to_write(place, FACTS) as atlas:
        for channel in range(4):
            atlas.add(unit(channel, 20_000))
    content = damage((place / NAME).read_bytes())
    (place / NAME).write_bytes(content)
    with pytest.raises(DataFileError, match=r"atlas\.sqlite.*(damaged|no atlas)"):
        opened_and_read(place, write)
    assert (place / NAME).read_bytes() == content


def test_another_programs_file_is_refused(tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / NAME)) as connection:
        connection.execute("CREATE TABLE bookmarks (address TEXT)")
        connection.commit()
    for write in (False, True):
        with pytest.raises(DataFileError, match="no atlas"):
            opened_and_read(tmp_path, write)


def test_a_later_version_is_refused(place: Path) -> None:
    with contextlib.closing(sqlite3.connect(place / NAME)) as connection:
        connection.execute("PRAGMA user_version = 7")
    for write in (False, True):
        with pytest.raises(DataFileError, match="version 7"):
            opened_and_read(place, write)


def test_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match="There is no atlas"):
        open_atlas(tmp_path)


def test_a_full_disk_ends_in_a_sentence_and_keeps_what_is_finished(place: Path) -> None:
    with open_to_write(place, FACTS) as atlas:
        (pages,) = atlas.connection.execute("PRAGMA page_count").fetchone()
        atlas.connection.execute(f"PRAGMA max_page_count = {pages + 2}")
        with pytest.raises(DataFileError, match="free the disk"):
            atlas.add(unit(3, 100_000))
    with open_atlas(place) as atlas:
        assert atlas.finished("relu") == {0, 2}
        assert atlas.patches("relu", 3) == ()


def test_a_file_is_read_while_it_is_written(place: Path) -> None:
    with open_to_write(place, FACTS) as writing, open_atlas(place) as reading:
        writing.connection.execute("BEGIN IMMEDIATE")
        writing.connection.execute("DELETE FROM unit")
        assert reading.finished("relu") == {0, 2}
        writing.connection.execute("ROLLBACK")


def test_two_writers_do_not_mix(place: Path, monkeypatch) -> None:
    monkeypatch.setattr("minitorch_viz.atlas.store.WAIT", 0.05)
    with open_to_write(place, FACTS) as first, open_to_write(place, FACTS) as second:
        first.connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(DataFileError, match="another program is writing it"):
            second.add(unit(1))
        first.connection.execute("ROLLBACK")


def killed_in_the_middle(place: Path, target: Path) -> None:
    """Copy an atlas with the journal of a unit that was half written, as kill -9 leaves both."""
    atlas: Atlas
    with open_to_write(place, FACTS) as atlas:
        atlas.connection.execute("PRAGMA cache_size = 1")  # so that pages reach the file before the end
        atlas.connection.execute("BEGIN IMMEDIATE")
        atlas.connection.execute("DELETE FROM unit")
        for rank in range(200):
            row = ("relu", 3, "top", rank, 0, "x", None, None, 1.0, bytes(4000), None)
            atlas.connection.execute("INSERT INTO patch VALUES (?,?,?,?,?,?,?,?,?,?,?)", row)
        for file in place.iterdir():
            shutil.copy(file, target / file.name)
        atlas.connection.execute("ROLLBACK")


def test_what_a_killed_writer_had_begun_is_taken_back(place: Path, tmp_path_factory) -> None:
    target = tmp_path_factory.mktemp("killed")
    killed_in_the_middle(place, target)
    assert (target / f"{NAME}-journal").stat().st_size > 0
    with open_atlas(target) as atlas:
        assert atlas.finished("relu") == {0, 2}
        assert atlas.unit("relu", 2) == unit(2)
        assert atlas.patches("relu", 3) == ()
    assert not (target / f"{NAME}-journal").exists()


def test_opinions_are_kept_and_taken_away(place: Path) -> None:
    with open_to_write(place, FACTS) as atlas:
        atlas.set_opinions([Opinion("relu", 2, "dog", "animal", (1,)), Opinion("relu", 0, "sky", "", ())])
        assert atlas.opinions()["relu", 2] == Opinion("relu", 2, "dog", "animal", (1,))
        atlas.set_opinions([Opinion("relu", 2, "", "", ())])
        assert list(atlas.opinions()) == [("relu", 0)]


def test_a_unit_that_is_not_there_is_named(place: Path) -> None:
    with open_atlas(place) as atlas:
        with pytest.raises(SettingError, match="channel 3 of relu"):
            atlas.unit("relu", 3)
        with pytest.raises(SettingError, match="near nodes: relu"):
            atlas.unit("rel", 3)
