"""Adversarial training: pictures stay within eps and 0..255, a linear net's attack is exact, nets become robust."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from minitorch_viz import Net
from minitorch_viz.errors import SettingError, ShapeError
from minitorch_viz.layers import Conv2d, Flatten, Linear, ReLU
from minitorch_viz.models.readers import Numbers, Preprocessing
from minitorch_viz.training import Adam, Adversarial, SoftmaxCrossEntropy, Triangle, accuracy, fit
from tests.training.training_cases import assert_same_bits, bars, net_with_everything, small_net

LOSS = SoftmaxCrossEntropy()
GREY = Preprocessing((6, 6), channels=1, mean=(100.0,), std=(50.0,))
COLOUR = Preprocessing((5, 4), mean=(120.0, 110.0, 90.0), std=(60.0, 50.0, 70.0))


def colour_net(dtype=np.float64) -> Net:
    rng = np.random.default_rng(0)
    nodes = [("conv", Conv2d.random(rng, 3, 4, 3)), ("relu", ReLU()), ("flat", Flatten())]
    return Net([*nodes, ("fc", Linear.random(rng, 24, 3))]).astype(dtype)


def colour_batch() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pixels (8, 3, 5, 4) with many at black and at white, the same as the net takes them, and labels."""
    rng = np.random.default_rng(1)
    pixels = np.clip(rng.normal(128, 120, (8, 3, 5, 4)).round(), 0, 255)
    mean, std = (np.array(values).reshape(-1, 1, 1) for values in (COLOUR.mean, COLOUR.std))
    return pixels, (pixels - mean) / std, rng.integers(0, 3, 8)


def as_pixels(x: np.ndarray) -> np.ndarray:
    mean, std = (np.array(values).reshape(-1, 1, 1) for values in (COLOUR.mean, COLOUR.std))
    return x * std + mean


def plane(dtype=np.float64) -> Net:
    """A linear net of two classes on grey 6 x 6 pictures."""
    rng = np.random.default_rng(2)
    return Net([("flat", Flatten()), ("fc", Linear(rng.standard_normal((2, 36)) / 6, np.array([0.1, -0.1])))]).astype(
        dtype
    )


@pytest.mark.parametrize("settings", [{}, {"steps": 5}, {"random_start": False}, {"steps": 3, "alpha": 200.0}])
def test_pictures_stay_within_eps_and_0_to_255(settings) -> None:
    pixels, x, labels = colour_batch()
    attack = Adversarial(10.0, COLOUR, **settings)
    moved = as_pixels(attack.moved(colour_net(), x, labels, loss=LOSS, output="fc", rng=np.random.default_rng(0)))
    assert np.abs(moved - pixels).max() <= 10 + 1e-9
    assert moved.min() >= -1e-9
    assert moved.max() <= 255 + 1e-9
    assert np.abs(moved - pixels).mean() > 3  # it is moved


def test_one_step_without_a_random_start_is_fgsm() -> None:
    """x + eps sign(dL/dx), with the gradient by finite differences."""
    pixels, x, labels = colour_batch()
    net, attack = colour_net(), Adversarial(4.0, COLOUR, alpha=4.0, random_start=False)
    moved = as_pixels(attack.moved(net, x, labels, loss=LOSS, output="fc", rng=None))

    def loss_at(values: np.ndarray) -> float:
        return LOSS(net.predict(values, upto="fc"), labels)[0]

    gradient, h = np.zeros_like(x), 1e-5
    for place in np.ndindex(*x.shape):
        step = np.zeros_like(x)
        step[place] = h
        gradient[place] = (loss_at(x + step) - loss_at(x - step)) / (2 * h)
    clear = np.abs(gradient) > 1e-9
    np.testing.assert_allclose(moved[clear], np.clip(pixels + 4 * np.sign(gradient), 0, 255)[clear], atol=1e-9)


def test_the_start_is_not_cut_at_black() -> None:
    """Where a start is cut at black, a step of 1.25 eps ends at 0 or at eps; here much lies between."""
    x, attack = np.full((50, 1, 6, 6), -2.0), Adversarial(100.0, GREY)  # black
    moved = attack.moved(plane(), x, np.zeros(50, int), loss=LOSS, output="fc", rng=np.random.default_rng(0))
    pixels = moved * 50 + 100
    risen = pixels[pixels > 1e-6]
    between = risen < 100 - 1e-6  # from a start of -100 to -25, which are three eighths
    assert between.mean() == pytest.approx(3 / 8, abs=0.05)
    assert risen.min() > 25 - 1e-6


def test_on_a_linear_net_pgd_is_exact() -> None:
    """A right answer stands exactly where its margin is above eps * |w_y - w_other|_1, away from black and white."""
    rng, net = np.random.default_rng(3), plane()
    x = rng.uniform(-1, 1, (300, 1, 6, 6))  # pixels 50 to 150: eps of 5 reaches neither 0 nor 255
    scores = net.predict(x, upto="fc")
    labels = scores.argmax(axis=1)
    w = net.params["fc.weight"]
    margin = np.abs(scores[:, 0] - scores[:, 1])
    attack = Adversarial(5.0, GREY, trial_steps=20)
    right = attack.right_under_attack(
        net, x, labels, lambda z, numbers: z.argmax(axis=1) == labels[numbers], loss=LOSS, output="fc", rng=rng
    )
    bound = 5 / 50 * np.abs(w[0] - w[1]).sum()
    np.testing.assert_array_equal(right, margin > bound)
    assert 0.1 < right.mean() < 0.9


def test_restarts_only_find_more() -> None:
    _, x, labels = colour_batch()
    x, labels = np.tile(x, (8, 1, 1, 1)), np.tile(labels, 8)
    net = colour_net()
    labels = net.predict(x, upto="fc").argmax(axis=1)

    def share(restarts: int) -> np.ndarray:
        return Adversarial(25.0, COLOUR, trial_steps=1, trial_alpha=5.0, restarts=restarts).right_under_attack(
            net, x, labels, lambda z, numbers: z.argmax(axis=1) == labels[numbers],
            loss=LOSS, output="fc", rng=np.random.default_rng(0),
        )  # fmt: skip

    one, five = share(1), share(5)
    assert not (five & ~one).any()
    assert five.sum() < one.sum()


def bar_preprocessing() -> Preprocessing:
    """For `bars`, whose values are about -1 to 2: as if of pixels 0 to 255 with mean 85 and std 85."""
    return Preprocessing((6, 6), channels=1, mean=(85.0,), std=(85.0,))


def robust_share(net: Net, attack: Adversarial) -> float:
    x, labels = bars(300, seed=2)
    x = np.clip(x, -1, 2)
    return float(
        attack.right_under_attack(
            net, x, labels, lambda z, numbers: z.argmax(axis=1) == labels[numbers],
            loss=LOSS, output="fc", rng=np.random.default_rng(0),
        ).mean()
    )  # fmt: skip


def test_a_net_trained_on_attacked_pictures_stands_where_another_falls() -> None:
    attack = Adversarial(8.0, bar_preprocessing())
    images, labels = bars(400)
    settings = {"rng": np.random.default_rng(3), "epochs": 40, "optimizer": Adam(1e-2), "progress": False}
    data = np.clip(images, -1, 2), labels
    plain = fit(small_net(), *data, **settings)
    robust = fit(small_net(), *data, **{**settings, "rng": np.random.default_rng(3)}, adversarial=attack)
    assert accuracy(robust.net, *data) > 0.97
    assert robust_share(robust.net, attack) > robust_share(plain.net, attack) + 0.05  # measured: 0.94 against 0.83


def test_the_held_out_pictures_are_measured_under_attack() -> None:
    attack = Adversarial(40.0, bar_preprocessing())
    held_out = bars(100, seed=5)
    fitted = fit(
        small_net(), *bars(200), rng=np.random.default_rng(0), epochs=3, adversarial=attack, validation=held_out,
        optimizer=Adam(1e-2), progress=False,
    )  # fmt: skip
    last = fitted.history[-1]
    assert last.held_out_score is not None
    assert last.held_out_score < accuracy(fitted.last, *held_out)
    again = attack.attacked(fitted.last, [held_out], LOSS, "fc")
    ((moved, labels),) = again(None)  # type: ignore[operator]
    assert accuracy(fitted.last, moved, labels) == pytest.approx(last.held_out_score, abs=0.02)


def test_same_seed_same_bits_and_resumed_too(tmp_path: Path) -> None:
    attack = Adversarial(20.0, bar_preprocessing(), steps=2)
    place = tmp_path / "run.ckpt"

    def trained(epochs: int, seed: int = 3, **settings):
        return fit(
            net_with_everything(), *bars(60), rng=np.random.default_rng(seed), epochs=epochs, batch=20,
            adversarial=attack, progress=False, schedule=Triangle(1e-2, 12), **settings,
        ).last  # fmt: skip

    whole = trained(4)
    assert_same_bits(whole, trained(4))
    trained(2, checkpoint=place)
    assert_same_bits(whole, trained(4, checkpoint=place, resume=True))
    with pytest.raises(SettingError, match="adversarial"):
        fit(
            net_with_everything(), *bars(60), rng=np.random.default_rng(3), epochs=4, batch=20, progress=False,
            schedule=Triangle(1e-2, 12), checkpoint=place, resume=True, adversarial=replace(attack, eps=21.0),
        )  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"eps": 0}, "above 0"),
        ({"eps": -1}, "above 0"),
        ({"eps": 256}, "at most 255"),
        ({"eps": "8"}, "above 0"),
        ({"eps": float("nan")}, "above 0"),
        ({"eps": 0.3}, "76.5"),
        ({"alpha": 0}, "alpha"),
        ({"steps": 0}, "steps"),
        ({"restarts": 1.5}, "restarts"),
        ({"trial_alpha": -2}, "trial_alpha"),
        ({"preprocessing": Numbers((3,))}, "pictures"),
    ],
)
def test_settings_that_cannot_be_used(settings, words: str) -> None:
    with pytest.raises(SettingError, match=words):
        Adversarial(**{"eps": 8.0, "preprocessing": GREY, **settings})


def test_what_is_no_picture_is_refused() -> None:
    attack = Adversarial(8.0, COLOUR)
    with pytest.raises(ShapeError, match=r"\(N, 3, H, W\)"):
        fit(small_net(), *bars(20), rng=np.random.default_rng(0), epochs=1, adversarial=attack, progress=False)
    with pytest.raises(SettingError, match="adversarial"):
        fit(small_net(), *bars(20), rng=np.random.default_rng(0), epochs=1, adversarial=8.0, progress=False)  # type: ignore[arg-type]


def test_the_triangle_of_the_schedule() -> None:
    rate = Triangle(5e-3, 1000)
    assert [rate(step) for step in (0, 200, 400, 700, 1000, 2000)] == pytest.approx([0, 2.5e-3, 5e-3, 2.5e-3, 0, 0])
    assert [Triangle(1.0, 10, 0.0)(step) for step in (0, 5, 10)] == pytest.approx([1, 0.5, 0])
    assert [Triangle(1.0, 10, 1.0)(step) for step in (0, 5, 9)] == pytest.approx([0, 0.5, 0.9])
