"""Scores of one class, of several labels, of yes or no: pictures in several folders, the loss that fits."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from minitorch_viz import load_model
from minitorch_viz.data.batches import DatasetBatches
from minitorch_viz.data.dataset import Dataset
from minitorch_viz.data.labels import as_labels
from minitorch_viz.errors import DataFileError, SettingError
from minitorch_viz.io.images import save_png
from minitorch_viz.layers import Sigmoid, Softmax
from minitorch_viz.models.scores import Classes, Labels, YesNo
from minitorch_viz.training.answers import Answers, answers_for
from minitorch_viz.training.losses import BinaryCrossEntropy, SoftmaxCrossEntropy
from tests.training.test_own_pictures import picture, train, two_classes

NETS = [
    ["--net", "linear"],
    ["--net", "hidden", "--units", 5, "--activation", "sigmoid"],
    pytest.param(["--net", "plain"], marks=pytest.mark.slow),
]


def data(labels: list[int], values: list[int], names: tuple[str, ...], part: str = "train") -> Dataset:
    """Pictures of one pixel value each: equal values are equal pictures."""
    images = np.array(values, np.uint8)[:, None, None] * np.ones((1, 2, 2), np.uint8)
    return Dataset(images, np.array(labels), names, part)


def three_folders(place: Path) -> Path:
    """Light pictures, large pictures' left halves light, and both: some lie in two folders, some in none."""
    rng = np.random.default_rng(0)
    for number in range(48):
        has_top, has_left = number % 2, number // 2 % 2
        pixels = rng.integers(0, 40, (12, 12, 3))
        pixels[:6] += 100 * has_top
        pixels[:, :6] += 100 * has_left
        for name in ["top"] * has_top + ["left"] * has_left or ["none"]:
            (place / name).mkdir(parents=True, exist_ok=True)
            save_png(pixels.astype(np.uint8), place / name / f"{number}.png")
    return place


# ------------------------------------------------------------------ labels


def test_a_picture_in_two_classes_has_both_labels_and_is_kept_once() -> None:
    names = ("cat", "dog", "none")
    training = data([0, 0, 1, 1, 2], [1, 2, 2, 3, 4], names)
    test = data([0, 1, 2], [5, 5, 6], names, "test")
    training, test, labels, table = as_labels(training, test)
    assert labels == ("cat", "dog")
    assert training.class_names == test.class_names == ("none", "cat", "dog", "cat + dog")
    np.testing.assert_array_equal(table, [[0, 0], [1, 0], [0, 1], [1, 1]])
    assert table.dtype == np.float32
    assert training.images[:, 0, 0].tolist() == [1, 2, 3, 4]
    np.testing.assert_array_equal(table[training.labels], [[1, 0], [1, 1], [0, 1], [0, 0]])
    np.testing.assert_array_equal(table[test.labels], [[1, 1], [0, 0]])


def test_no_picture_is_in_both_parts() -> None:
    """The copy in the first class says in which part a picture is: no answer is learnt by heart."""
    training, test, _, table = as_labels(
        data([0, 1], [1, 2], ("a", "b")), data([0, 1, 1], [2, 1, 3], ("a", "b"), "test")
    )
    assert training.images[:, 0, 0].tolist() == [1]
    assert test.images[:, 0, 0].tolist() == [2, 3]
    np.testing.assert_array_equal(table[test.labels], [[1, 1], [0, 1]])


def test_one_label_beside_none_is_a_question() -> None:
    training, _, answers = answers_for(
        data([0, 1], [1, 2], ("cat", "none")), data([0, 1], [3, 4], ("cat", "none")), "sigmoid"
    )
    assert answers.names == ("cat",)
    np.testing.assert_array_equal(answers.targets(training.labels), [[1], [0]])


def test_only_none_is_refused() -> None:
    with pytest.raises(DataFileError, match="no label to learn"):
        as_labels(data([0], [1], ("none",)), data([0], [2], ("none",)))


def test_a_part_whose_pictures_are_all_in_the_other_is_refused() -> None:
    with pytest.raises(DataFileError, match="already in the other part"):
        as_labels(data([0, 1], [1, 2], ("a", "b")), data([1], [1], ("a", "b"), "test"))


@pytest.mark.parametrize("scores", ["", "softmaxx", "labels", None, 3, "Softmax"])
def test_scores_that_are_none(scores: object) -> None:
    dataset = data([0, 1], [1, 2], ("a", "b"))
    with pytest.raises(SettingError, match="kind of scores"):
        answers_for(dataset, dataset, scores)  # type: ignore[arg-type]  # wrong on purpose


# ------------------------------------------------------------------ what is right, and the loss


def test_one_class_of_several() -> None:
    answers = Answers(("a", "b", "c"))
    assert isinstance(answers.layer, Softmax)
    assert answers.loss(0.1) == SoftmaxCrossEntropy(0.1)
    scores = np.array([[3.0, 2, 1], [-1, -2, -3]])
    assert answers.right(scores, np.array([0, 1])).tolist() == [True, False]


def test_yes_or_no_for_each() -> None:
    answers = Answers(("a", "b"), np.array([[0, 0], [1, 0], [1, 1]], np.float32))
    assert isinstance(answers.layer, Sigmoid)
    assert answers.loss(0.1) == BinaryCrossEntropy()
    scores = np.array([[-1.0, -1], [2, -1], [2, -1], [2, 1]])
    assert answers.right(scores, np.array([0, 1, 2, 2])).tolist() == [True, True, False, True]


def test_batches_give_rows_and_a_checkpoint_tells_tables_apart() -> None:
    dataset = data([0, 1, 2], [1, 2, 3], ("none", "a", "b"))
    table = np.array([[0, 0], [1, 0], [0, 1]], np.float32)
    plain = DatasetBatches(dataset, 2)
    source = Answers(("a", "b"), table).batches(plain)
    assert len(source) == 2
    np.testing.assert_array_equal(source.labels, table)
    np.testing.assert_array_equal(np.concatenate([target for _, target in source(None)]), table)
    for (x, target), (same_x, label) in zip(
        source(np.random.default_rng(1)), plain(np.random.default_rng(1)), strict=True
    ):
        np.testing.assert_array_equal(x, same_x)
        np.testing.assert_array_equal(target, table[label])
    other = Answers(("a", "b"), table[::-1]).batches(plain)
    assert source.describe() != other.describe()


# ------------------------------------------------------------------ the command


@pytest.mark.parametrize("net", NETS)
def test_several_labels_are_learnt(net: list[object], tmp_path: Path, capsys) -> None:
    """Light tops and light left halves, each by itself; a sum of both makes no third class."""
    out = tmp_path / "net.safetensors"
    folder = three_folders(tmp_path / "halves")
    assert train(folder, "--scores", "sigmoid", "--out", out, "--no-mirror", "--epochs", 40, *net) == 0
    said = capsys.readouterr().out
    assert "4 classes: none, left, top, left + top" in said
    assert "test images right in every label" in said
    model = load_model(out)
    assert (model.class_names, type(model.scores)) == (("left", "top"), Labels)
    card = json.loads(out.with_suffix(".json").read_text())["card"]
    assert card["test_accuracy"] >= 0.8
    assert "--scores sigmoid" in card["command"]
    dark = np.full((12, 12, 3), 20, np.uint8)
    for has_left, has_top in np.ndindex(2, 2):
        pixels = dark.copy()
        pixels[:6] += np.uint8(100 * has_top)
        pixels[:, :6] += np.uint8(100 * has_left)
        answers = {answer.name: answer.probability for answer in model.classify(pixels)}
        assert (answers["left"] > 0.5, answers["top"] > 0.5) == (has_left, has_top)


def test_one_question_is_learnt(tmp_path: Path) -> None:
    folder, out = two_classes(tmp_path / "shades", ("light", "none")), tmp_path / "net.safetensors"
    shutil.rmtree(folder)
    two_classes(folder, ("none", "light"))
    assert train(folder, "--scores", "sigmoid", "--net", "linear", "--epochs", 30, "--out", out) == 0
    model = load_model(out)
    assert (model.class_names, type(model.scores)) == (("light",), YesNo)
    assert model.classify(picture(1, 77))[0].probability > 0.5 > model.classify(picture(0, 77))[0].probability


def test_softmax_is_the_default_and_none_a_class(tmp_path: Path) -> None:
    folder, out = two_classes(tmp_path / "shades", ("none", "light")), tmp_path / "net.safetensors"
    assert train(folder, "--net", "linear", "--epochs", 1, "--out", out) == 0
    model = load_model(out)
    assert (model.class_names, type(model.scores)) == (("light", "none"), Classes)


def test_a_trained_nets_new_head_gives_labels_too(tmp_path: Path) -> None:
    folder, out = two_classes(tmp_path / "shades"), tmp_path / "net.safetensors"
    film = tmp_path / "film.html"
    assert train(folder, "--scores", "sigmoid", "--from", "digits", "--epochs", 30, "--out", out, "--film", film) == 0
    assert type(load_model(out).scores) is Labels
    assert film.exists()


def test_two_labels_that_exclude_one_another_get_opposite_weights(tmp_path: Path) -> None:
    """Each score is a logistic regression of its own, and yes to one is no to the other."""
    folder, out = two_classes(tmp_path / "shades", grey=True), tmp_path / "net.safetensors"
    assert train(folder, "--scores", "sigmoid", "--net", "linear", "--epochs", 60, "--out", out) == 0
    weight = load_model(out).net.params["logits.weight"]
    np.testing.assert_allclose(weight[0], -weight[1], atol=0.02 * np.abs(weight).max())
