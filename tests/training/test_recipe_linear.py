"""digits_linear and cifar10_linear: the cards are right, the command makes them again, templates are pictures."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from minitorch_viz import load_model
from minitorch_viz.data import Dataset, load_cifar10, load_digits
from minitorch_viz.errors import SettingError
from minitorch_viz.io.safetensors_ import read_safetensors
from minitorch_viz.models import get_spec
from minitorch_viz.training.bundle import share_right
from minitorch_viz.training.recipes import cifar10_linear as recipe
from minitorch_viz.training.recipes import digits_autoencoder as autoencoder
from minitorch_viz.training.recipes import train
from tests.training.training_cases import assert_same_bits

NAMES = "digits_linear", "cifar10_linear"
LEAST = {"digits_linear": 0.94, "cifar10_linear": 0.38}


def card_of(name: str) -> dict[str, object]:
    path = Path(load_model(name).source).with_suffix(".json")
    card: dict[str, object] = json.loads(path.read_text())["card"]
    return card


@pytest.mark.parametrize("name", NAMES)
def test_the_file_is_what_the_card_says(name: str) -> None:
    path, card = Path(load_model(name).source), card_of(name)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == card["sha256"]
    assert {array.dtype for array in read_safetensors(path).values()} == {np.dtype(np.float16)}
    assert card["command"] == f"minitorch-viz train {name} --seed 0"
    assert float(str(card["test_accuracy"])) >= LEAST[name]
    assert path.stat().st_size < 70_000


def test_digits_again(tmp_path: Path) -> None:
    """The same command, the same weights; and all test pictures."""
    again = read_safetensors(train("digits_linear", tmp_path / "again.safetensors"))
    model = load_model("digits_linear")
    for key, value in read_safetensors(Path(model.source)).items():
        np.testing.assert_allclose(again[key].astype(float), value.astype(float), atol=2e-3 * np.abs(value).max())
    share = share_right(model.net, get_spec("digits_linear"), load_digits()[1])
    assert share == pytest.approx(card_of("digits_linear")["test_accuracy"], abs=0.003)


def test_it_is_the_one_optimum() -> None:
    """scikit-learn's softmax regression on the same numbers, with the same penalty, gives the same templates."""
    from sklearn.linear_model import LogisticRegression

    from minitorch_viz.training.recipes.digits_linear import DECAY

    model, (training, _) = load_model("digits_linear"), load_digits()
    x = np.concatenate([model.preprocess(image) for image in training.images]).reshape(len(training), -1)
    # Theirs is the sum of the losses, times C, plus half the squared weights; ours their mean plus DECAY times that.
    theirs = LogisticRegression(C=1 / (DECAY * len(x)), tol=1e-6, max_iter=2000).fit(x, training.labels)
    weights = model.net.params["logits.weight"]
    for own, other in zip(weights, theirs.coef_, strict=True):
        assert np.corrcoef(own, other)[0, 1] > 0.99
        assert np.linalg.norm(own) == pytest.approx(np.linalg.norm(other), rel=0.1)


def test_a_thousand_photos(shared_data: Path) -> None:
    pictures = load_cifar10(shared_data, lossless=True, progress=False)[1][:1000]
    share = share_right(load_model("cifar10_linear").net, get_spec("cifar10_linear"), pictures)
    assert share == pytest.approx(card_of("cifar10_linear")["test_accuracy"], abs=0.03)


def test_templates_can_be_read() -> None:
    """Smooth, though nothing asks for it but weight decay; and that of horses looks to both sides."""
    templates = load_model("cifar10_linear").net.params["logits.weight"].reshape(10, 3, 32, 32)
    for template in templates:
        assert np.corrcoef(template[..., :-1].ravel(), template[..., 1:].ravel())[0, 1] > 0.8  # white noise has 0
    horse = templates[7]
    assert np.corrcoef(horse.ravel(), horse[..., ::-1].ravel())[0, 1] > 0.7


def test_the_autoencoder_draws_what_was_put_out() -> None:
    """The error is the card's; of half a digit it makes a better one than it got; the empty border has no weights."""
    model, card = load_model("digits_autoencoder"), card_of("digits_autoencoder")
    training, test = load_digits()
    whole = np.concatenate([model.preprocess(image) for image in test.images])
    error = float(((model.net.predict(whole) - whole) ** 2).mean())
    assert error == pytest.approx(card["test_error"], abs=1e-4)
    assert error < 0.4 * whole.var(axis=0).mean()
    half = whole * (np.random.default_rng(0).random(whole.shape) < 0.5)
    assert ((model.net.predict(half) - whole) ** 2).mean() < 0.5 * ((half - whole) ** 2).mean()
    empty = training.images.max(axis=0) < 16  # nearly no ink in any of them
    weights = np.abs(model.net.params["code.weight"]).reshape(24, 8, 8)
    assert weights[:, empty].mean() < 0.2 * weights[:, ~empty].mean()


def test_its_recipe_gives_the_same_bits_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autoencoder, "EPOCHS", 2)
    places = {"checkpoint": tmp_path / "run.ckpt"}
    once = train("digits_autoencoder", tmp_path / "a.safetensors", 1, **places)
    again = train("digits_autoencoder", tmp_path / "b.safetensors", 1, resume=True, **places)
    assert_same_bits(*(load_model("digits_autoencoder", weights=path).net for path in (once, again)))
    with pytest.raises(SettingError, match="leave it out"):
        train("digits_autoencoder", tmp_path / "a.safetensors", film=tmp_path / "film.html")


def test_a_tiny_run_gives_the_same_bits_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    names = get_spec("cifar10_linear").classes
    parts = tuple(
        Dataset(rng.integers(0, 256, (12, 32, 32, 3), np.uint8), np.arange(12) % 10, names, part)
        for part in ("train", "test")
    )
    monkeypatch.setattr(recipe, "load_cifar10", lambda *_, **__: parts)
    monkeypatch.setattr(recipe, "EPOCHS", 2)
    places = {"checkpoint": tmp_path / "run.ckpt"}
    once = load_model("cifar10_linear", weights=train("cifar10_linear", tmp_path / "a.safetensors", 1, **places))
    again = load_model(
        "cifar10_linear", weights=train("cifar10_linear", tmp_path / "b.safetensors", 1, resume=True, **places)
    )
    assert_same_bits(once.net, again.net)
    assert once.net.params["logits.weight"].any()
