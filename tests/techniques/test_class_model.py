"""Class models: what is climbed is named, rises, and stands beside natural pictures; settings that do not fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from minitorch_viz import Model, load_model
from minitorch_viz.cli import main
from minitorch_viz.data import load_digits
from minitorch_viz.errors import MinitorchVizError, SettingError
from minitorch_viz.optimize import memory
from minitorch_viz.techniques.optimization import class_model as module
from minitorch_viz.techniques.optimization._transparency import GREY, laid_over, opacity
from minitorch_viz.techniques.optimization.class_model import ClassModels, class_model
from tests.answer_nets import u_net
from tests.gallery.optimized_page import twenty

DIGITS = load_model("digits")
TEST = load_digits()[1]


@pytest.fixture(scope="module")
def pair() -> ClassModels:
    """A three and an eight, each from two starts."""
    return class_model(DIGITS, target="3,8", starts=2, steps=24, pictures=TEST[:80])


def test_each_class_rises_from_each_start(pair: ClassModels) -> None:
    assert pair.pixels.shape == (4, 8, 8, 1)
    assert pair.pixels.dtype == np.uint8
    assert [label.split()[1] for label in pair.labels] == ['"3"', '"3"', '"8"', '"8"']
    assert (pair.after > pair.before + 1).all()
    assert (pair.pixels[0] != pair.pixels[1]).any()
    x = np.concatenate([DIGITS.preprocess(picture.repeat(3, axis=2)) for picture in pair.pixels])
    scores = DIGITS.net.predict(x, upto=DIGITS.logits)
    np.testing.assert_allclose(pair.after, scores[range(4), [3, 3, 8, 8]], rtol=1e-4)
    np.testing.assert_allclose(pair.probabilities, DIGITS.predict_answers(x)[range(4), [3, 3, 8, 8]], rtol=1e-4)


def test_natural_pictures_beside_are_those_with_the_highest_scores(pair: ClassModels) -> None:
    scores = DIGITS.net.predict(np.concatenate([DIGITS.preprocess(image) for image in TEST[:80].images]), upto="logits")
    for row, number in zip(pair.natural, (3, 8), strict=True):
        best = np.argsort(-scores[:, number], kind="stable")[:5]
        assert [patch.number for patch in row] == best.tolist()
        np.testing.assert_allclose([patch.value for patch in row], scores[best, number], rtol=1e-4)
        np.testing.assert_array_equal(
            row[0].crop[..., 0], DIGITS.restore(DIGITS.preprocess(TEST.images[best[0]]))[..., 0]
        )
    assert pair.looked_at == 80


def test_transparency_is_a_share_and_the_frame_is_large(pair: ClassModels) -> None:
    assert pair.transparency.shape == (4, 8, 8)
    assert pair.transparency.min() >= 0
    assert pair.transparency.max() == 1
    assert pair.frame.shape == (256, 256, 3)
    assert pair.frame.dtype == np.uint8


@pytest.mark.parametrize("over", ["checks", "grey"])
def test_pixels_that_mattered_little_are_clear(pair: ClassModels, over: str) -> None:
    clear = replace(pair, over=over)
    alpha = opacity(pair.transparency)
    assert alpha.min() < 128
    assert (alpha == 255).mean() == pytest.approx(0.2, abs=0.02)  # the fifth that mattered most
    colours = pair.pixels.repeat(3, axis=3)
    np.testing.assert_array_equal(clear.shown[alpha == 255], colours[alpha == 255])
    np.testing.assert_array_equal(laid_over(pair.pixels, np.eye(8)[None].repeat(4, axis=0), "grey")[:, 0, 1], GREY)
    assert (clear.shown[alpha < 128] != colours[alpha < 128]).any()
    assert clear.cutout is not None
    np.testing.assert_array_equal(clear.cutout[..., :3], pair.frame)  # the picture itself, and how clear it is
    np.testing.assert_array_equal(clear.cutout[::16, ::16, 3][:8, :8], alpha[0])
    assert f"{over} showing through" in clear.caption
    assert pair.cutout is None


def test_a_clear_picture_is_written_with_its_transparency(tmp_path, monkeypatch) -> None:
    from PIL import Image

    monkeypatch.chdir(tmp_path)
    asked = ["class-model", "--model", "digits", "--target", "3", "--steps", "4", "--over", "grey"]
    assert main([*asked, "--frame", "three.png"]) == 0
    picture = Image.open("three.png")
    assert picture.mode == "RGBA"
    assert np.ptp(np.asarray(picture)[..., 3]) > 100


def test_all_of_ten_classes_and_one_of_many() -> None:
    assert len(class_model(DIGITS, steps=2).labels) == 10
    scenes = class_model(load_model("scenes"), steps=2, pictures="scenes:4")
    assert scenes.labels == ('class "circle" (0)',)
    assert "No class was named, and 22 are too many: this is 'circle'." in scenes.notes


def test_a_difference_and_the_probability() -> None:
    difference = class_model(DIGITS, target=3, minus="5", steps=20)
    assert difference.labels == ('1 x class "3" (3) - 1 x class "5" (5)',)
    assert difference.after[0] > difference.before[0]
    assert np.isnan(difference.probabilities[0])
    probable = class_model(DIGITS, target=3, after_softmax=True, steps=20)
    np.testing.assert_allclose(np.log(probable.probabilities), probable.after, rtol=1e-4, atol=1e-5)
    assert "the logarithm of the probability" in probable.caption


def test_nets_without_maps_are_not_jittered() -> None:
    """A blurred face stays a face: the score rises all the same."""
    faces = class_model(load_model("faces"), target=0)
    assert faces.method.name == "mahendran"
    assert faces.after[0] > faces.before[0] + 1
    assert "In 80 steps" in faces.method.differs
    assert class_model(DIGITS, target=3, steps=1).method.name == "mahendran"  # tiny pictures
    assert class_model(load_model("mnist"), target=3, steps=1).method.name == "oygard"
    assert class_model(load_model("cifar10"), target=3, steps=1).method.name == "ours"


def test_the_same_seed_gives_the_same_bits() -> None:
    first, again, other = (class_model(DIGITS, target=3, start="noise", steps=5, seed=seed) for seed in (1, 1, 2))
    assert first.pixels.tobytes() == again.pixels.tobytes() != other.pixels.tobytes()


def test_pictures_larger_than_the_nets_are_shown_to_it_at_its_size() -> None:
    result = class_model(DIGITS, target=3, size=20, steps=20)
    assert result.pixels.shape == (1, 20, 20, 1)
    assert result.after[0] > result.before[0]


def test_without_natural_pictures_it_says_how_to_give_them(monkeypatch) -> None:
    monkeypatch.setattr("minitorch_viz.techniques.optimization._natural.OF_ITS_OWN", ())
    result = class_model(DIGITS, target=3, steps=2)
    assert result.natural == ((),)
    assert any("--pictures FOLDER" in note for note in result.notes)


def test_another_net_says_what_it_sees() -> None:
    result = class_model(DIGITS, target="3,8", steps=30, judge="digits_linear")
    for picture, opinion, number in zip(result.pixels, result.opinions, (3, 8), strict=True):
        linear = load_model("digits_linear")
        answers = linear.predict_answers(linear.preprocess(picture.repeat(3, axis=2)))[0]
        assert opinion.best == str(answers.argmax())
        assert opinion.rank == 1 + (answers > answers[number]).sum()
    count = sum(opinion.rank <= 5 for opinion in result.opinions)
    assert f"has the class among its first five for {count} of 2 pictures" in result.notes[-1]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"target": "flamingo"}, "knows no class 'flamingo'"),
        ({"target": 10}, "10"),
        ({"target": 3, "minus": "3"}, "0 everywhere"),
        ({"starts": 2, "start": "zero"}, "one picture"),
        ({"starts": 3}, "At most 20 pictures"),
        ({"preset": "simonian"}, "near presets: simonyan"),
        ({"size": 1}, "size must be a whole number from 4"),
        ({"size": 100_000}, "size"),
        ({"steps": 0}, "steps"),
        ({"seed": -1}, "seed"),
        ({"judge": "digits"}, "second opinion"),
        ({"start": "white"}, "There is no start 'white'"),
    ],
)
def test_a_setting_that_does_not_fit_gets_a_sentence(settings: dict, words: str) -> None:
    with pytest.raises(SettingError, match=words):
        class_model(DIGITS, **settings)


def test_what_is_larger_than_memory_is_not_begun(monkeypatch) -> None:
    monkeypatch.setattr(memory, "available_bytes", lambda: 1e6)
    with pytest.raises(SettingError, match=r"20 pictures of 512 x 512 pixels would need about .* GB of memory"):
        class_model(DIGITS, target=[3, 8], starts=10, size=512)


def test_a_net_without_classes_is_sent_to_unit_models() -> None:
    model = Model.from_net(u_net(np.random.default_rng(0)), 16)
    with pytest.raises(MinitorchVizError, match="unit-model"):
        class_model(model)
    assert module.TECHNIQUE.refuses(model)


@pytest.mark.nightly
def test_squeezenet_names_what_googlenet_likes(shared_data) -> None:
    """It had no part in the pictures. The classes were fixed beforehand; one preset makes all of them."""
    weights = shared_data / "weights"
    model = load_model("googlenet", weights / "googlenet_bvlc.safetensors")
    numbers, judge = twenty(model), f"squeezenet1_1={weights / 'squeezenet1_1.safetensors'}"
    result = class_model(model, target=numbers, judge=judge)
    words = (f"{model.class_names[n]}: {opinion.words}" for n, opinion in zip(numbers, result.opinions, strict=True))
    print(*words, sep="\n")
    assert sum(0 < opinion.rank <= 5 for opinion in result.opinions) >= 13
