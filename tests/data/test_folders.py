"""Pictures in folders: classes by name, splits, resizing, and folders that will not do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minitorch_viz.data import load_folder
from minitorch_viz.errors import DataFileError, MinitorchVizError, SettingError

SHADES = {"ant": 10, "bee": 120, "cat": 240}


def picture(path: Path, shade: int, size: tuple[int, int] = (20, 30)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((*size, 3), shade, np.uint8)).save(path)


@pytest.fixture
def animals(tmp_path: Path) -> Path:
    """Ten pictures of each class, told apart by their shades."""
    folder = tmp_path / "animals"
    for name, shade in SHADES.items():
        for index in range(10):
            suffix = (".png", ".jpg", ".JPEG")[index % 3]
            picture(folder / name / f"{index}{suffix}", shade + index)
    return folder


def test_classes_are_the_folders(animals: Path) -> None:
    training, test = load_folder(animals, 16)
    assert training.class_names == ("ant", "bee", "cat")
    assert training.images.shape == (24, 16, 16, 3)
    assert np.bincount(test.labels).tolist() == [2, 2, 2]
    for data in (training, test):
        shades = np.array([*SHADES.values()])[data.labels]
        assert (abs(data.images[:, 0, 0, 0] - shades - 4.5) < 7).all()
    assert training.name == "animals train"
    everything = np.concatenate([training.images, test.images])
    assert len(np.unique(everything.reshape(30, -1), axis=0)) == 30
    again, _ = load_folder(str(animals), 16)
    np.testing.assert_array_equal(again.images, training.images)
    other, _ = load_folder(animals, 16, seed=1)
    assert not np.array_equal(other.images, training.images)


@pytest.mark.parametrize(("first", "second"), [("train", "test"), ("training", "val"), ("Train", "Valid")])
def test_two_parts_that_are_there_already(tmp_path: Path, first: str, second: str) -> None:
    for name, shade in SHADES.items():
        picture(tmp_path / first / name / "a.png", shade)
    picture(tmp_path / second / "cat" / "b.png", 200)
    training, test = load_folder(tmp_path, (8, 12))
    assert training.images.shape == (3, 8, 12, 3)
    assert test.class_names == training.class_names
    assert test.labels.tolist() == [2]


def test_crop_keeps_proportions_and_stretch_does_not(tmp_path: Path) -> None:
    wide = np.zeros((40, 120, 3), np.uint8)
    wide[:, 40:80] = 255
    for name in "ab":
        (tmp_path / "x").mkdir(exist_ok=True)
        Image.fromarray(wide).save(tmp_path / "x" / f"{name}.png")
    crop, _ = load_folder(tmp_path, 30, test=0.5)
    stretch, _ = load_folder(tmp_path, 30, how="stretch", test=0.5)
    assert crop.images.min() > 200
    assert (stretch.images[0, 15, :, 0] > 128).sum() == 10


def test_what_is_passed_over(animals: Path) -> None:
    (animals / "readme.txt").write_text("hello")
    (animals / ".git").mkdir()
    (animals / "ant" / ".DS_Store").write_bytes(b"x")
    (animals / "ant" / "notes.txt").write_text("hello")
    (animals / "ant" / "deeper").mkdir()
    training, test = load_folder(animals)
    assert len(training) + len(test) == 30
    assert training.notes == test.notes == ("2 files of other kinds were passed over: 2 .txt.",)


def test_pictures_of_the_right_size_stay_as_they_are(tmp_path: Path, rng) -> None:
    pixels = rng.integers(0, 256, (2, 9, 9, 3), np.uint8)
    (tmp_path / "x").mkdir()
    for name, image in zip("ab", pixels, strict=True):
        Image.fromarray(image).save(tmp_path / "x" / f"{name}.png")
    training, test = load_folder(tmp_path, 9, test=0.5)
    found = {image.tobytes() for image in (*training.images, *test.images)}
    assert found == {image.tobytes() for image in pixels}


def test_real_photos(shared_data: Path, tmp_path: Path) -> None:
    """Folders of links to photos and paintings: what most people have."""
    for name in ("photos", "paintings"):
        (tmp_path / name).mkdir()
        for file in sorted((shared_data / name).glob("*.jpg")):
            (tmp_path / name / file.name).symlink_to(file)
    training, test = load_folder(tmp_path, 48)
    assert training.class_names == ("paintings", "photos")
    assert np.bincount(training.labels).tolist() == [6, 16]
    assert training.images.std(axis=(1, 2, 3)).min() > 10
    assert len(test) == 6


def empty(folder: Path) -> None:
    for file in (folder / "bee").iterdir():
        file.unlink()


BAD = {  # what is done to the folder, the settings, the error, its words
    "no such folder": (None, {"folder": "nowhere"}, DataFileError, "There is no folder nowhere"),
    "a file": (None, {"folder": __file__}, DataFileError, "There is no folder"),
    "None": (None, {"folder": None}, DataFileError, "but got None"),
    "a number": (None, {"folder": 3}, DataFileError, "3"),
    "no name": (None, {"folder": ""}, DataFileError, "is empty"),
    "a class of its own": (None, {"sub": "ant"}, DataFileError, "has no folders; each class needs one"),
    "an empty class": (empty, {}, DataFileError, "bee has no pictures"),
    "no size": (None, {"size": 0}, SettingError, "size"),
    "half a size": (None, {"size": 1.5}, SettingError, "1.5"),
    "size of three": (None, {"size": (8, 8, 3)}, SettingError, r"\(8, 8, 3\)"),
    "unknown way": (None, {"how": "squash"}, SettingError, "squash"),
    "all for testing": (None, {"test": 1}, SettingError, "between 0 and 1"),
    "none for testing": (None, {"test": 0}, SettingError, "between 0 and 1"),
    "share a word": (None, {"test": "half"}, SettingError, "'half'"),
    "more than the memory": (None, {"size": 30000}, DataFileError, "more than 4 GB.*smaller size"),
}


@pytest.mark.parametrize(("change", "settings", "kind", "message"), BAD.values(), ids=list(BAD))
def test_bad_input_is_told_in_a_sentence(animals: Path, change, settings, kind, message) -> None:
    if change:
        change(animals)
    given = settings.pop("folder", animals / settings.pop("sub", "."))
    with pytest.raises(MinitorchVizError, match=message) as caught:
        load_folder(given, **settings)
    assert isinstance(caught.value, kind)


def test_a_class_that_training_does_not_have(tmp_path: Path) -> None:
    picture(tmp_path / "train" / "ant" / "a.png", 1)
    picture(tmp_path / "test" / "bee" / "a.png", 1)
    with pytest.raises(DataFileError, match="bee is a class that the training pictures do not have: ant"):
        load_folder(tmp_path)
