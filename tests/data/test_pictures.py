"""Pictures by number: folders flat and nested, data sets, scenes; the same in every pass."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minitorch_viz.data import Dataset
from minitorch_viz.data.pictures import FilePictures, Pictures, as_pictures
from minitorch_viz.data.scenes import scene
from minitorch_viz.errors import DataFileError, ImageFileError, SettingError


def picture(path: Path, level: int, size: tuple[int, int] = (6, 8)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((*size, 3), level, np.uint8)).save(path)


def test_a_flat_folder_has_no_classes(tmp_path) -> None:
    for name, level in (("b.png", 20), ("a.png", 10), ("c.PNG", 30)):
        picture(tmp_path / name, level)
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / ".hidden.png").write_bytes(b"")
    pictures = as_pictures(str(tmp_path))
    assert [pictures.title(number) for number in range(len(pictures))] == ["a.png", "b.png", "c.PNG"]
    assert [image[0, 0, 0] for image in pictures] == [10, 20, 30]
    assert pictures.class_names == ()
    assert pictures.label(0) is None


def test_folders_inside_are_the_classes_however_deep_the_files_lie(tmp_path) -> None:
    for name, level in (("dog/x.png", 1), ("cat/y.png", 2), ("dog/more/z.png", 3)):
        picture(tmp_path / name, level)
    pictures = as_pictures(tmp_path)
    assert pictures.class_names == ("cat", "dog")
    assert [(pictures.label(number), int(pictures[number][0, 0, 0])) for number in range(3)] == [(0, 2), (1, 3), (1, 1)]


def test_a_data_set_and_generated_scenes() -> None:
    data = Dataset(np.arange(24, dtype=np.uint8).reshape(2, 3, 4), np.array([1, 0]), ("a", "b"), "tiny")
    pictures = as_pictures(data)
    assert (len(pictures), pictures.name, pictures.class_names) == (2, "tiny", ("a", "b"))
    np.testing.assert_array_equal(pictures[1], data.images[1])
    assert [pictures.label(number) for number in range(2)] == [1, 0]

    drawn = as_pictures("scenes:7")
    assert len(drawn) == 7
    np.testing.assert_array_equal(drawn[4], scene(4).image)
    assert drawn.label(4) == scene(4).label
    assert drawn.class_names[drawn.label(4) or 0]


def test_a_broken_file_is_found_when_it_is_looked_at(tmp_path) -> None:
    picture(tmp_path / "a.png", 1)
    (tmp_path / "b.png").write_bytes(b"broken")
    pictures = as_pictures(tmp_path)
    assert len(pictures) == 2
    with pytest.raises(ImageFileError, match=r"b\.png"):
        pictures[1]


def test_the_fingerprint_knows_which_pictures_these_are(tmp_path) -> None:
    picture(tmp_path / "a.png", 1)
    before = as_pictures(tmp_path).fingerprint
    assert as_pictures(tmp_path).fingerprint == before
    picture(tmp_path / "a.png", 200, (9, 9))
    assert as_pictures(tmp_path).fingerprint != before
    prints = {as_pictures(f"scenes:{count}").fingerprint for count in (5, 6)}
    assert len(prints) == 2
    data = [Dataset(np.full((1, 2, 2), level, np.uint8), np.array([0]), ("a",), "tiny") for level in (1, 2)]
    assert len({as_pictures(part).fingerprint for part in data}) == 2


@pytest.mark.parametrize("source", ["scenes:3", Dataset(np.zeros((1, 2, 2), np.uint8), np.array([0]), ("a",), "tiny")])
def test_pictures_travel_to_workers(source: object) -> None:
    pictures = as_pictures(source)
    there: Pictures = pickle.loads(pickle.dumps(pictures))
    assert there.fingerprint == pictures.fingerprint
    np.testing.assert_array_equal(there[0], pictures[0])


def test_a_list_of_files_and_the_end_of_the_pictures(tmp_path) -> None:
    picture(tmp_path / "a.png", 5)
    pictures = as_pictures([str(tmp_path / "a.png"), tmp_path / "a.png"])
    assert isinstance(pictures, FilePictures)
    assert len([*pictures]) == 2
    with pytest.raises(IndexError):
        pictures[2]


@pytest.mark.parametrize(
    ("source", "error", "words"),
    [
        ("nowhere", DataFileError, "no folder nowhere"),
        ("", DataFileError, "empty"),
        (".", DataFileError, "no pictures"),
        ("scenes:0", SettingError, "number of scenes"),
        (3, SettingError, "scenes:500"),
        ([], SettingError, "scenes:500"),
        ([1, 2], SettingError, "scenes:500"),
    ],
)
def test_bad_sources(source: object, error: type[Exception], words: str, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=words):
        as_pictures(source)


def test_data_sets_by_name(tmp_path, monkeypatch) -> None:
    digits = as_pictures("digits")
    assert (len(digits), digits.name, len(digits.class_names)) == (360, "digits test", 10)
    assert [len(as_pictures(name)) for name in ("digits:7", "digits:train", "digits:train:9")] == [7, 1437, 9]
    np.testing.assert_array_equal(as_pictures("digits:7")[6], digits[6])
    with pytest.raises(SettingError, match="at least 1"):
        as_pictures("digits:0")
    monkeypatch.chdir(tmp_path)
    picture(Path("digits/a.png"), 1)
    assert as_pictures("digits").title(0) == "a.png"  # a folder of the name comes first


@pytest.mark.parametrize("name", ["faces", "mnist:3", "cifar10:train"])
def test_a_data_set_that_is_not_at_hand_is_told_with_where_it_belongs(name: str, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("MINITORCH_VIZ_HOME", str(tmp_path))
    with pytest.raises(DataFileError, match=f"There is no {name.partition(':')[0]} in .*Put "):
        as_pictures(name)


def test_a_folder_with_a_data_sets_own_files(tmp_path) -> None:
    people = np.repeat(np.arange(2), 5)
    images = np.random.default_rng(0).integers(0, 256, (10, 4, 4), dtype=np.uint8)
    np.savez(tmp_path / "olivetti_faces.npz", images=images, labels=people)
    assert len(as_pictures(tmp_path)) == 2
    (tmp_path / "olivetti_faces.npz").write_bytes(b"broken")
    with pytest.raises(DataFileError, match=r"olivetti_faces\.npz"):
        as_pictures(tmp_path)
