"""Accentuation: the gradient added to a photo lifts the score as predicted; what is kept, kept; caricatures."""

from __future__ import annotations

import numpy as np
import pytest

import minitorch_viz_kernels as kernels
from minitorch_viz import load_model
from minitorch_viz.errors import SettingError
from minitorch_viz.models.samples import sample_digit
from minitorch_viz.techniques.optimization.accentuate import accentuate

DIGITS = load_model("digits")
THREE = sample_digit(3)


def score(picture: np.ndarray, number: int) -> float:
    x = DIGITS.preprocess(picture.repeat(3, axis=2) if picture.shape[-1] == 1 else picture)
    return float(DIGITS.net.predict(x, upto="logits")[0, number])


def test_more_of_another_class() -> None:
    result = accentuate(DIGITS, THREE, target=8)
    assert result.before == pytest.approx(score(THREE, 8), rel=1e-4)
    assert result.after == pytest.approx(score(result.made, 8), rel=1e-4)
    assert result.after > result.before + 5
    np.testing.assert_allclose(result.difference[0], result.made[..., 0].astype(float) - result.picture[..., 0], atol=1)


def test_one_step_is_the_gradient_itself_and_rises_as_the_slope_says() -> None:
    model = DIGITS.astype(np.float64)
    result = accentuate(model, THREE, target=8, steps=1)
    x = model.preprocess(THREE)
    tape = model.net.forward(x)
    gradient = model.net.backward(tape, {"logits": np.eye(10)[8:9]})["input"] / model.preprocessing.std[0]
    rate = 1 / np.sqrt((gradient**2).mean())
    assert result.predicted == pytest.approx(rate * (gradient**2).sum(), rel=1e-6)
    stepped = x + rate * gradient / model.preprocessing.std[0]
    assert result.measured == pytest.approx(float(model.net.predict(stepped, upto="logits")[0, 8]) - result.before)
    assert result.measured == pytest.approx(result.predicted, rel=0.1)
    inside = (result.made[..., 0] > 0) & (result.made[..., 0] < 255)
    np.testing.assert_allclose(result.difference[0][inside], (rate * gradient)[0, 0][inside], atol=0.6)
    assert result.total == 1


def test_what_is_kept_moves_less() -> None:
    free, near = (accentuate(DIGITS, THREE, target=8, steps=30, keep=keep, kept="relu2") for keep in (1e-9, 5.0))
    assert near.kept_share < 0.8 * free.kept_share
    first, last = (
        kernels.to_cpu(DIGITS.net.forward(DIGITS.preprocess(picture), upto="relu2")["relu2"]).ravel()
        for picture in (THREE, near.made.repeat(3, axis=2))
    )
    assert near.kept_share == pytest.approx(np.linalg.norm(last - first) / np.linalg.norm(first), rel=1e-3)
    assert accentuate(DIGITS, THREE, target=8, steps=5, keep=0).kept_node == ""


def test_a_caricature_is_like_the_photo_from_noise() -> None:
    result = accentuate(DIGITS, THREE, start="noise", kept="relu2")
    first, last = (
        kernels.to_cpu(DIGITS.net.forward(DIGITS.preprocess(picture), upto="relu2")["relu2"]).ravel()
        for picture in (THREE, result.made.repeat(3, axis=2))
    )
    cosine = first @ last / np.linalg.norm(first) / np.linalg.norm(last)
    assert cosine > 0.8
    assert result.after == pytest.approx(first @ last / np.linalg.norm(first) * cosine, rel=1e-3)
    assert result.caption.startswith("A caricature of the photo for relu2")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"start": "nothing"}, "There is no start 'nothing'"),
        ({"keep": -1}, "keep must be"),
        ({"steps": 0}, "steps"),
        ({"start": "noise", "target": 3}, "leave out target="),
        ({"target": "flamingo"}, "knows no class"),
        ({"power": 11}, "power"),
    ],
)
def test_a_setting_that_does_not_fit_gets_a_sentence(settings: dict, words: str) -> None:
    with pytest.raises(SettingError, match=words):
        accentuate(DIGITS, THREE, **settings)
