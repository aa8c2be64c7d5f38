"""Numbers by any name, and files of bands: what cannot be read ends in a sentence."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest

from minitorch_viz.errors import ImageFileError, MinitorchVizError
from minitorch_viz.io.bands import load_bands
from minitorch_viz.io.tables import read_table
from minitorch_viz.models.readers.values import values_of


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with tables and arrays, sound ones and others."""
    monkeypatch.chdir(tmp_path)
    texts = {
        "good.csv": "a,b\n1,2\n3,4\n", "plain.csv": "1;2\n3;4", "empty.csv": "", "names.csv": "a,b\n",
        "ragged.csv": "1,2\n3\n", "word.csv": "a,b\n1,2\n3,four\n", "short.csv": "a,b\n1,2\n3\n",
        "blank.csv": "\n\n", "quoted.csv": '"a","b"\n1,2\n',
    }  # fmt: skip
    for name, text in texts.items():
        Path(name).write_text(text)
    Path("latin.csv").write_bytes(b"a,\xe9\n1,2\n")
    Path("broken.npy").write_bytes(b"\x93NUMPY\x01\x00garbage")
    np.save("row.npy", np.arange(3.0))
    np.save("words.npy", np.array(["a", "b"]))
    np.savez("two.npz", a=np.zeros((4, 4)), b=np.zeros((4, 5)))
    return tmp_path


@pytest.mark.usefixtures("files")
def test_tables_with_and_without_names() -> None:
    assert read_table("good.csv").names == ("a", "b")
    assert read_table("quoted.csv").names == ("a", "b")
    assert read_table("plain.csv").names == ()
    np.testing.assert_array_equal(read_table("good.csv", ["b", "a"]).numbers, [[2, 1], [4, 3]])
    np.testing.assert_array_equal(read_table("word.csv", ["a"]).numbers, [[1], [3]])
    np.testing.assert_array_equal(values_of("good.csv:2").numbers, [3, 4])
    assert values_of("good.csv:2").names == ("a", "b")


class Row:
    """What a row of pandas looks like from here."""

    ndim = 1
    index = ("b", "a", "c")

    def to_numpy(self) -> np.ndarray:
        return np.array([2.0, 1, 3])

    def __getitem__(self, names: list[str]) -> Row:
        picked = Row()
        picked.index = tuple(names)
        picked.to_numpy = lambda: np.array([{"b": 2.0, "a": 1, "c": 3}[name] for name in names])
        return picked


def test_a_row_of_pandas_gives_its_columns_by_name() -> None:
    assert values_of(Row()).names == ("b", "a", "c")
    values = values_of(Row(), ["a", "b"])
    np.testing.assert_array_equal(values.numbers, [1, 2])
    assert values.names == ("a", "b")


BAD_VALUES = {
    "an empty name": ("", (), r"\.npy or \.csv"), "a word": ("rose", (), r"\.npy or \.csv"),
    "no file": ("nowhere.csv", (), "nowhere.csv"), "a folder": (".", (), r"\.npy or \.csv"),
    "a broken file": ("broken.npy", (), "broken.npy"), "words": ("words.npy", (), "words.npy"),
    "an empty table": ("empty.csv", (), "empty"), "names alone": ("names.csv", (), "no number"),
    "blank lines": ("blank.csv", (), "no numbers"), "ragged rows": ("ragged.csv", (), "1 numbers, but the first has 2"),
    "a word inside": ("word.csv", (), "'four'"), "a column missing": ("good.csv", ("a", "z"), "no column 'z'"),
    "a short row": ("short.csv", ("b",), "number 2 is ''"), "no such row": ("good.csv:3", (), "no row 3"),
    "a row of a row": ("row.npy:1", (), "no row 1"), "no UTF-8": ("latin.csv", (), "UTF-8"),
    "ragged lists": ([[1, 2], [3]], (), "array of numbers"), "no comma": ("1,2,x", (), r"\.npy or \.csv"),
}  # fmt: skip


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("name", BAD_VALUES)
def test_what_holds_no_numbers_gets_a_sentence(name: str) -> None:
    value, columns, words = BAD_VALUES[name]
    with pytest.raises(MinitorchVizError, match=words):
        values_of(value, columns)


@pytest.mark.usefixtures("files")
def test_archives_of_other_arrays_are_told() -> None:
    with pytest.raises(ImageFileError, match=r"one array \(H, W, 4\), or 4 arrays"):
        load_bands("two.npz", 4)
    with pytest.raises(ImageFileError, match="no picture"):
        load_bands("good.csv", 4)


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("kind", ["tif", "npy", "npz", "png"])
def test_mutated_files_end_in_our_errors(kind: str) -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (9, 8, 4)).astype(np.uint8)
    path = Path(f"scene.{kind}")
    if kind == "tif":
        pytest.importorskip("tifffile").imwrite(path, image)
    elif kind == "npy":
        np.save(path, image)
    elif kind == "npz":
        np.savez(path, image=image)
    else:
        from PIL import Image

        Image.fromarray(image).save(path)
    np.testing.assert_array_equal(load_bands(path, 4), image)
    sound = bytearray(path.read_bytes())
    for _ in range(150):
        data = sound.copy()
        for place in rng.integers(0, min(len(data), 400), rng.integers(1, 6)):
            data[place] = rng.integers(0, 256)
        path.write_bytes(data[: rng.integers(1, len(data) + 1)] if rng.random() < 0.3 else data)
        with contextlib.suppress(ImageFileError):
            assert load_bands(path, 4).shape[2] == 4
