"""Folders as they are found: broken and misnamed files, folders in folders, animations, lists beside the pictures."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minitorch_viz.data import load_folder
from minitorch_viz.data.pictures import folder_pictures
from minitorch_viz.errors import DataFileError

FORMATS = {"png": "PNG", "jpg": "JPEG", "webp": "WEBP", "bmp": "BMP", "gif": "GIF", "tif": "TIFF", "jfif": "JPEG"}


def picture(path: Path, shade: int = 90, kind: str | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((9, 9), shade, np.uint8)).save(path, format=kind or FORMATS[path.suffix[1:].lower()])


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Five pictures of each of two classes."""
    for name in ("cat", "dog"):
        for number in range(5):
            picture(tmp_path / "pets" / name / f"{number}.png", 10 * number + 100 * (name == "dog"))
    return tmp_path / "pets"


def counts(folder: Path, **settings) -> tuple[list[int], tuple[str, ...]]:
    """How many pictures of each class, and the notes."""
    training, test = load_folder(folder, 9, progress=False, **settings)
    assert training.notes == test.notes
    assert training[:1].notes == training.notes
    labels = np.concatenate([training.labels, test.labels])
    return np.bincount(labels, minlength=len(training.class_names)).tolist(), training.notes


BROKEN = {  # the file's name and contents, words of its sentence
    "empty": ("a.png", b"", "a.png is empty"),
    "text": ("a.png", b"hello", "a.png is no picture"),
    "web page": ("a.jpg", b"<html>", "a.jpg .*web page"),
    "cut off": ("a.png", b"\x89PNG\r\n\x1a\n\0\0", "a.png is damaged"),
    "half a jpeg": ("a.jpeg", b"\xff\xd8\xff\xe0\0\x10JFIF", "a.jpeg"),
    "a photo of a phone": ("a.jpg", b"\0\0\0\x18ftypheic" + bytes(50), "HEIC"),
    "a photo of a phone by its name": ("b.HEIC", b"\0\0\0\x18ftypheic" + bytes(50), "b.HEIC .*export it as JPEG"),
    "a pointer": ("a.webp", b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_picture_costs_that_picture_only(name: str, pets: Path) -> None:
    file, data, words = BROKEN[name]
    (pets / "dog" / file).write_bytes(data)
    found, (note,) = counts(pets)
    assert found == [5, 5]
    assert note.startswith("1 picture was left out: ")
    assert re.search(words, note)
    assert str(pets / "dog" / file) in note


def test_the_sound_pictures_keep_their_labels(pets: Path) -> None:
    for number in (0, 3):
        (pets / "cat" / f"{number}.png").write_bytes(b"broken")
    (pets / "dog" / "1.png").write_bytes(b"broken")
    training, test = load_folder(pets, 9, progress=False)
    for data in (training, test):
        assert ((data.images[:, 0, 0, 0] >= 100) == (data.labels == 1)).all()
    assert len(training) + len(test) == 7
    assert training.notes[0].startswith("3 pictures were left out")
    assert repr(training).endswith("2 classes, 1 note)")


def test_a_class_without_a_sound_picture_is_an_error(pets: Path) -> None:
    for file in (pets / "cat").iterdir():
        file.write_bytes(b"broken")
    with pytest.raises(
        DataFileError, match=r"None of the pictures of 'cat' can be read; the first: .*0\.png is no picture"
    ):
        load_folder(pets, 9, progress=False)


def test_every_format_is_read_whatever_its_name(pets: Path) -> None:
    for suffix, kind in FORMATS.items():
        picture(pets / "cat" / f"right.{suffix}")
        picture(pets / "cat" / f"{kind}.jpg", kind=kind)
        picture(pets / "dog" / f"{kind} without ending", kind=kind)
    picture(pets / "dog" / "x.JPG_large", kind="JPEG")
    found, notes = counts(pets)
    assert found == [5 + 7 + 6, 5 + 6 + 1]
    assert notes == ()


def test_folders_in_folders_are_read(pets: Path) -> None:
    picture(pets / "cat" / "2023" / "may" / "a.png")
    picture(pets / "cat" / "2024" / "a.png")  # the same name twice
    picture(pets / "dog" / "photo.png" / "b.webp")  # a folder that is called like a picture
    (pets / "cat" / "again").symlink_to(pets / "cat")  # a circle
    picture(pets / "cat" / ".thumbnails" / "a.png")
    found, notes = counts(pets)
    assert found == [7, 6]
    assert notes == ()
    assert len(folder_pictures(pets)) == 13


def test_other_files_are_counted_and_said(pets: Path) -> None:
    for name in ("cat/a.txt", "cat/b.txt", "dog/c.csv", "Thumbs.db", "dog/README", "dog/deeper/d.txt", "BMW.md"):
        (pets / name).parent.mkdir(exist_ok=True)
        (pets / name).write_bytes(b"BM is how a bitmap begins")
    picture(pets / "cover.png")
    found, notes = counts(pets)
    assert found == [5, 5]
    assert notes[0].startswith("7 files of other kinds were passed over: 3 .txt")
    assert all(word in notes[0] for word in ("1 .csv", "1 .db", "1 without ending", "1 .md"))
    assert notes[1] == f"1 picture lies in {pets} itself, in no class: passed over."


def test_animations_are_told(pets: Path) -> None:
    frames = [Image.fromarray(np.full((9, 9), shade, np.uint8)) for shade in (10, 200)]
    for number in range(3):
        frames[0].save(pets / "cat" / f"{number}.gif", save_all=True, append_images=frames[1:])
    _, (note,) = counts(pets)
    assert "0.gif holds several pictures; the first is taken. So do 2 more." in note


def test_a_lone_folder_is_looked_into(pets: Path) -> None:
    """An archive that was unpacked: download/pets/cat/..., and download/pets/train/cat/..."""
    found, (note,) = counts(pets.parent)
    assert found == [5, 5]
    assert f"The classes are the folders in {pets}" in note
    for part in ("train", "val", "test"):
        for name in ("cat", "dog"):
            picture(pets.parent / "other" / "data" / part / name / "a.png")
    training, test = load_folder(pets.parent / "other", 9, progress=False)
    assert (len(training), len(test)) == (2, 2)
    assert "train and test are read; passed over: val." in training.notes
    only = pets.parent / "one"
    picture(only / "cat" / "a.png")
    picture(only / "cat" / "more" / "b.png")
    assert load_folder(only, 9, test=0.5, progress=False)[0].class_names == ("cat",)  # pictures of its own: a class


def test_a_folder_without_pictures_says_what_it_holds(pets: Path) -> None:
    (pets / "bird").mkdir()
    for number in range(3):
        (pets / "bird" / f"{number}.mp4").write_bytes(b"x")
    with pytest.raises(DataFileError, match=r"bird has no pictures .* 3 files of other kinds were found: 3 \.mp4\."):
        load_folder(pets, 9, progress=False)
