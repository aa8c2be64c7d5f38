"""The bundled generators: good, of the scale that they promise, and made again by their recipes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from minitorch_viz import Model, load_model
from minitorch_viz.data import Dataset, load_mnist, normalized
from minitorch_viz.errors import SettingError
from minitorch_viz.gradcheck import check
from minitorch_viz.training import noisy_codes
from minitorch_viz.training.noisy_codes import DrawingAndCode, NoisyCodes, Setting, scaled
from minitorch_viz.training.recipes import mnist_autoencoder as recipe
from minitorch_viz.training.recipes import train
from tests.training.training_cases import assert_same_bits


def card_of(model: Model) -> dict[str, object]:
    content: dict[str, object] = json.loads(Path(model.source).with_suffix(".json").read_text())["card"]
    return content


def test_the_file_is_what_the_card_says() -> None:
    model = load_model("mnist_autoencoder")
    card, path = card_of(model), Path(model.source)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == card["sha256"]
    assert path.stat().st_size < 900_000
    assert card["command"] == "minitorch-viz train mnist_autoencoder --seed 0"
    assert card["test_error"] < 0.2 * card["test_variance"]


def test_digits_are_drawn_again_and_codes_have_one_scale(shared_data: Path) -> None:
    model = load_model("mnist_autoencoder")
    training, test = load_mnist(shared_data / "mnist")
    pictures = normalized(test.images, model.preprocessing)
    error = float(((model.net.predict(pictures, batch=500) - pictures) ** 2).mean())
    assert error == pytest.approx(card_of(model)["test_error"], abs=1e-4)
    codes = model.net.predict(normalized(training.images[:10_000], model.preprocessing), upto="code", batch=500)
    assert codes.min() == 0
    np.testing.assert_allclose(codes.std(axis=0), 1, atol=0.06)  # of all 60,000 it is 1


def test_scaling_the_code_leaves_the_drawing(rng: np.random.Generator) -> None:
    net = load_model("mnist_autoencoder").net
    blown = net.with_params({"mean.weight": 3 * net.params["mean.weight"], "mean.bias": 3 * net.params["mean.bias"]})
    pictures = rng.random((50, 1, 28, 28), np.float32)
    again = scaled(blown, pictures)
    np.testing.assert_allclose(again.predict(pictures), blown.predict(pictures), atol=1e-4)
    spread = again.predict(pictures, upto="code").std(axis=0)
    assert np.all((np.abs(spread - 1) < 1e-3) | (spread == 0))


def test_the_loss_is_the_bound_for_noise_of_one_size(rng: np.random.Generator) -> None:
    y, target = rng.standard_normal((3, 4 + 2)), rng.random((3, 1, 2, 2))
    p, t = 1 / (1 + np.exp(-y[:, :4])), target.reshape(3, 4)
    by_hand = -(t * np.log(p) + (1 - t) * np.log(1 - p)).sum() + (y[:, 4:] ** 2).sum() / 2
    assert DrawingAndCode(2)(y, target)[0] == pytest.approx(by_hand / 12)
    report = check(lambda y: DrawingAndCode(2)(y, target), None, (y,), tolerance=1e-7)
    assert report.ok, report


def test_noise_comes_with_training_alone(rng: np.random.Generator) -> None:
    images = rng.integers(0, 256, (10, 28, 28), np.uint8)
    setting = Setting(1, 4, 1e-3, 0.5)
    batches = NoisyCodes(images, load_model("mnist_autoencoder").preprocessing, 64, setting, lambda x, _: 255 - x)
    assert len(batches) == 3
    (first, drawn), *_ = batches(None)
    assert not first["noise"].any()
    np.testing.assert_allclose(first["input"][:, 0], images[:4] / 255, atol=1e-6)
    assert drawn is first["input"]
    noisy = np.concatenate([x["noise"] for x, _ in batches(np.random.default_rng(0))])
    assert noisy.std() == pytest.approx(0.5, abs=0.05)
    seen = np.concatenate([x["input"] for x, _ in batches(np.random.default_rng(0))])
    np.testing.assert_allclose(np.sort(seen.ravel()), np.sort((255 - images).ravel() / 255), atol=1e-6)


def test_a_tiny_run_gives_the_same_bits_with_resume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    parts = tuple(
        Dataset(rng.integers(0, 256, (24, 28, 28), np.uint8), np.arange(24) % 10, tuple("0123456789"), part)
        for part in ("train", "test")
    )
    monkeypatch.setattr(recipe, "load_mnist", lambda _: parts)
    monkeypatch.setattr(recipe, "SETTING", Setting(3, 8, 1e-3, 0.5))
    once = train("mnist_autoencoder", tmp_path / "once.safetensors", 1)
    checkpoint = tmp_path / "run.ckpt"

    passes: list[object] = []
    whole = noisy_codes.NoisyCodes.__call__

    def stops(self: NoisyCodes, rng: np.random.Generator | None) -> object:
        passes.append(rng)
        if len(passes) == 2:
            raise KeyboardInterrupt
        return whole(self, rng)

    monkeypatch.setattr(noisy_codes.NoisyCodes, "__call__", stops)
    with pytest.raises(KeyboardInterrupt, match="after 1 of 3 epochs"):
        train("mnist_autoencoder", tmp_path / "net.safetensors", 1, checkpoint=checkpoint)
    monkeypatch.setattr(noisy_codes.NoisyCodes, "__call__", whole)
    again = train("mnist_autoencoder", tmp_path / "net.safetensors", 1, checkpoint=checkpoint, resume=True)
    assert_same_bits(*(load_model("mnist_autoencoder", weights=path).net for path in (once, again)))
    with pytest.raises(SettingError, match="leave it out"):
        train("mnist_autoencoder", tmp_path / "a.safetensors", film=tmp_path / "film.html")
