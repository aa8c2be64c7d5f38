"""scenes: what the card says is so on fresh scenes, the file is plain, and its evidence lies on objects."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from minitorch_viz import Net, load_model
from minitorch_viz.cli import main
from minitorch_viz.data import normalized
from minitorch_viz.data.scenes import KINDS, Scenes
from minitorch_viz.data.scenes import scenes as make_scenes
from minitorch_viz.io.safetensors_ import read_safetensors
from minitorch_viz.layers import BatchNorm2d, GlobalAvgPool2d, Linear
from minitorch_viz.models.fold import fold_batch_norms
from minitorch_viz.models.scenes import KINDS as NAMES
from minitorch_viz.models.scenes import PREPROCESSING, scenes
from minitorch_viz.training.film.page import read_film
from minitorch_viz.training.recipes import scenes as recipe
from tests.training.training_cases import assert_same_bits

FRESH = 20_261  # a seed of these tests: neither trained on nor the card's


@pytest.fixture(scope="module")
def net() -> Net:
    return load_model("scenes").net


@pytest.fixture(scope="module")
def several() -> Scenes:
    return make_scenes(300, FRESH, objects=(2, 3))


@pytest.fixture(scope="module")
def card() -> dict[str, object]:
    path = Path(load_model("scenes").source).with_suffix(".json")
    found: dict[str, object] = json.loads(path.read_text())["card"]
    return found


# ------------------------------------------------------------------ the file


def test_the_file_is_what_the_card_says(card) -> None:
    path = Path(load_model("scenes").source)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == card["sha256"]
    assert path.stat().st_size < 1_000_000
    assert {array.dtype for array in read_safetensors(path).values()} == {np.dtype(np.float16)}
    assert card["command"] == "minitorch-viz train scenes --seed 0"


def test_every_map_technique_applies(net: Net) -> None:
    """Plain layers, no batch normalization, maps of at least 8 x 8 before the mean, one linear layer after it."""
    kinds = [type(node.layer).__name__ for node in net.nodes]
    assert set(kinds) == {"Conv2d", "ReLU", "MaxPool2d", "GlobalAvgPool2d", "Flatten", "Linear", "Softmax"}
    assert kinds[-4:] == ["GlobalAvgPool2d", "Flatten", "Linear", "Softmax"]
    model = load_model("scenes")
    assert net[model.last_conv].name == net.nodes[-5].name
    assert net.predict(np.zeros((1, 3, 64, 64), np.float32), upto=model.last_conv).shape[2:] >= (8, 8)
    assert isinstance(net["gap"].layer, GlobalAvgPool2d)
    assert isinstance(net["logits"].layer, Linear)


def test_the_names_are_the_generators() -> None:
    assert load_model("scenes").class_names == NAMES == KINDS[1:]


def test_the_pixels_are_normalized_as_they_are() -> None:
    x = normalized(make_scenes(200, FRESH).images, PREPROCESSING)
    np.testing.assert_allclose(x.mean(axis=(0, 2, 3)), 0, atol=0.1)
    np.testing.assert_allclose(x.std(axis=(0, 2, 3)), 1, atol=0.1)


# ------------------------------------------------------------------ how good it is


@pytest.mark.parametrize("count", [400, pytest.param(4000, marks=pytest.mark.slow)])
def test_the_main_object_is_named(net: Net, count: int, card) -> None:
    share = recipe.share_right(net, make_scenes(count, FRESH))
    assert share >= (0.97 if count > 1000 else 0.95)  # of 400, 1.7 % more or less is chance (two standard deviations)
    said = float(card["test_accuracy"])
    assert abs(share - said) < 3 * np.sqrt(said * (1 - said) * (1 / count + 1 / recipe.TEST_SCENES))
    assert said >= 0.97


def test_a_single_object_is_named(net: Net, card) -> None:
    assert recipe.share_right(net, make_scenes(400, FRESH, objects=1)) >= 0.98
    assert float(card["test_accuracy_of_single_objects"]) >= 0.99


def test_every_kind_is_known(net: Net) -> None:
    made = make_scenes(1000, FRESH + 1)
    answers = net.predict(normalized(made.images, PREPROCESSING), upto="logits", batch=250).argmax(axis=1)
    for kind in range(len(NAMES)):
        assert (answers[made.labels == kind] == kind).mean() > 0.8, NAMES[kind]


def test_the_others_come_next(net: Net, several: Scenes) -> None:
    """The net was asked for the main object above all; still, the others' kinds stand well above those not there."""
    scores = net.predict(normalized(several.images, PREPROCESSING), upto="logits", batch=150)
    places = np.argsort(np.argsort(-scores, axis=1), axis=1)  # 0 is the first answer
    others = [
        places[index, several.kinds[index, number] - 1]
        for index in range(len(several))
        for number in range(1, int(several.counts[index]))
    ]
    assert np.mean(np.array(others) <= 2) > 0.4  # by chance: 2 of 21, about a tenth
    assert np.mean(others) < 5.5  # by chance: 11


def test_the_evidence_for_a_kind_lies_on_its_object(net: Net, several: Scenes) -> None:
    """The class activation map's peak, in scenes of two or three objects, main and others alike (the pointing game)."""
    maps = net.predict(normalized(several.images, PREPROCESSING), upto="relu5", batch=100)
    weight = net.params["logits.weight"]
    hits: dict[bool, list[bool]] = {True: [], False: []}
    for index in range(len(several)):
        for number in range(int(several.counts[index])):
            cam = np.tensordot(weight[several.kinds[index, number] - 1], maps[index], 1)
            row, column = np.unravel_index(cam.argmax(), cam.shape)
            cell = several.object_map[index, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4]
            hits[number == 0].append(bool((cell == number + 1).any()))
    assert np.mean(hits[True]) > 0.93  # by chance: the share of the picture, about a sixth
    assert np.mean(hits[False]) > 0.75  # about a fifteenth


# ------------------------------------------------------------------ how it is made


def test_shares_are_of_the_visible_pixels() -> None:
    made = make_scenes(20, FRESH, objects=(1, 4))
    parts = recipe.shares(made)
    for index in range(len(made)):
        for kind, name in enumerate(NAMES):
            seen = (made.where(name)[index]).sum() / (made.object_map[index] > 0).sum()
            assert parts[index, kind] == pytest.approx(seen)
    np.testing.assert_array_equal(parts.argmax(axis=1), made.labels)  # the main object is the largest
    powers = parts.astype(np.float64) ** 4
    np.testing.assert_allclose(recipe.sharpened(made), powers / powers.sum(axis=1, keepdims=True), rtol=1e-5)


def test_the_second_stage_wants_the_main_object_and_a_little_of_each_other() -> None:
    made = make_scenes(20, FRESH, objects=(1, 4))
    for row, kinds, count in zip(recipe.main_and_others(made), made.kinds.astype(int), made.counts, strict=True):
        expected = np.zeros(22)
        expected[kinds[:count] - 1] = 0.1 / count
        expected[kinds[0] - 1] += 0.9
        np.testing.assert_allclose(row, expected, atol=1e-6)


def test_no_scene_comes_twice_and_the_generator_decides() -> None:
    source = recipe.FreshScenes(3, 4, recipe.STAGES[0])
    first, second, other = (list(source(np.random.default_rng(seed))) for seed in (1, 1, 2))
    for (x, targets), (again, same) in zip(first, second, strict=True):
        np.testing.assert_array_equal(x, again)
        np.testing.assert_array_equal(targets, same)
    images = {image.tobytes() for batch in (*first, *other) for image in batch[0]}
    assert len(images) == 24
    assert len(source) == len(first) == 3


def test_folding_changes_nothing(rng: np.random.Generator) -> None:
    net = scenes(norm=True, seed=1)
    moved = {
        name: (value + rng.random(value.shape)).astype(np.float32)
        for name, value in net.state.items()
        if name.startswith("norm")
    }
    net = net.with_params(moved)
    folded = fold_batch_norms(net)
    assert sum(isinstance(node.layer, BatchNorm2d) for node in net.nodes) == 5
    assert not any(isinstance(node.layer, BatchNorm2d) for node in folded.nodes)
    x = rng.standard_normal((2, 3, 64, 64)).astype(np.float32)
    expected = net.predict(x, upto="logits")
    np.testing.assert_allclose(
        folded.predict(x, upto="logits"), expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max()
    )
    assert folded.state.keys() == load_model("scenes").net.state.keys()


def test_a_tiny_run_gives_the_same_bits_with_film_and_resume(tmp_path: Path, monkeypatch) -> None:
    short = tuple(replace(stage, epochs=epochs) for stage, epochs in zip(recipe.STAGES, (2, 1), strict=True))
    for name, value in {"STAGES": short, "BATCHES": 2, "BATCH": 8, "TEST_SCENES": 20, "WATCHED": 6}.items():
        monkeypatch.setattr(recipe, name, value)

    def run(name: str, *more: str) -> Net:
        out = tmp_path / f"{name}.safetensors"
        assert main(["train", "scenes", "--seed", "3", "--out", str(out), *more]) == 0
        return load_model("scenes", weights=out).net

    once = run("once")
    film, checkpoint = tmp_path / "film.html", tmp_path / "c.ckpt"
    assert_same_bits(run("film", "--film", str(film), "--checkpoint", str(checkpoint)), once)
    assert read_film(film, 60).shots[-1].step == 4
    assert read_film(tmp_path / "film_2.html", 60).shots[-1].step == 2
    (tmp_path / "c_2.ckpt").unlink()  # as if it had been stopped between the stages
    assert_same_bits(run("resumed", "--checkpoint", str(checkpoint), "--resume"), once)
    card = json.loads((tmp_path / "once.json").read_text())["card"]
    assert card["seed"] == 3
    assert card["data"].startswith("48 scenes ")


@pytest.mark.torch
def test_pytorch_reads_it(net: Net) -> None:
    torch = pytest.importorskip("torch")
    from safetensors.torch import load_file

    theirs = torch.nn.Sequential()
    channels = 3
    for number, width in enumerate((16, 32, 64, 64, 96), 1):
        theirs.add_module(f"conv{number}", torch.nn.Conv2d(channels, width, 3, padding=1))
        theirs.add_module(f"relu{number}", torch.nn.ReLU())
        if number < 3:
            theirs.add_module(f"pool{number}", torch.nn.MaxPool2d(2))
        channels = width
    theirs.add_module("gap", torch.nn.AdaptiveAvgPool2d(1))
    theirs.add_module("flatten", torch.nn.Flatten())
    theirs.add_module("logits", torch.nn.Linear(96, 22))
    weights = load_file(load_model("scenes").source)
    theirs.load_state_dict({name: value.float() for name, value in weights.items()})
    x = normalized(make_scenes(4, FRESH).images, PREPROCESSING)
    with torch.no_grad():
        expected = theirs(torch.tensor(x)).numpy()
    np.testing.assert_allclose(net.predict(x, upto="logits"), expected, rtol=1e-3, atol=1e-3)
