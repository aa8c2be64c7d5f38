"""The Olivetti faces and text files: the real ones, small ones, and bad ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from minitorch_viz.data import load_faces, load_text
from minitorch_viz.errors import DataFileError, SettingError

FACES = np.random.default_rng(0).integers(0, 256, (12, 8, 8), np.uint8)
PEOPLE = np.arange(12) // 4


def test_the_real_faces(shared_data: Path) -> None:
    training, test = load_faces(shared_data / "faces")
    assert repr(training) == "Dataset(Olivetti faces train: 320 pictures of 64 x 64, grey, 40 classes)"
    assert np.bincount(test.labels).tolist() == [2] * 40
    assert test.class_names[39] == "person 40"


def test_a_linear_classifier_knows_the_faces(shared_data: Path) -> None:
    """So that pictures and labels belong together, and the split has no one's picture in both parts."""
    training, test = load_faces(shared_data)
    x, t = (data.images.reshape(len(data), -1) / 255.0 for data in (training, test))
    mean = x.mean(axis=0)
    gram = (x - mean) @ (x - mean).T + 10 * np.eye(len(x))
    answers = (t - mean) @ (x - mean).T @ np.linalg.solve(gram, np.eye(40)[training.labels])
    assert (answers.argmax(axis=1) == test.labels).mean() > 0.9
    assert not {face.tobytes() for face in training.images} & {face.tobytes() for face in test.images}


def test_small_faces(home: Path) -> None:
    place = home / "data" / "faces" / "olivetti_faces.npz"
    place.parent.mkdir(parents=True)
    np.savez_compressed(place, images=FACES, labels=PEOPLE.astype(np.uint8))
    training, test = load_faces()
    assert np.bincount(training.labels).tolist() == [3, 3, 3]
    assert len(test) == 3
    np.testing.assert_array_equal(load_faces()[1].images, test.images)


BAD_FACES = {
    "no images": ({"labels": PEOPLE}, "must hold the arrays images and labels, but holds labels"),
    "no labels": ({"images": FACES}, "but holds images"),
    "one array more": ({"images": FACES, "labels": PEOPLE, "x": PEOPLE}, "images, labels, x"),
    "float images": ({"images": FACES / 255, "labels": PEOPLE}, "uint8, but are float64"),
    "flat images": ({"images": FACES.reshape(12, -1), "labels": PEOPLE}, r"\(12, 64\)"),
    "coloured images": ({"images": FACES[..., None], "labels": PEOPLE}, r"\(12, 8, 8, 1\)"),
    "no faces": ({"images": FACES[:0], "labels": PEOPLE[:0]}, r"\(0, 8, 8\)"),
    "too few labels": ({"images": FACES, "labels": PEOPLE[1:]}, "12 whole numbers"),
    "float labels": ({"images": FACES, "labels": PEOPLE / 1}, "float64"),
    "one-hot labels": ({"images": FACES, "labels": np.eye(3, dtype=int)[PEOPLE]}, r"\(12, 3\)"),
    "a person missing": ({"images": FACES, "labels": PEOPLE * 2}, "without a gap"),
    "counted from one": ({"images": FACES, "labels": PEOPLE + 1}, "from 0"),
    "negative labels": ({"images": FACES, "labels": PEOPLE - 1}, "from 0"),
    "one picture each": ({"images": FACES, "labels": np.arange(12)}, "at least two pictures"),
    "pickled": ({"images": FACES, "labels": np.array([None] * 12)}, "pickled Python objects"),
}


@pytest.mark.parametrize(("arrays", "message"), BAD_FACES.values(), ids=list(BAD_FACES))
def test_bad_arrays(tmp_path: Path, arrays, message) -> None:
    np.savez(tmp_path / "olivetti_faces.npz", **arrays)
    with pytest.raises(DataFileError, match=message) as caught:
        load_faces(tmp_path)
    assert "olivetti_faces.npz" in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"hello", b"PK\x03\x04", b"\x93NUMPY" + bytes(100)])
def test_bad_files_of_faces(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "olivetti_faces.npz").write_bytes(data)
    with pytest.raises(DataFileError, match=r"olivetti_faces\.npz"):
        load_faces(tmp_path)


def test_faces_cut_off_or_absent(tmp_path: Path, home: Path) -> None:
    place = tmp_path / "olivetti_faces.npz"
    np.savez(place, images=FACES, labels=PEOPLE)
    place.write_bytes(place.read_bytes()[:-100])
    with pytest.raises(DataFileError, match=r"no sound \.npz"):
        load_faces(tmp_path)
    with pytest.raises(DataFileError) as caught:
        load_faces()
    assert "Put olivetti_faces.npz there, or give the folder that has it (or set $MINITORCH_VIZ_HOME)." in str(
        caught.value
    )
    assert str(home / "data" / "faces") in str(caught.value)


# ------------------------------------------------------------------ text


@pytest.mark.parametrize(
    ("name", "length"), [("tinyshakespeare", 1115394), ("war_and_peace", 999613), ("linux_kernel", 984181)]
)
def test_the_real_texts(shared_data: Path, name: str, length: int) -> None:
    text = load_text(shared_data / "text" / f"{name}.txt")
    assert len(text) == len(text.codes) == length
    assert text.text == (shared_data / "text" / f"{name}.txt").read_bytes().decode()
    assert list(text.vocabulary) == sorted(set(text.text))
    assert text.decode(text.codes[:1000]) == text.text[:1000]
    np.testing.assert_array_equal(text.encode(text.text[-500:]), text.codes[-500:])


@pytest.mark.parametrize("content", ["hello world", "naïve – 你好 🐸\r\n\ttab", "a", "\n\n"])
def test_any_text(tmp_path: Path, content: str) -> None:
    place = tmp_path / "t.txt"
    place.write_bytes(content.encode())
    text = load_text(place)
    assert text.text == content
    assert "".join(text.vocabulary[code] for code in text.codes) == content
    assert repr(text) == f"Text(t.txt: {len(content)} characters, {len(set(content))} different)"
    place.write_bytes(b"\xef\xbb\xbf" + content.encode())  # a byte-order mark is no character
    assert load_text(str(place)).text == content


def test_a_text_in_the_home_folder(home: Path) -> None:
    (home / "data" / "text").mkdir(parents=True)
    (home / "data" / "text" / "poem.txt").write_text("roses")
    assert load_text("poem.txt").vocabulary == ("e", "o", "r", "s")


BAD_TEXTS = {
    "missing": (None, "There is no text file"),
    "empty": (b"", "is empty"),
    "only a mark": (b"\xef\xbb\xbf", "no characters"),
    "Latin-1": ("café au lait".encode("latin-1"), "byte 3 is 0xe9"),
    "UTF-16": ("hello".encode("utf-16"), "no UTF-8 text"),
    "UTF-16 without mark": ("hello".encode("utf-16-le"), "null bytes"),
    "cut in a letter": ("é".encode()[:1], "byte 0 is 0xc3"),
    "a surrogate": (b"\xed\xa0\x80", "no UTF-8"),
    "overlong": (b"\xc0\xaf", "no UTF-8"),
    "a picture": (b"\x89PNG\r\n\x1a\n", "byte 0 is 0x89"),
    "a program": (b"\x7fELF\0\0", "null bytes"),
    "gzip": (b"\x1f\x8b\x08\0", "byte 1 is 0x8b"),
}


@pytest.mark.parametrize(("data", "message"), BAD_TEXTS.values(), ids=list(BAD_TEXTS))
def test_bad_texts(tmp_path: Path, data, message) -> None:
    place = tmp_path / "t.txt"
    if data is not None:
        place.write_bytes(data)
    with pytest.raises(DataFileError, match=message):
        load_text(place)


@pytest.mark.parametrize("given", [None, 3, "", b"t.txt", ["t.txt"], "a\0b"])
def test_bad_paths_of_texts(given) -> None:
    with pytest.raises(DataFileError):
        load_text(given)


def test_a_folder_and_a_long_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataFileError, match="is a folder"):
        load_text(tmp_path)
    monkeypatch.setattr("minitorch_viz.data.text.LARGEST_BYTES", 10)
    (tmp_path / "t").write_text("hello world")
    with pytest.raises(DataFileError, match="has 11 bytes"):
        load_text(tmp_path / "t")


def test_codes_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "t").write_text("abc")
    text = load_text(tmp_path / "t")
    assert text.decode(np.array([], int)) == ""
    with pytest.raises(SettingError, match="'d' does not occur in t"):
        text.encode("abd")
    for codes, message in (([3], "from 0 to 2"), ([-1], "-1"), ([0.5], "float64"), ([[1]], r"\(1, 1\)")):
        with pytest.raises(SettingError, match=message):
            text.decode(np.array(codes))
