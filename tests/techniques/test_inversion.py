"""Inversion: codes are met, depth costs likeness, and a run goes on to the same bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from minitorch_viz import Model, Net, load_model
from minitorch_viz.errors import NetError, SettingError
from minitorch_viz.layers import Conv2d, MaxPool2d, ReLU
from minitorch_viz.models import Preprocessing
from minitorch_viz.models.samples import sample_digit, sample_scene
from minitorch_viz.techniques import inversion
from minitorch_viz.techniques.optimization import _inversion_lbfgs
from minitorch_viz.techniques.optimization import _inversion_weights as weights
from minitorch_viz.techniques.optimization._inversion_lbfgs import _told
from minitorch_viz.techniques.optimization._inversion_measure import likeness
from minitorch_viz.techniques.optimization._inversion_nodes import chosen_nodes
from minitorch_viz.techniques.run import Pace
from minitorch_viz.training.optimizers.lbfgs import LBFGS

RNG = np.random.default_rng(0)
PHOTO = RNG.integers(0, 256, (12, 12, 3)).astype(np.uint8)


def tiny(dtype: type = np.float32, bias: float = 0.0) -> Model:
    """A convolution that loses nothing, and what throws away behind it."""
    rng = np.random.default_rng(1)
    nodes = [
        ("conv1", Conv2d(rng.standard_normal((12, 3, 3, 3)).astype(np.float32), padding=1)),
        ("relu1", ReLU()),
        ("pool1", MaxPool2d(2)),
        ("dead", Conv2d(np.zeros((2, 12, 1, 1), np.float32), np.full(2, bias, np.float32))),
    ]
    reader = Preprocessing((12, 12), mean=(120, 110, 100), std=(60, 50, 40))
    return Model.from_net(Net(nodes), readers=reader).astype(dtype)


@pytest.fixture
def every_step_yields(monkeypatch) -> None:
    monkeypatch.setattr(Pace, "due", lambda self: True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_linear_code_gives_the_photo_back(dtype: type, monkeypatch) -> None:
    """In both precisions, without a penalty: the code to 1e-3, the pixels to 1e-3 of their range."""
    monkeypatch.setattr(weights, "SHALLOW", 1e12)
    result = inversion(tiny(dtype), PHOTO, nodes="conv1", steps=60)
    assert result.distances[0, 0] < 1e-6
    assert result.psnr[0, 0] > 60
    np.testing.assert_allclose(result.inversions[0, 0], result.picture, atol=1)
    assert not np.isnan([result.ssim, result.lost]).any()


def test_what_a_layer_throws_away_does_not_come_back() -> None:
    """On the bundled digits the likeness falls with the depth, whatever the start."""
    result = inversion(load_model("digits"), sample_digit(), nodes="conv1,pool2,relu3,logits", starts=2, steps=40)
    assert result.depths.tolist() == [1, 2, 3, 4]
    psnr = result.psnr.mean(axis=1)
    assert psnr[0] > 35
    assert (np.diff(psnr) < 0).all()
    assert (np.diff(result.lost.mean(axis=1)) > 0).all()
    spread = result.spread.mean(axis=(1, 2))
    assert 3 * spread[0] < spread[2]  # the first layer leaves no choice, a deep one does
    assert result.done == result.total == 2 * 4 * 40
    assert result.frame.dtype == np.uint8
    assert min(result.frame.shape[:2]) >= 128


def test_the_same_seed_gives_the_same_bits_and_another_one_other_noise() -> None:
    first, same, other = (
        inversion(load_model("digits"), sample_digit(), nodes="relu3", steps=6, seed=seed) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first.state.arrays["0.0/x"], same.state.arrays["0.0/x"])
    assert (first.state.arrays["0.0/x"] != other.state.arrays["0.0/x"]).any()


@pytest.mark.usefixtures("every_step_yields")
@pytest.mark.parametrize("method", ["lbfgs", "mahendran-2015", "mahendran-2016"])
def test_a_stopped_run_goes_on_to_the_same_bits(method: str, tmp_path: Path) -> None:
    """In the middle of L-BFGS, with its history, and of a schedule with jitter, with its generator."""
    settings = {"nodes": "conv2,relu3", "steps": 21, "method": method}
    digits, photo = load_model("digits"), sample_digit()
    *_, whole = inversion.each(digits, photo, **settings)
    for count in (3, 25):
        run = inversion.each(digits, photo, **settings, resume=tmp_path / f"{count}")
        for _ in range(count):
            part = next(run)
        run.close()
        assert part.done < part.total
        *_, gone_on = inversion.each(digits, photo, **settings, resume=tmp_path / f"{count}")
        np.testing.assert_array_equal(gone_on.inversions, whole.inversions)
        np.testing.assert_array_equal(gone_on.distances, whole.distances)
        for name, value in whole.state.arrays.items():
            np.testing.assert_array_equal(gone_on.state.arrays[name], value)


@pytest.mark.usefixtures("every_step_yields")
def test_every_layer_gets_its_share_of_a_budget() -> None:
    """All of them a tenth of the steps first."""
    steps = [result.taken[:, 0] for result in inversion.each(load_model("digits"), sample_digit(), steps=20)]
    first = next(taken for taken in steps if (taken > 0).all())
    assert first.max() == 2


@pytest.mark.parametrize(("method", "steps"), [("mahendran-2015", 400), ("mahendran-2016", 350)])
def test_the_published_schedules_come_down(method: str, steps: int) -> None:
    result = inversion(load_model("digits"), sample_digit(), nodes="conv1", method=method)
    assert result.done == result.total == steps
    assert result.distances[0, 0] < 0.5
    assert result.lost[0, 0] < 0.7


def test_the_weights_are_the_papers() -> None:
    """C of 2015: weight / 2 times the squared differences, over the norm of a natural picture, is 1 / (C H W V^2)."""
    x = RNG.standard_normal((1, 3, 7, 5)) * 30
    down, right = np.diff(x, axis=2), np.diff(x, axis=3)
    for weight in (1.0, 10.0, 100.0):
        paper = weight / 2 * ((down**2).sum() + (right**2).sum()) / (weights.DEVIATION**2 * x.size)
        variation = weights.VARIANCE.value(x)[0] / (weights.from_2015(weight) * 35)
        assert variation == pytest.approx(paper, rel=1e-12)
    assert [weights.trust_at("mahendran-2015", depth, 20) for depth in (1, 7, 8, 14, 15, 20)] == [
        weights.from_2015(weight) for weight in (1, 1, 10, 10, 100, 100)
    ]
    assert weights.trust_at("lbfgs", 1, 20) == 1e4
    assert weights.trust_at("lbfgs", 3, 20) == pytest.approx(1e4 / 9)
    assert weights.trust_at("lbfgs", 20, 20) == weights.DEEP


def test_the_penalty_is_gradient_checked() -> None:
    x = RNG.standard_normal((1, 2, 4, 3)) * 60
    _, slope = weights.penalty(x, 3.0)
    for place in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[place] = 1e-3
        rise = (weights.penalty(x + step, 3.0)[0] - weights.penalty(x - step, 3.0)[0]) / 2e-3
        assert slope[place] == pytest.approx(rise, rel=1e-7, abs=1e-12)


def test_likeness_is_by_the_formulas() -> None:
    from minitorch_viz.optimize.units import Units

    units = Units((100.0,), (1.0,))
    photo = np.zeros((1, 1, 4, 4))
    photo[..., :2] = 100
    other = photo + 10
    assert likeness(units, other, photo).psnr == pytest.approx(10 * np.log10(255**2 / 100))
    assert likeness(units, other, photo).lost == pytest.approx(100 / 50**2)
    assert likeness(units, photo, photo) == (np.inf, 1.0, 0.0)
    assert likeness(units, photo + 1000, photo).psnr == pytest.approx(10 * np.log10(255**2 / ((155**2 + 55**2) / 2)))
    assert np.isnan(likeness(units, photo[..., :2, :2], photo[..., :2, :2]).ssim)


def test_a_dead_code_gets_a_sentence_and_the_others_their_pictures() -> None:
    result = inversion(tiny(), PHOTO, nodes="conv1,dead", steps=3)
    assert result.whys[0] == ""
    assert "zero everywhere" in result.whys[1]
    assert any(note.startswith("dead: ") for note in result.notes)
    assert np.isnan(result.psnr[1, 0])
    assert result.done == result.total == 3
    with pytest.raises(SettingError, match=r"None of the layers can be inverted. dead: .*zero everywhere"):
        inversion(tiny(), PHOTO, nodes="dead")


def test_a_photo_of_one_pixel_gets_a_sentence() -> None:
    result = inversion(tiny(), np.full((1, 1, 3), 200, np.uint8), nodes="conv1", steps=5)
    assert any("one colour everywhere" in note for note in result.notes)
    assert np.isfinite(result.psnr).all()


def test_a_still_optimizer_is_told_from_one_that_hardly_moves() -> None:
    """Early layers are done before their steps are; the rest is said by L-BFGS itself, once a kind."""
    result = inversion(load_model("digits"), sample_digit(), nodes="conv1,logits", steps=40)
    assert result.taken[0, 0] < 40
    assert "conv1: it ended early, since the value fell by less than 0.1% in 5 steps." in result.notes
    state = LBFGS().start(np.ones(2), lambda x: ((x**2).sum(), 2 * x))
    still = state._replace(words="The line search failed. No step lowers ...: it stands still, ...", status="still")
    words = _told(still, ())
    assert [word for word in words if "line search failed" in word]
    assert [word for word in words if "stands still, which is not converged" in word]
    assert _told(still, words) == words


def test_a_step_that_is_not_finite_is_halved_and_said(monkeypatch) -> None:
    """A net that overflows far from the mean colour, where the first step leads."""
    scored = _inversion_lbfgs.score_and_gradient

    def overflowing(model, objective, x):
        scores, gradient = scored(model, objective, x)
        return (scores if np.abs(x).max() < 200 else scores * np.nan), gradient

    monkeypatch.setattr(_inversion_lbfgs, "score_and_gradient", overflowing)
    monkeypatch.setattr(_inversion_lbfgs, "STEP", 200.0)
    result = inversion(tiny(), PHOTO, nodes="conv1", steps=20)
    assert "conv1: a step was not finite; it was halved until it was." in result.notes
    assert result.distances[0, 0] < 0.1


def test_nodes_are_chosen_by_name_or_evenly_or_all() -> None:
    scenes = load_model("scenes")
    every = chosen_nodes(scenes, "all")
    usual = chosen_nodes(scenes, None)
    assert len(usual) <= 8
    assert set(usual) <= set(every)
    order = [node.name for node in scenes.net.nodes]
    assert list(every) == sorted(every, key=order.index)
    assert chosen_nodes(load_model("digits"), "relu3, conv1") == ("conv1", "relu3")
    with pytest.raises(NetError, match="conv1"):
        chosen_nodes(load_model("digits"), "conv_1")
    with pytest.raises(SettingError, match="picture itself"):
        chosen_nodes(load_model("digits"), "input")


def test_pictures_of_another_size_are_made_where_the_net_takes_them() -> None:
    result = inversion(load_model("digits"), sample_digit(), nodes="conv1,logits", size=12, steps=2)
    assert result.inversions.shape[2:] == (12, 12, 3)
    assert "logits" in " ".join(result.notes)  # a Linear that is made for 8 x 8
    assert result.taken[:, 0].tolist() == [2, 0]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"starts": 0}, "number of starts"),
        ({"steps": 0}, "number of steps"),
        ({"size": 0}, "size"),
        ({"method": "lbgfs"}, "lbfgs"),
        ({"seed": -1}, "seed"),
        ({"trust": 0.0}, "trust must be a number above 0"),
    ],
)
def test_bad_settings_are_said(settings: dict, words: str) -> None:
    with pytest.raises(SettingError, match=words):
        inversion(load_model("digits"), sample_digit(), **settings)


@pytest.mark.slow
def test_hog_has_pictures_unlike_the_photo() -> None:
    """The negative is HOG's, too; from another photo comes a picture with the same code that is not like the photo."""
    scene = sample_scene().image
    result = inversion(load_model("digits"), scene, hog=True, size=48, steps=30)
    assert result.nodes == ("gradient", "orientations", "cells", "hog", "hog", "hog")
    assert result.begins[3:] == ("", "from the negative", "from another photo")
    assert result.psnr[0, 0] > 25  # a picture is its gradient, but for the brightness
    assert (result.distances[3:, 0] < 0.1).all()
    assert (result.psnr[3:, 0] < 20).all()
    assert result.ssim[4, 0] < 0.5
    assert any("brightness nor contrast" in note for note in result.notes)
    assert any("scikit-image" in note for note in result.notes)


@pytest.mark.nightly
def test_googlenet_gives_the_photo_back_from_conv1_and_less_and_less_behind_it(shared_data: Path) -> None:
    from scipy.stats import spearmanr

    model = load_model("googlenet", shared_data / "weights" / "googlenet_bvlc.safetensors")
    modules = [f"inception_{name}/output" for name in ("3a", "3b", "4a", "4c", "4e", "5b")]
    nodes = ["conv1/7x7_s2", "pool1/3x3_s2", "conv2/3x3", "pool2/3x3_s2", *modules]
    photo = shared_data / "photos" / "cat_chelsea.jpg"
    result = inversion(model, photo, nodes=",".join(nodes), size=128, steps=40)
    correlation = spearmanr(range(len(nodes)), result.psnr[:, 0]).statistic
    print(dict(zip(nodes, result.psnr[:, 0].round(1).tolist(), strict=True)), f"rank correlation {correlation:.3f}")
    assert result.psnr[0, 0] > 25
    assert correlation < -0.9
