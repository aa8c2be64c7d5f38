"""The nets that come in the box: the file is what its card says, it is plain, it is good, and it can be made again."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from minitorch_viz import Model, Net, load_model
from minitorch_viz.cli import main
from minitorch_viz.data import Dataset, load_cifar10, load_digits, load_mnist, normalized
from minitorch_viz.errors import MinitorchVizError, SettingError
from minitorch_viz.io.safetensors_ import read_safetensors
from minitorch_viz.layers import BatchNorm2d
from minitorch_viz.models import get_spec
from minitorch_viz.models.fold import fold_batch_norms
from minitorch_viz.training.bundle import as_written, share_right
from minitorch_viz.training.film.page import read_film
from minitorch_viz.training.recipes import cifar10, mnist, recipe_names, train
from tests.training.training_cases import assert_same_bits

LARGEST = {"digits": 100_000, "mnist": 300_000, "cifar10": 1_500_000}  # bytes
LEAST = {"digits": 0.985, "mnist": 0.993, "cifar10": 0.86}  # of all test pictures right
LAST_MAPS = {"digits": (8, 8), "mnist": (7, 7), "cifar10": (8, 8)}
BUNDLED = pytest.mark.parametrize("name", list(LARGEST))
TRAINED = pytest.mark.parametrize("name", ["mnist", "cifar10"])
RECIPES = {"mnist": mnist, "cifar10": cifar10}


def card_of(model: Model) -> dict[str, object]:
    found: dict[str, object] = json.loads(Path(model.source).with_suffix(".json").read_text())["card"]
    return found


def pictures_of(name: str, shared_data: Path, first: int | None = None) -> Dataset:
    """The first test pictures of a data set; with fewer than 1001 of CIFAR-10 those without loss."""
    if name == "digits":
        return load_digits()[1]
    if name == "mnist":
        return load_mnist(shared_data)[1][:first]
    return load_cifar10(shared_data, lossless=first is not None, progress=False)[1][:first]


# ------------------------------------------------------------------ the file


@BUNDLED
def test_the_file_is_what_the_card_says(name: str) -> None:
    model = load_model(name)
    path, card = Path(model.source), card_of(model)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == card["sha256"]
    assert path.stat().st_size < LARGEST[name]
    assert {array.dtype for array in read_safetensors(path).values()} == {np.dtype(np.float16)}
    assert card["command"] == f"minitorch-viz train {name} --seed 0"
    assert float(str(card["test_accuracy"])) >= LEAST[name]
    assert float(str(card["seconds"])) > 0


@BUNDLED
def test_every_technique_applies(name: str) -> None:
    """Plain layers, no batch normalization, last maps that are worth a picture, "logits" and "prob" at the end."""
    model = load_model(name)
    kinds = [type(node.layer).__name__ for node in model.net.nodes]
    assert set(kinds) <= {"Conv2d", "ReLU", "MaxPool2d", "GlobalAvgPool2d", "Flatten", "Linear", "Softmax"}
    assert [node.name for node in model.net.nodes][-2:] == ["logits", "prob"]
    assert kinds.count("Linear") == 1
    if name != "digits":
        assert kinds[-5:] == ["ReLU", "GlobalAvgPool2d", "Flatten", "Linear", "Softmax"]
        assert model.last_conv == model.net.nodes[-5].name
    side = model.preprocessing.size
    x = np.zeros((1, model.preprocessing.channels, *side), np.float32)
    assert model.net.predict(x, upto=model.last_conv).shape[2:] in (LAST_MAPS[name], (4, 4))


# ------------------------------------------------------------------ how good it is


@TRAINED
def test_a_thousand_pictures_of(name: str, shared_data: Path) -> None:
    """The first; CIFAR-10's are those without loss."""
    model, pictures = load_model(name), pictures_of(name, shared_data, 1000)
    assert len(pictures) == 1000
    assert pictures.class_names == model.class_names
    share = share_right(model.net, get_spec(name), pictures)
    assert share >= {"mnist": 0.99, "cifar10": 0.88}[name]
    if name == "cifar10":
        assert share == pytest.approx(card_of(model)["test_accuracy_lossless"], abs=0.0011)


@pytest.mark.nightly
@BUNDLED
def test_all_test_pictures(name: str, shared_data: Path) -> None:
    """Other kernels round differently: a picture or two may change sides."""
    model, pictures = load_model(name), pictures_of(name, shared_data)
    share = share_right(model.net, get_spec(name), pictures)
    assert share >= LEAST[name]
    assert share == pytest.approx(card_of(model)["test_accuracy"], abs=2.1 / len(pictures))


@TRAINED
def test_the_pixels_come_with_mean_0_and_variance_1(name: str, shared_data: Path) -> None:
    x = normalized(pictures_of(name, shared_data, 1000).images, get_spec(name).preprocessing)
    np.testing.assert_allclose(x.mean(axis=(0, 2, 3)), 0, atol=0.08)
    np.testing.assert_allclose(x.std(axis=(0, 2, 3)), 1, atol=0.08)


def test_every_class_is_known(shared_data: Path) -> None:
    model, pictures = load_model("cifar10"), pictures_of("cifar10", shared_data, 1000)
    scores = model.net.predict(normalized(pictures.images, model.preprocessing), upto="logits", batch=250)
    for label, name in enumerate(model.class_names):
        members = pictures.labels == label
        assert (scores[members].argmax(axis=1) == label).mean() > 0.7, name


def test_a_photo_of_a_cat_is_a_cat() -> None:
    """scikit-image's cat: the picture that a report begins with."""
    data = pytest.importorskip("skimage.data")
    model = load_model("cifar10")
    assert model.class_names[int(model.net.predict(model.preprocessing.preprocess(data.chelsea())).argmax())] == "cat"


# ------------------------------------------------------------------ how it is made


def stirred(net: Net, rng: np.random.Generator) -> Net:
    """The net as if it had been trained a little: statistics and scales that are not 0 and 1."""
    return net.with_params(
        {
            name: (value + 0.5 * rng.random(value.shape)).astype(np.float32)
            for name, value in net.state.items()
            if name.startswith("norm")
        }
    )


@TRAINED
def test_folding_and_rounding_change_nothing_that_counts(name: str, rng: np.random.Generator) -> None:
    spec = get_spec(name)
    net = stirred(spec.build(norm=True, seed=1), rng)
    folded, written = fold_batch_norms(net), as_written(net)
    assert any(isinstance(node.layer, BatchNorm2d) for node in net.nodes)
    assert [node.name for node in folded.nodes] == [node.name for node in spec.build(seed=None).nodes]
    assert folded.state.keys() == load_model(name).net.state.keys()
    x = rng.standard_normal((8, spec.preprocessing.channels, *spec.preprocessing.size)).astype(np.float32)
    want, most = net.predict(x, upto="logits"), np.abs(net.predict(x, upto="logits")).max()
    np.testing.assert_allclose(folded.predict(x, upto="logits"), want, rtol=1e-4, atol=1e-5 * most)
    np.testing.assert_allclose(written.predict(x, upto="logits"), want, rtol=0.02, atol=0.01 * most)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[object]]:
    """Recipes of two epochs of three steps, on noise; the folders that were asked for, by net."""
    asked: dict[str, list[object]] = {"mnist": [], "cifar10": []}
    rng = np.random.default_rng(3)
    for name, recipe in RECIPES.items():
        spec = get_spec(name)
        shape = (28, 28) if name == "mnist" else (32, 32, 3)
        labels = np.arange(24) % 10
        parts = tuple(
            Dataset(rng.integers(0, 256, (24, *shape), np.uint8), labels, spec.classes, f"{name} {part}")
            for part in ("train", "test")
        )

        def load(folder: object = None, *, lossless: bool = False, name: str = name, parts: object = parts) -> object:
            asked[name].append((folder, lossless))
            return parts

        monkeypatch.setattr(recipe, f"load_{name}", load)
        monkeypatch.setattr(recipe, "EPOCHS", 2)
        monkeypatch.setattr(recipe, "BATCH", 8)
    return asked


def run(name: str, out: Path, *more: object, status: int = 0) -> Net | None:
    assert main(["train", name, "--seed", "3", "--out", str(out), *map(str, more)]) == status
    return None if status else load_model(name, weights=out).net


@TRAINED
def test_a_tiny_run_gives_the_same_bits_with_film_and_resume(name: str, tiny, tmp_path: Path) -> None:
    film, checkpoint = tmp_path / "film.html", tmp_path / "run.ckpt"
    once = run(name, tmp_path / "once.safetensors", "--data", tmp_path)
    assert_same_bits(run(name, tmp_path / "film.safetensors", "--film", film, "--checkpoint", checkpoint), once)
    assert read_film(film, 60).shots[-1].step == 6
    assert_same_bits(run(name, tmp_path / "again.safetensors", "--checkpoint", checkpoint, "--resume"), once)
    assert tiny[name][0] == (tmp_path, False)
    card = json.loads((tmp_path / "once.json").read_text())["card"]
    assert (card["seed"], card["epochs"]) == (3, 2)
    assert "24 pictures for" in card["data"]
    for shown in RECIPES[name].IN_FRONT:
        assert shown in film.read_text()[:3000]  # in its heading


@pytest.mark.usefixtures("tiny")
@TRAINED
def test_ctrl_c_keeps_checkpoint_and_film(name: str, tmp_path: Path, monkeypatch, capsys) -> None:
    film, checkpoint, out = tmp_path / "film.html", tmp_path / "run.ckpt", tmp_path / "net.safetensors"
    once = run(name, tmp_path / "once.safetensors")
    seen = []

    def crop(images, rng, padding=4):  # the same name: it is the same augmentation, but for the key that is pressed
        seen.append(len(images))
        if len(seen) == 5:
            raise KeyboardInterrupt
        return plain(images, rng, padding)

    plain = RECIPES[name].crop
    crop.__qualname__ = plain.__qualname__
    monkeypatch.setattr(RECIPES[name], "crop", crop)
    run(name, out, "--film", film, "--checkpoint", checkpoint, status=130)
    said = f"interrupted; {out} holds the weights after 1 of 2 epochs (4 steps); the same command with --resume"
    assert said in capsys.readouterr().err
    so_far = load_model(name, weights=out)
    assert card_of(so_far)["interrupted"] == "after 1 of 2 epochs (4 steps)"
    assert read_film(film, 60).shots[-1].step == 4
    assert checkpoint.exists()
    monkeypatch.setattr(RECIPES[name], "crop", plain)
    assert_same_bits(run(name, out, "--film", film, "--checkpoint", checkpoint, "--resume"), once)


def test_where_the_data_are_is_said(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("MINITORCH_VIZ_HOME", str(tmp_path))
    for name, wanted in {"mnist": "train-images", "cifar10": "cifar-10-binary.tar.gz"}.items():
        assert main(["train", name]) == 2
        told = capsys.readouterr().err
        assert str(tmp_path) in told
        assert wanted in told
        assert f"minitorch-viz download {name}" in told


def test_recipes_that_do_not_exist_or_need_no_data(tmp_path: Path) -> None:
    assert set(LARGEST) <= set(recipe_names())
    with pytest.raises(SettingError, match="mnist"):
        train("mnits", tmp_path / "x.safetensors")
    with pytest.raises(MinitorchVizError, match="come with its recipe"):
        train("digits", tmp_path / "x.safetensors", data=tmp_path)


# ------------------------------------------------------------------ elsewhere


@pytest.mark.torch
@TRAINED
def test_pytorch_reads_it(name: str) -> None:
    torch = pytest.importorskip("torch")
    from safetensors.torch import load_file

    model = load_model(name)
    widths, pooled, first = {
        "mnist": ((16, 32, 32, 64, 64), (1, 3), 7),
        "cifar10": ((32, 32, 64, 64, 128, 128, 128), (2, 4), 3),
    }[name]
    theirs, channels = torch.nn.Sequential(), model.preprocessing.channels
    for number, width in enumerate(widths, 1):
        side = first if number == 1 else 3
        theirs.add_module(f"conv{number}", torch.nn.Conv2d(channels, width, side, padding=side // 2))
        theirs.add_module(f"relu{number}", torch.nn.ReLU())
        if number in pooled:
            theirs.add_module(f"pool{number}", torch.nn.MaxPool2d(2))
        channels = width
    theirs.add_module("gap", torch.nn.AdaptiveAvgPool2d(1))
    theirs.add_module("flatten", torch.nn.Flatten())
    theirs.add_module("logits", torch.nn.Linear(channels, 10))
    theirs.load_state_dict({key: value.float() for key, value in load_file(model.source).items()})
    shape = (4, model.preprocessing.channels, *model.preprocessing.size)
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    with torch.no_grad():
        expected = theirs(torch.tensor(x)).numpy()
    assert np.ptp(expected) > 1
    np.testing.assert_allclose(model.net.predict(x, upto="logits"), expected, rtol=1e-3, atol=1e-3)
