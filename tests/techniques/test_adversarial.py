"""Adversarial: the table against attacks by hand, signs of masked gradients on planted nets, transfer, views, words."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from minitorch_viz import Model, Net, load_model
from minitorch_viz.cli import main
from minitorch_viz.data import load_digits
from minitorch_viz.errors import SettingError
from minitorch_viz.io.images import save_png
from minitorch_viz.layers import Conv2d, Flatten, Linear, ReLU
from minitorch_viz.models.samples import sample_digit
from minitorch_viz.optimize.attacks import aim_at, get_attack, get_loss, last
from minitorch_viz.optimize.presets import get_preset
from minitorch_viz.techniques import get_technique
from minitorch_viz.techniques.optimization._adversarial_ladder import FGSM, PGD
from minitorch_viz.techniques.optimization._adversarial_nets import shown_to
from minitorch_viz.techniques.optimization._adversarial_views import CORNERS, AimOfViews
from minitorch_viz.techniques.optimization._adversarial_words import masking, verdicts
from minitorch_viz.techniques.optimization.adversarial import Attacked, adversarial

QUICK = {"count": 12, "steps": 4, "restarts": 2, "shift": 0, "climbs": 0}


def linear_model(scale: float = 1.0, names: tuple[str, ...] = ("a", "b", "c"), order=(0, 1, 2)) -> Model:
    """A linear net on grey 6 x 6 pictures; `order` is that of its classes."""
    rng = np.random.default_rng(0)
    weight = (scale * rng.standard_normal((3, 36)))[list(order)]
    net = Net([("flat", Flatten()), ("fc", Linear(weight, np.zeros(3)))]).astype(np.float64)
    return Model.from_net(net, (1, 6, 6), class_names=[names[number] for number in order], name=f"linear {scale:g}")


def pictures(count: int = 12) -> list[np.ndarray]:
    return list(np.random.default_rng(1).integers(0, 256, (count, 6, 6)).astype(np.uint8))


@pytest.fixture(scope="module")
def result() -> Attacked:
    return adversarial(load_model("digits"), sample_digit(), pictures="digits", **{**QUICK, "shift": 1, "climbs": 6})


def test_each_rung_is_the_attack_itself(result: Attacked) -> None:
    model, data = load_model("digits"), load_digits()[1]
    numbers = np.unique(np.linspace(0, len(data) - 1, 12).round().astype(int))
    x = np.concatenate([model.read(image) for image in [sample_digit(), *data.images[numbers]]])
    aim, pixels = aim_at(model, x)
    labels = np.array([aim.labels[0], *data.labels[numbers]])
    aim = dataclasses.replace(aim, labels=labels)
    np.testing.assert_array_equal(result.counted, [False, *[True] * 12])
    for rung, attack in ((FGSM, get_attack("fgsm")(eps=76.5)), (PGD, get_attack("pgd")(eps=76.5, steps=4))):
        attempt = last(attack.attempts(aim, pixels, seed=0))
        np.testing.assert_array_equal(result.standing[0, rung], ~attempt.fooled)
    np.testing.assert_array_equal(result.standing[0, 0], model.predict_answers(x).argmax(axis=1) == labels)
    assert result.is_truth == (True, True)


def test_no_picture_leaves_0_to_255_or_eps(result: Attacked) -> None:
    for photos, changed in zip(result.photos, result.changed, strict=True):
        assert changed.shape == photos.shape
        assert np.abs(changed.astype(float) - photos).max() <= np.ceil(result.eps)
    assert (result.sizes[:, 1] <= np.ceil(result.eps)).all()


def test_worst_is_below_every_attack_and_without_a_limit_nothing_stands(result: Attacked) -> None:
    assert (result.worst[:, None] <= result.right[:, :-1]).all()
    assert (result.right[:2, -1] == 0).all()
    assert not masking(result)


def test_a_net_in_another_order_of_classes_gives_the_same_table() -> None:
    """Labels go by names, not by numbers."""
    from minitorch_viz.data.dataset import Dataset

    images = np.stack(pictures())
    one, other = linear_model(), dataclasses.replace(linear_model(order=(2, 0, 1)), name="other")
    answers = np.concatenate([one.predict_answers(one.read(image)) for image in images]).argmax(axis=1)
    data = Dataset(images, answers, one.class_names, "noise")
    table = adversarial(one, images[0], nets=[other], pictures=data, eps=20.0, **QUICK)
    np.testing.assert_array_equal(table.standing[0], table.standing[1])
    assert table.right[0, 0] == 1
    np.testing.assert_array_equal(table.transfer[0], table.transfer[1])  # each is the other's twin
    assert table.transfer[0, 0] == pytest.approx(1 - table.right[0, PGD])


def test_what_a_linear_net_stands_is_known() -> None:
    """FGSM's and PGD's worst on a linear net is the corner: of two scores z_y - z_k falls by eps * |w_y - w_k|_1."""
    model, images = linear_model(), [np.full((6, 6), 128, np.uint8) + rng for rng in np.arange(0, 100, 10, np.uint8)]
    images = [np.clip(image + np.random.default_rng(k).integers(-40, 40, (6, 6)), 30, 225).astype(np.uint8)
              for k, image in enumerate(images)]  # fmt: skip
    table = adversarial(model, images[0], nets="none", pictures=images, eps=5.0, **QUICK)
    w = model.net.params["fc.weight"] / 255
    for image, standing in zip(images, table.standing[0, 3, 1:], strict=True):
        z = w @ image.ravel()
        label = int(z.argmax())
        margins = [z[label] - z[k] - 5 * np.abs(w[label] - w[k]).sum() for k in range(3) if k != label]
        assert standing == (min(margins) > 0)


def test_a_net_whose_scores_are_too_large_is_found_out() -> None:
    """Scores times 1000: the softmax is 1 to the last bit, its gradient is 0, and FGSM and PGD fool nothing."""
    images = pictures(40)
    loud = adversarial(linear_model(3e4), images[0], nets="none", pictures=images, eps=60.0, **{**QUICK, "count": 40})
    quiet = adversarial(linear_model(), images[0], nets="none", pictures=images, eps=60.0, **{**QUICK, "count": 40})
    assert loud.silent[0].mean() > 0.9
    assert loud.right[0, FGSM] > 0.9 > 0.5 > quiet.right[0, FGSM]
    (words,) = masking(loud)
    assert words.startswith("Signs of masked gradients in linear 30000: the gradient of its cross-entropy is exactly 0")
    assert "PGD without a limit leaves" in words
    assert "differences of scores, which do not saturate" in words  # that loss finds what is there
    assert loud.worst[0] == quiet.worst[0]
    assert not quiet.silent.any()
    assert not masking(quiet)


def with_standing(result: Attacked, **counts: float) -> Attacked:
    """The result as if so many of its pictures had been right after an attack; the first ones are."""
    standing = np.ones((1, len(result.attacks), 100))
    names = ["none", "noise", "fgsm", "pgd", "apgd", "restarts", "free"]
    for name, count in {"free": 0, **counts}.items():
        standing[0, names.index(name), int(count) :] = 0
    return dataclasses.replace(
        result, nets=("net",), rows=("net",), row_nets=(0,), standing=standing, counted=np.ones(100, bool),
        silent=np.zeros((1, 100)), transfer=np.array([[0.5], [0.1]]), judged=np.full((2, 1), 100), is_truth=(True,),
    )  # fmt: skip


def test_one_step_that_finds_more_than_many_is_a_sign(result: Attacked) -> None:
    healthy = {"noise": 95, "fgsm": 60, "pgd": 40, "apgd": 38, "restarts": 36}
    assert not masking(with_standing(result, **healthy))
    (words,) = masking(with_standing(result, **{**healthy, "pgd": 80, "apgd": 80, "restarts": 80}))
    assert "FGSM fells 20 pictures that PGD does not" in words
    assert not masking(with_standing(result, **{**healthy, "pgd": 61, "apgd": 61, "restarts": 61}))  # chance
    (words,) = masking(with_standing(result, **{**healthy, "noise": 30}))
    assert "noise fells 30 pictures that FGSM does not" in words
    (words,) = masking(with_standing(result, **healthy, free=7))
    assert "leaves 7 of 100 right" in words


def test_anothers_pictures_that_fool_more_are_a_sign(result: Attacked) -> None:
    two = dataclasses.replace(
        with_standing(result, noise=95, fgsm=60, pgd=50, apgd=50, restarts=50),
        nets=("net", "other"), transfer=np.array([[0.2], [0.7], [0.05]]), judged=np.full((3, 1), 100),
    )  # fmt: skip
    (words,) = masking(two)
    assert "pictures made for other fool it in 70%, its own in 20%" in words


def test_what_a_defence_costs_and_buys_is_said(result: Attacked) -> None:
    two = with_standing(result, none=100, noise=99, fgsm=10, pgd=0, apgd=0, restarts=0)
    standing = np.concatenate([two.standing, two.standing])
    standing[1, :-1] = np.arange(100) < 85
    standing[1, 0] = np.arange(100) < 97
    words = verdicts(
        dataclasses.replace(two, nets=("plain", "robust"), rows=("plain", "robust"), row_nets=(0, 1), standing=standing)
    )
    assert "plain 100% to 0%; robust 97% to 85%" in words[0]
    assert words[1] == (
        "robust stands 85% of the pictures more than plain does, at the price of 3% of right answers without an attack."
    )


# ------------------------------------------------------------------ views


def conv_model() -> Model:
    rng = np.random.default_rng(3)
    nodes = [("conv", Conv2d.random(rng, 3, 4, 3)), ("relu", ReLU()), ("flat", Flatten())]
    return Model.from_net(Net([*nodes, ("fc", Linear.random(rng, 4 * 20, 3))]).astype(np.float64), (3, 6, 7))


def test_views_have_the_gradient_of_their_mean() -> None:
    model = conv_model()
    rng = np.random.default_rng(4)
    aim, pixels = aim_at(model, rng.random((2, 3, 6, 7)))
    views = AimOfViews(aim.model, aim.labels, None, aim.box, shift=2)
    mean = np.mean([aim.logits(views.shifted(pixels, *corner)) for corner in CORNERS], axis=0)
    np.testing.assert_allclose(views.logits(pixels), mean, rtol=1e-12)
    values, gradient, _ = views.loss_and_gradient(pixels, get_loss("ce"))
    for place in [(0, 0, 0, 0), (0, 2, 5, 6), (1, 1, 3, 0), (1, 0, 2, 3)]:
        step = np.zeros_like(pixels)
        step[place] = 1e-3
        up, down = (views.loss(views.logits(pixels + sign * step), get_loss("ce"))[0] for sign in (1, -1))
        assert gradient[place] == pytest.approx((up - down)[place[0]] / 2e-3, rel=1e-5, abs=1e-10)
    assert values.shape == (2,)


def test_shifting_back_is_the_adjoint() -> None:
    rng = np.random.default_rng(5)
    aim, _ = aim_at(conv_model(), rng.random((2, 3, 6, 7)))
    views = AimOfViews(aim.model, aim.labels, None, aim.box, shift=2)
    x, y = rng.standard_normal((2, 2, 3, 6, 7))
    for corner in CORNERS:
        assert (views.shifted(x, *corner) * y).sum() == pytest.approx((x * views.shifted_back(y, *corner)).sum())
    moved = views.shifted(x, 1, -1)
    np.testing.assert_array_equal(moved[:, :, 2:, :5], x[:, :, :4, 2:])
    np.testing.assert_array_equal(moved[:, :, 0], moved[:, :, 2])  # the border is repeated


# ------------------------------------------------------------------ nets of other kinds


def test_a_picture_goes_to_another_size_and_other_channels() -> None:
    grey, colour = linear_model(), conv_model()
    pixels = np.random.default_rng(6).uniform(0, 255, (2, 3, 6, 7))
    assert shown_to(grey, pixels).shape == (2, 1, 6, 6)
    assert shown_to(colour, np.full((1, 1, 9, 9), 7.0)).shape == (1, 3, 6, 7)
    np.testing.assert_allclose(shown_to(colour, np.full((1, 1, 9, 9), 7.0)), 7)
    assert shown_to(colour, pixels) is pixels
    flat = np.broadcast_to(np.array([10.0, 20.0, 30.0]).reshape(1, 3, 1, 1), (1, 3, 6, 6))
    np.testing.assert_allclose(shown_to(grey, flat), 10 * 0.299 + 20 * 0.587 + 30 * 0.114)


def test_nets_without_a_common_class_keep_their_own_answers() -> None:
    table = adversarial(load_model("digits"), sample_digit(), nets=[conv_model()], pictures="digits", **QUICK)
    assert table.is_truth == (True, False)
    assert any("right is what net says of the picture as it is" in note for note in table.notes)
    assert table.right[1, 0] == 1  # its own answers are right by name
    assert np.isfinite(table.transfer).all()


def test_photos_alone_are_counted_where_there_is_no_data() -> None:
    table = adversarial(conv_model(), [image[:, :, None].repeat(3, 2) for image in pictures(3)], **QUICK)
    assert table.counted.tolist() == [True] * 3
    assert table.nets == ("net",)
    assert any("few for shares" in note for note in table.notes)
    assert table.transfer.shape == (2, 1)


# ------------------------------------------------------------------ class models, state, command line


def test_class_models_have_no_regularizer_and_begin_alike(result: Attacked) -> None:
    from minitorch_viz.techniques.optimization._adversarial_run import class_pictures

    assert [made.shape for made in result.models] == [(10, 8, 8, 1)] * 2
    model = load_model("digits")
    pixels, shares = class_pictures(model, [3], 6, 0)
    np.testing.assert_array_equal(pixels[0], result.models[0][3])
    assert shares[0] == pytest.approx(result.probabilities[0][3])
    assert get_preset("none").stages[0].after[0].__class__.__name__ == "Clipped"  # and nothing else is done to it
    assert len(get_preset("none").stages[0].after) == 1


def test_a_state_of_other_nets_is_refused() -> None:
    model, image = load_model("digits"), sample_digit()
    first = next(adversarial.each(model, image, nets="digits_linear", pictures="digits", **QUICK))
    with pytest.raises(SettingError, match="other nets"):
        next(adversarial.each(model, image, nets="none", pictures="digits", **QUICK, state=first.state))


def test_several_nets_after_model(tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    save_png(sample_digit(), "three.png")
    words = ["--count", "5", "--steps", "2", "--restarts", "1", "--shift", "0", "--climbs", "2", "--out", "table.json"]
    assert main(["adversarial", "three.png", "--model", "digits", "digits_linear", *words]) == 0
    assert '"nets": ["digits", "digits_linear"]' in Path("table.json").read_text()
    assert main(["adversarial", "--model", "digits,digits_linear", *words]) == 0
    assert main(["adversarial", "--model", "digits", "--nets", "none", *words]) == 0
    assert '"nets": ["digits"]' in Path("table.json").read_text()
    capsys.readouterr()
    for nets, sentence in (
        (["digits", "three.png"], "three.png is a picture and no net; name photos before --model."),
        (["digits", "digits_liner"], "There is no model 'digits_liner'"),
        (["digits", "digits"], "digits is named twice"),
        (["digits", "digits_autoencoder"], "adversarial does not apply to digits_autoencoder"),
    ):
        assert main(["adversarial", "--model", *nets, *words]) != 0
        assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"eps": -1}, "at least 0.*-1"),
        ({"eps": 0}, "above 0"),
        ({"eps": 256}, "at most 255"),
        ({"eps": 0.3}, "76.5"),
        ({"eps": "8"}, "must be a number"),
        ({"count": 0}, "count .*0"),
        ({"steps": 0}, "steps .*0"),
        ({"restarts": 1.5}, "restarts .*1.5"),
        ({"shift": 8}, "shift .*8"),
        ({"shift": -1}, "shift .*-1"),
        ({"climbs": -1}, "climbs .*-1"),
        ({"seed": -1}, "seed .*-1"),
        ({"target": "elephant"}, "elephant"),
        ({"nets": "digit"}, "near models: digits"),
        ({"nets": [3]}, "names with commas between, or Models"),
        ({"nets": "mnist,scenes,digits_linear,faces,cifar10,allcnn"}, "At most 6"),
    ],
)
def test_bad_settings(settings, message) -> None:
    with pytest.raises(SettingError, match=message):
        next(adversarial.each(load_model("digits"), sample_digit(), **{**QUICK, **settings}))


def test_it_refuses_a_net_of_numbers() -> None:
    technique = get_technique("adversarial")
    assert technique.refuses(load_model("digits_autoencoder"))
    assert technique.refuses(load_model("mnist")) is None


# ------------------------------------------------------------------ the robust net


def test_the_robust_net_stands_what_fells_the_plain_one(shared_data: Path) -> None:
    settings = {**QUICK, "count": 20, "steps": 10}
    digits = shared_data / "mnist"
    table = adversarial(load_model("mnist_robust"), sample_digit(), nets="mnist", pictures=digits, **settings)
    assert table.nets == ("mnist_robust", "mnist")
    assert table.worst[1] <= 0.05
    assert table.worst[0] >= 0.7
    assert not masking(table)
