"""Linear explanation: of a linear net the effect is eps times the L1 norm, of others the truth is told beside it."""

from __future__ import annotations

import base64
import dataclasses
import json
import re
import zlib

import numpy as np
import pytest

from minitorch_viz import Model, Net, load_model
from minitorch_viz.errors import SettingError
from minitorch_viz.layers import Conv2d, Flatten, Linear, ReLU, Sigmoid, Softmax
from minitorch_viz.models import Numbers
from minitorch_viz.models.samples import sample_digit, sample_images
from minitorch_viz.optimize.attacks import aim_at, last
from minitorch_viz.optimize.attacks.fgsm import Fgsm
from minitorch_viz.techniques.optimization._linear_explanation_growth import growth_of
from minitorch_viz.techniques.optimization._linear_explanation_ten import ten_numbers
from minitorch_viz.techniques.optimization._linear_explanation_words import share_words
from minitorch_viz.techniques.optimization.linear_explanation import LinearExplanation, linear_explanation
from tests.measured_figures import check

MEAN, STD = (120.0, 110.0, 100.0), (60.0, 50.0, 40.0)
SIDE = 64


def middle(rng: np.random.Generator, side: int = 6) -> np.ndarray:
    """A photo that no small step brings to black or white."""
    return rng.integers(60, 190, (side, side, 3)).astype(np.uint8)


def linear_net(rng: np.random.Generator, classes: int = 4, side: int = 6, dtype: type = np.float32) -> Model:
    """Weighted sums of the pixels of a picture in colour."""
    weight = rng.standard_normal((classes, 3 * side * side)) / (3 * side * side) ** 0.5
    layers = [("flat", Flatten()), ("fc", Linear(weight, rng.standard_normal(classes))), ("prob", Softmax())]
    return Model.from_net(Net(layers), side, mean=MEAN, std=STD).astype(dtype)


def deep_net(rng: np.random.Generator, dtype: type = np.float64) -> Model:
    """Two convolutions and a layer that reads all of them."""
    normal = lambda *shape: rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))
    layers = [
        ("conv", Conv2d(normal(8, 3, 3, 3), normal(8))), ("relu", ReLU()),
        ("conv2", Conv2d(normal(8, 8, 3, 3), normal(8))), ("relu2", ReLU()),
        ("flat", Flatten()), ("fc", Linear(normal(4, 32), normal(4))),
    ]  # fmt: skip
    return Model.from_net(Net(layers), 6, mean=MEAN, std=STD).astype(dtype)


def scores_of(model: Model, pixels: np.ndarray) -> np.ndarray:
    """The scores of a linear net by hand: of pixels (C, h, w), not rounded."""
    layer = model.net["fc"].layer
    x = (pixels - np.reshape(MEAN, (3, 1, 1))) / np.reshape(STD, (3, 1, 1))
    return layer.weight.astype(np.float64) @ x.ravel() + layer.bias


# ------------------------------------------------------------------ ten numbers


def test_ten_numbers_are_the_lectures() -> None:
    ten = ten_numbers()
    assert (ten.x @ ten.w, ten.moved @ ten.w) == (-3, 2) == tuple(ten.scores)
    np.testing.assert_allclose(ten.probabilities, [0.0474, 0.8808], atol=5e-5)
    np.testing.assert_array_equal(np.abs(ten.moved - ten.x), 0.5)
    np.testing.assert_array_equal(ten.products[1] - ten.products[0], 0.5)


# -------------------------------------------------------------------- linear nets


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("eps", [0.25, 3, 17])
def test_on_a_linear_net_the_effect_is_eps_times_the_l1_norm(rng: np.random.Generator, dtype: type, eps: float) -> None:
    """To 1e-6 of itself, against the net's own weights and a score by hand."""
    model, photo = linear_net(rng, dtype=dtype), middle(rng)
    result = linear_explanation(model, photo, target=2, eps=eps)
    first, weight = int(scores_of(model, photo.transpose(2, 0, 1)).argmax()), model.net["fc"].layer.weight
    difference = (weight[2].astype(np.float64) - weight[first]).reshape(3, 6, 6) / np.reshape(STD, (3, 1, 1))
    np.testing.assert_allclose(result.weights, difference, rtol=1e-6, atol=1e-12)
    by_hand = scores_of(model, photo.transpose(2, 0, 1) + eps * np.sign(difference)) @ [
        (k == 2) - (k == first) for k in range(4)
    ]
    assert result.along.values[result.at] == pytest.approx(by_hand, rel=1e-6)
    effect = result.along.values[result.at] - result.along.values[0]
    assert effect == pytest.approx(eps * np.abs(difference).sum(), rel=1e-6)
    assert effect == pytest.approx(eps * result.norm, rel=1e-6)
    assert result.effect.sum() == pytest.approx(effect, rel=1e-6)
    assert np.nanmax(np.abs(result.along.errors)) < 1e-9
    assert not result.along.clipped.any()
    assert result.is_linear
    np.testing.assert_array_equal(result.change, eps * np.sign(result.weights))


@pytest.mark.parametrize("name", ["digits_linear", "cifar10_linear", "faces"])
def test_what_the_bounds_cut_off_is_missing_and_told(name: str) -> None:
    """Where pixels are black or white already the effect is that of the change that is left, and the note says so."""
    model = load_model(name)
    _, image = sample_images(model)[0]
    result = linear_explanation(model, image, eps=40)
    pixels = result.x + np.reshape(model.preprocessing.mean, (-1, 1, 1))
    left = np.clip(pixels + 40 * np.sign(result.weights), 0, 255) - pixels
    np.testing.assert_allclose(result.change, left, atol=1e-9)
    effect = result.along.values[result.at] - result.along.values[0]
    assert effect == pytest.approx((result.weights * left).sum(), rel=1e-6)
    assert 0 < effect < 0.999 * 40 * result.norm
    share = 1 - effect / (40 * result.norm)
    assert f"{share_words(share)} of the effect was cut off" in " ".join(result.notes)
    assert result.along.clipped[result.at] == np.mean(np.abs(left - 40 * np.sign(result.weights)) > 1e-6)


def test_products_and_rest_are_the_value(rng: np.random.Generator) -> None:
    """Of a linear net the rest is the difference of the biases."""
    model = linear_net(rng)
    result = linear_explanation(model, middle(rng), target=1)
    bias = model.net["fc"].layer.bias
    first = model.class_index(result.label.split(" to ")[0])
    assert result.rest == pytest.approx(bias[1] - bias[first], rel=1e-5)
    assert result.products.sum() + result.rest == pytest.approx(result.value)


def test_the_least_step_is_the_closed_form(rng: np.random.Generator) -> None:
    """eps = need / L1 norm, a = need / (length of the photo x L2 norm): DeepFool's steps, to the 1 % of the search."""
    result = linear_explanation(linear_net(rng), middle(rng))
    assert result.turn == pytest.approx(-result.value / result.norm, rel=0.011)
    lengths = np.linalg.norm(result.x) * np.linalg.norm(result.weights)
    assert result.mix_turn == pytest.approx(-result.value / lengths, rel=0.011)
    assert result.eps == max(np.ceil(result.turn), 1)
    assert result.along.turned[result.at]


def test_cosines(rng: np.random.Generator) -> None:
    result = linear_explanation(linear_net(rng), middle(rng), eps=2)
    size = result.weights.size
    assert result.cosine == pytest.approx(result.norm / np.sqrt(size * (result.weights**2).sum()))
    assert 0.2 / np.sqrt(size) < result.random_cosine < 3 / np.sqrt(size)
    assert result.end_cosine == pytest.approx(1)


def mixed_answer(model: Model, result: LinearExplanation, template: np.ndarray, a: float) -> str:
    """What a net says of the photo with `a` of a template, in lengths of the photo, by hand."""
    mean, std = (np.reshape(values, (-1, 1, 1)) for values in (model.preprocessing.mean, model.preprocessing.std))
    template = template / std
    mixed = np.clip(result.x + mean + a * template * np.linalg.norm(result.x) / np.linalg.norm(template), 0, 255)
    answers = model.predict_answers(((mixed - mean) / std)[None].astype(model.dtype))[0]
    return model.class_names[answers.argmax()]


@pytest.mark.parametrize("target", ["cat", "horse"])
def test_a_frog_becomes_another_by_a_little_of_the_templates(target: str) -> None:
    """The cat of scikit-image is a frog for the linear net: x + a (w_other - w_frog)."""
    model = load_model("cifar10_linear")
    _, image = sample_images(model)[0]
    result = linear_explanation(model, image, target=target)
    assert result.label == f"frog to {target}"
    weight = model.net.params["logits.weight"]
    template = (weight[model.class_index(target)] - weight[model.class_index("frog")]).reshape(3, 32, 32)
    assert mixed_answer(model, result, template, 0.98 * result.mix_turn) != target
    assert mixed_answer(model, result, template, 1.005 * result.mix_turn) == target
    assert result.mix.says[result.mixed[1]].startswith(target)
    assert result.mix.lengths[result.mixed[1]] == result.mix_turn
    assert result.mix_turn < 0.25


def test_a_frog_of_cifar_10_becomes_a_ship(shared_data) -> None:
    """And where a third class gets ahead of both, that is told."""
    from minitorch_viz.data.cifar10 import load_cifar10

    model = load_model("cifar10_linear")
    _, test = load_cifar10(shared_data / "cifar10")
    weight = model.net.params["logits.weight"].reshape(10, 3, 32, 32)
    result = linear_explanation(model, test.images[102], target="ship")
    assert result.label == "frog to ship"
    assert result.mix_turn < 0.1
    for factor, is_ship in ((0.98, False), (1.005, True)):
        template = weight[model.class_index("ship")] - weight[model.class_index("frog")]
        assert (mixed_answer(model, result, template, factor * result.mix_turn) == "ship") == is_ship
    third = linear_explanation(model, test.images[29], target="ship")
    assert np.isnan(third.mix_turn)
    assert "a third class is ahead of both (automobile" in " ".join(third.notes)


def flowers_and_fish(rng: np.random.Generator) -> tuple[Model, np.ndarray]:
    """A user's own linear net on pictures of 64 x 64, fitted to generated ones, and a goldfish that it has not seen."""
    rows, columns = np.mgrid[:SIDE, :SIDE] / SIDE - 0.5
    colours = (240, 120, 20), (240, 240, 235), (90, 140, 60), (120, 120, 130)

    def picture(kind: int) -> np.ndarray:
        row, column, size = *rng.uniform(-0.35, 0.35, 2), rng.uniform(0.08, 0.3)
        far = np.hypot((rows - row) * (1.6 if kind == 0 else 1), columns - column)[..., None] / size
        image = np.where(far < 1, colours[kind], rng.uniform(20, 230, 3))
        if kind == 1:
            image = np.where(far < 0.35, (230, 190, 30), image)  # a daisy's yellow middle
        return np.clip(image + rng.normal(0, 25, image.shape), 0, 255).round().astype(np.uint8)

    kinds = np.arange(160) % 4
    x = ((np.stack([picture(kind) for kind in kinds]) - 120.0) / 60).transpose(0, 3, 1, 2).reshape(len(kinds), -1)
    wanted = 8 * (np.eye(4)[kinds] - 0.25)
    weight = x.T @ np.linalg.solve(x @ x.T + 1000 * np.eye(len(x)), wanted)  # ridge regression, in its dual form
    net = Net([("flat", Flatten()), ("fc", Linear(weight.T.astype(np.float32))), ("prob", Softmax())])
    model = Model.from_net(net, SIDE, class_names=["goldfish", "daisy", "leaf", "stone"], mean=120, std=60)
    fish = (picture(0) for _ in range(100))
    return model, next(image for image in fish if model.predict_answers(model.preprocess(image))[0, 0] > 0.9)


def test_a_goldfish_becomes_a_daisy_for_a_users_own_linear_net(rng: np.random.Generator, tmp_path) -> None:
    model, goldfish = flowers_and_fish(rng)
    assert model.classify(goldfish)[0].name == "goldfish"
    result = linear_explanation(model, goldfish, target="daisy")
    assert model.classify(result.changed)[0].name == "daisy"
    assert np.abs(result.changed.astype(int) - result.picture).max() <= result.eps <= 8
    assert result.mix_turn < 0.1
    saved = linear_explanation(model.save(tmp_path / "own.safetensors") and model, goldfish, target="daisy")
    np.testing.assert_array_equal(saved.weights, result.weights)


def test_it_is_the_one_step_of_the_attack_of_that_name(rng: np.random.Generator) -> None:
    """Fgsm on the margin, written for itself: the same pixels, on a linear net and on a deep one."""
    for model in (linear_net(rng, dtype=np.float64), deep_net(rng)):
        photo = middle(rng)
        scores = model.predict_answers(model.preprocess(photo))[0]
        target = int(np.argsort(scores)[-2])
        result = linear_explanation(model, photo, target=target, eps=3)
        aim, pixels = aim_at(model, model.preprocess(photo), targets=target)
        attempt = last(Fgsm(eps=3, loss="margin").attempts(aim, pixels))
        np.testing.assert_allclose(attempt.pixels[0] - pixels[0], result.change, atol=1e-9)


# ---------------------------------------------------------------------- deep nets


def test_the_gradient_in_grey_levels_is_that_of_finite_differences(rng: np.random.Generator) -> None:
    """Preprocessing and margin of two scores included: along random directions, to 1e-7."""
    model = deep_net(rng)
    photo = middle(rng)
    result = linear_explanation(
        model, photo, target=int(np.argsort(model.predict_answers(model.preprocess(photo))[0])[0])
    )
    seeds = np.zeros(4)
    first, last = (model.class_index(name) for name in result.label.split(" to "))
    seeds[[last, first]] = 1, -1
    for _ in range(5):
        direction = rng.standard_normal((3, 6, 6))
        up, down = (
            model.net.predict(
                (photo.transpose(2, 0, 1) + sign * 1e-4 * direction - np.reshape(MEAN, (3, 1, 1)))[None]
                / np.reshape(STD, (3, 1, 1)),
                upto="fc",
            )[0]
            @ seeds
            for sign in (1, -1)
        )
        slope = (result.weights * direction).sum()
        assert slope == pytest.approx((up - down) / 2e-4, rel=1e-7, abs=1e-9 * np.abs(result.weights * direction).sum())


def test_as_long_as_no_relu_switches_the_line_is_the_truth(rng: np.random.Generator) -> None:
    """A net of ReLUs is linear in pieces: the error begins with the first gate, and not before it."""
    result = linear_explanation(deep_net(rng), middle(rng), eps=6)
    walk = result.along
    same = walk.switched == 0
    assert same.sum() > 2
    assert not same.all()
    assert np.nanmax(np.abs(walk.errors[same])) < 1e-9
    assert np.abs(walk.errors[~same]).max() > 1e-4
    assert 0.3 < result.end_cosine < 1


def test_what_is_told_of_the_changed_photo_is_what_the_net_says_of_it() -> None:
    """With a whole eps the picture that is drawn, given to the net as a photo, has the answer in the title."""
    for name in ("mnist", "cifar10", "scenes"):
        model = load_model(name)
        _, image = sample_images(model)[0]
        result = linear_explanation(model, image)
        assert float(result.eps).is_integer()
        answer = model.classify(result.changed, top=1)[0]
        words = f"{answer.name} ({answer.probability:.2f})"
        if model.preprocessing.channels == 3:  # a grey picture was never whole
            assert result.along.says[result.at] == words
        assert answer.name == result.goal
        assert result.survives
        assert np.abs(result.change).max() <= result.eps + 1e-9


def test_no_step_and_no_mix_leaves_0_to_255() -> None:
    result = linear_explanation(load_model("cifar10_linear"), np.full((32, 32, 3), 253, np.uint8), eps=60)
    pixels = result.x + result.change + np.reshape(load_model("cifar10_linear").preprocessing.mean, (3, 1, 1))
    assert pixels.min() >= 0
    assert pixels.max() <= 255 + 1e-9


# ---------------------------------------------------------------------- dimension


def test_growth_is_linear_along_the_signs_and_a_square_root_by_chance(rng: np.random.Generator) -> None:
    weights = rng.standard_normal((3, 50, 50))
    growth = growth_of(weights, 2.0, rng)
    assert growth.sizes[-1] == weights.size
    np.testing.assert_allclose(growth.along[-1], 2 * np.abs(weights).sum())
    slopes = [
        np.polyfit(np.log(growth.sizes), np.log(values), 1)[0]
        for values in (growth.along.mean(axis=1), np.sqrt((growth.random**2).mean(axis=1)))
    ]
    assert slopes == pytest.approx([1, 0.5], abs=0.05)
    assert growth.line(2.0)[-1] == pytest.approx(2 * np.abs(weights).sum())
    np.testing.assert_allclose(np.sqrt((growth.random**2).mean(axis=1)), growth.curve(2.0), rtol=0.35)


# ------------------------------------------------------------------ other answers


def test_a_row_of_numbers_is_moved_in_its_own_units() -> None:
    """The lecture's ten numbers through the net themselves: a net of one score, yes or no."""
    ten = ten_numbers()
    net = Net([("fc", Linear(ten.w[None])), ("prob", Sigmoid())])
    model = Model.from_net(net, readers=Numbers(10, mean=1, std=2), class_names=["yes"])
    row = 2 * ten.x + 1
    result = linear_explanation(model, row, eps=1)
    assert result.label == "not yes to yes"
    assert result.along.values[[0, result.at]].tolist() == [-3, 2]
    assert result.norm == 5
    assert result.along.says[result.at] == "yes (0.88)"
    assert result.turn == pytest.approx(0.6, rel=0.011)
    assert not result.is_grey
    check(result.figure())
    back = linear_explanation(model, row + 2 * np.sign(ten.w), eps=1)
    assert back.label == "yes to not yes"
    assert back.along.values[0] == -7


def test_labels_are_switched_on_and_off(rng: np.random.Generator) -> None:
    weight = rng.standard_normal((3, 108)) / 10
    net = Net([("flat", Flatten()), ("fc", Linear(weight, np.array([-9.0, 9, 0.1]))), ("prob", Sigmoid())])
    model = Model.from_net(net, 6, class_names=["cat", "dog", "tree"], mean=MEAN, std=STD)
    photo = middle(rng)
    on = linear_explanation(model, photo, target="cat")
    off = linear_explanation(model, photo, target="not dog")
    assert (on.label, off.label) == ("not cat to cat", "dog to not dog")
    assert on.turn > linear_explanation(model, photo).turn
    with pytest.raises(SettingError, match="already; target='not dog' asks for the opposite"):
        linear_explanation(model, photo, target="dog")


def test_plain_numbers_have_no_answer_that_turns(rng: np.random.Generator) -> None:
    net = Net([("fc", Linear(rng.standard_normal((1, 6))))])
    model = Model.from_net(net, readers=Numbers(6), scores="numbers", class_names=["price"])
    result = linear_explanation(model, rng.standard_normal(6))
    assert np.isnan([result.turn, result.border]).all()
    assert result.eps == 0.1
    assert "no answer that could turn" in " ".join(result.notes)
    check(result.figure())


def test_a_net_without_a_slope_says_so(rng: np.random.Generator) -> None:
    net = Net([("flat", Flatten()), ("fc", Linear(np.zeros((2, 108)), np.array([0.0, 1])))])
    result = linear_explanation(Model.from_net(net, 6), middle(rng))
    assert "is 0 everywhere" in " ".join(result.notes)
    assert not result.change.any()
    check(result.figure())


def test_nan_weights_are_told(rng: np.random.Generator) -> None:
    model = linear_net(rng)
    broken = {name: np.full_like(value, np.nan) for name, value in model.net.params.items()}
    with pytest.raises(SettingError, match=r"no straight line.*fc\.weight holds NaN"):
        linear_explanation(dataclasses.replace(model, net=model.net.with_params(broken)), middle(rng))


# -------------------------------------------------------------------------- page


def page_data(result: LinearExplanation) -> dict:
    """What the page's script is given."""
    text = re.search(r'<script type="application/json" id="data">(.*?)</script>', result.html(), re.DOTALL)
    assert text is not None
    return json.loads(text[1])


def unpacked(packed: dict, shape: tuple[int, ...]) -> np.ndarray:
    raw = np.frombuffer(zlib.decompress(base64.b64decode(packed["zlib"])), packed["kind"])
    return packed["scale"] * raw.reshape(shape).astype(float)


def test_the_page_holds_what_its_sliders_need(tmp_path) -> None:
    """Photo and directions give the changed photo again, and the answers are those of the net."""
    model = load_model("cifar10_linear")
    _, image = sample_images(model)[0]
    result = linear_explanation(model, image)
    data = page_data(result)
    photo = result.picture.transpose(2, 0, 1).astype(float)
    along, chance, mix = data["ways"]
    moved = np.clip(photo + result.eps * unpacked(along, photo.shape), 0, 255)
    np.testing.assert_array_equal(moved.transpose(1, 2, 0), result.changed)
    np.testing.assert_array_equal(unpacked(chance, photo.shape), result.noise)
    mixed = np.clip(photo + mix["lengths"][result.mixed[2]] * unpacked({**data["weights"], **mix}, photo.shape), 0, 255)
    np.testing.assert_allclose(mixed.transpose(1, 2, 0), result.mixes[2], atol=0.51)
    assert along["lengths"][data["at"]] == result.eps
    assert tuple(along["says"]) == result.along.says
    assert data["ten"]["x"] == result.ten.x.tolist()
    page = result.html()
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    assert result.save(tmp_path / "page.html").read_text(encoding="utf-8") == page


def test_the_page_of_a_row_has_no_pictures(rng: np.random.Generator) -> None:
    net = Net([("fc", Linear(rng.standard_normal((2, 6))))])
    result = linear_explanation(Model.from_net(net, readers=Numbers(6)), rng.standard_normal(6))
    assert page_data(result)["photo"] is None
    assert '<canvas id="photo"' not in result.html()


# ---------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"eps": 0}, "above 0, but got 0"),
        ({"eps": -3}, "above 0, but got -3"),
        ({"eps": float("nan")}, "got nan"),
        ({"eps": True}, "got True"),
        ({"eps": "8"}, "got '8'"),
        ({"eps": 900}, "As an L2 norm .* 112 a number"),
        ({"target": "3"}, "answer is '3' already"),
        ({"target": "not 3"}, "exclude one another"),
        ({"target": "eleven"}, "eleven"),
        ({"part": "pictures"}, "near parts: picture"),
        ({"seed": -1}, "seed .*-1"),
    ],
)
def test_bad_settings(settings: dict[str, object], words: str) -> None:
    with pytest.raises(SettingError, match=words):
        linear_explanation(load_model("digits_linear"), sample_digit(3), **settings)


def test_an_eps_that_no_picture_file_can_hold_is_told() -> None:
    model = load_model("cifar10_linear")
    _, image = sample_images(model)[0]
    assert "would be 7.65" in " ".join(linear_explanation(model, image, eps=0.03).notes)
    assert "the answer is frog (0.28); at 4.34 it turns" in " ".join(linear_explanation(model, image, eps=2).notes)


def test_another_seed_draws_other_signs_and_nothing_else() -> None:
    first, second = (linear_explanation(load_model("digits_linear"), sample_digit(), seed=seed) for seed in (0, 1))
    np.testing.assert_array_equal(first.change, second.change)
    np.testing.assert_array_equal(first.along.values, second.along.values)
    assert not np.array_equal(first.noise, second.noise)
    assert not np.array_equal(first.growth.random, second.growth.random)


@pytest.mark.parametrize("part", ["ten", "dimension", "picture", "mix"])
def test_each_part_is_a_figure_of_its_own(part: str) -> None:
    result = linear_explanation(load_model("digits_linear"), sample_digit(), part=part)
    check(result.figure())
    assert result.figure().get_size_inches()[1] < 12


def test_a_row_has_no_mix(rng: np.random.Generator) -> None:
    net = Net([("fc", Linear(rng.standard_normal((2, 6))))])
    with pytest.raises(SettingError, match="a row is none"):
        linear_explanation(Model.from_net(net, readers=Numbers(6)), rng.standard_normal(6), part="mix").figure()
