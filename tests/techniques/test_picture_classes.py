"""Classes of pictures: from a table, the data set, folders, and files' names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minitorch_viz import Model, Net, load_model
from minitorch_viz.data import load_digits
from minitorch_viz.data.pictures import as_pictures
from minitorch_viz.errors import DataFileError
from minitorch_viz.layers import Flatten, Linear
from minitorch_viz.techniques.explain.classes_of_pictures import classes_of_pictures


@pytest.fixture(scope="module")
def digits() -> Model:
    return load_model("digits")


def folder(place: Path, names: list[str]):
    for name in names:
        (place / name).parent.mkdir(exist_ok=True)
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(place / name)
    return as_pictures(str(place))


def classes(model: Model, pictures, **settings):
    return classes_of_pictures(model, pictures, np.arange(len(pictures)), **settings)


def words_of(result) -> list[str]:
    return [result.names[label] if label >= 0 else "" for label in result.labels]


def test_of_a_data_set_and_of_folders(digits: Model, tmp_path: Path) -> None:
    data = load_digits()[1][:20]
    assert classes(digits, as_pictures(data)).labels.tolist() == data.labels.tolist()
    assert words_of(classes(digits, folder(tmp_path, ["dog/1.png", "cat/7.png"]))) == ["cat", "dog"]


TABLES = {
    "with a line of names": "file,class\nb.png,dog\na.png,cat\n",
    "without endings": "a,cat\nb,dog\n",
    "with folders": "photos/a.png,cat\nC:\\photos\\b.png,dog\n",
    "semicolons": "a.png;cat\nb.png;dog\n\n",
    "by number": "0,cat\n1,dog\n",
    "quoted, and others' pictures": '\ufeffa.png,"cat"\nz.png,cow\nb.png,"dog"\n',
}


@pytest.mark.parametrize("text", TABLES.values(), ids=list(TABLES))
def test_from_a_table(digits: Model, tmp_path: Path, text: str) -> None:
    table = tmp_path / "classes.csv"
    table.write_text(text, encoding="utf-8")
    result = classes(digits, folder(tmp_path, ["a.png", "b.png"]), table=table)
    assert words_of(result) == ["cat", "dog"]
    assert result.words == "classes.csv"


def test_pictures_that_the_table_leaves_out_are_counted(digits: Model, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a.png,cat\n")
    result = classes(digits, folder(tmp_path, ["a.png", "b.png"]), table=tmp_path / "t.csv")
    assert words_of(result) == ["cat", ""]
    assert "1 of 2 pictures have no class in t.csv" in result.notes[0]


BAD = {
    "file,class\n": "holds no line",
    "x.png,cat\n": r"names none of the 1 pictures.*'x\.png'.*'a\.png'",
    "a.png\n": "line 1: a file and its class are needed",
}


@pytest.mark.parametrize(("text", "said"), BAD.items(), ids=["empty", "others", "no class"])
def test_a_bad_table_gets_a_sentence(digits: Model, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(DataFileError, match=said):
        classes(digits, folder(tmp_path, ["a.png"]), table=tmp_path / "t.csv")
    with pytest.raises(DataFileError, match=r"nowhere\.csv"):
        classes(digits, as_pictures(str(tmp_path)), table=tmp_path / "nowhere.csv")


def test_from_the_words_in_files_names(digits: Model, tmp_path: Path) -> None:
    names = [f"{number:03}_{word}.png" for number, word in enumerate(["cat", "dog"] * 3)]
    result = classes(digits, folder(tmp_path, names))
    assert words_of(result) == ["cat", "dog"] * 3
    assert "words in the files' names" in result.words


@pytest.mark.parametrize("names", [["1.png", "2.png"], ["a.png", "b.png", "c.png"], ["IMG_1.png", "IMG_2.png"]])
def test_names_that_tell_nothing(digits: Model, tmp_path: Path, names: list[str]) -> None:
    result = classes(digits, folder(tmp_path, names))
    assert result.names == ()
    assert (result.labels == -1).all()


def test_files_called_as_imagenets_classes_are_animals_and_other_things(tmp_path: Path) -> None:
    """By the class's number, where its name stands beside it."""
    names = [f"thing {number}" for number in range(1000)]
    names[8], names[397], names[398] = "hen", "puffer, pufferfish", "abacus"
    net = Net([("flat", Flatten()), ("fc", Linear(np.zeros((1000, 12), np.float32)))])
    model = Model.from_net(net, 2, class_names=names)
    files = ["008_hen.jpg", "397_pufferfish.jpg", "398_abacus.jpg"]
    result = classes(model, folder(tmp_path, files))
    assert words_of(result) == ["animals", "animals", "other things"]
    assert "below 398" in result.words
    (tmp_path / "other").mkdir()
    assert classes(model, folder(tmp_path / "other", ["008_cup.jpg", "397_table.jpg"])).names == ()
