"""Model and Preprocessing: photos in and out, classes by name, your own net, and sentences for what does not fit."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minitorch_viz.errors import ImageFileError, MinitorchVizError, NetError, SettingError, ShapeError
from minitorch_viz.layers import Conv2d, Flatten, Linear, ReLU, Softmax
from minitorch_viz.models import Model, Prediction, Preprocessing
from minitorch_viz.models.classes import class_names_in, read_class_names
from minitorch_viz.models.home import home_folder
from minitorch_viz.net import Net

NAMES = ("tench, Tinca tinca", "tiger shark", "crane", "tiger, Panthera tigris", "tiger cat", "crane", "Persian cat")


def small_net(classes: int = 7, channels: int = 3) -> Net:
    rng = np.random.default_rng(0)
    return Net(
        [
            ("conv", Conv2d.random(rng, channels, 4, 3)),
            ("relu", ReLU()),
            ("flat", Flatten()),
            ("fc", Linear.random(rng, 4 * 6 * 6, classes)),
            ("prob", Softmax()),
        ]
    )


@pytest.fixture
def model() -> Model:
    return Model.from_net(small_net(), 8, name="small").with_class_names(NAMES)


def photo(height: int = 40, width: int = 60) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


# ------------------------------------------------------------------ preprocessing


@pytest.mark.parametrize("channels", [1, 3])
def test_preprocess_is_pixel_minus_mean_over_std_and_restore_its_inverse(channels: int) -> None:
    mean, std = (10.0, 20.0, 30.0)[:channels], (2.0, 4.0, 8.0)[:channels]
    preprocessing = Preprocessing((4, 6), channels, mean, std)
    pixels = photo(4, 6)
    if channels == 1:
        pixels = pixels[..., :1].repeat(3, axis=2)
    x = preprocessing.preprocess(pixels)
    assert x.shape == (1, channels, 4, 6)
    assert x.dtype == np.float32
    assert x.flags.c_contiguous
    expected = (pixels[..., :channels] - np.array(mean)) / np.array(std)
    np.testing.assert_allclose(x[0].transpose(1, 2, 0), expected, rtol=1e-5, atol=1e-5)
    for again in (preprocessing.restore(x), preprocessing.restore(x[0])):
        np.testing.assert_array_equal(again, pixels)
        assert again.dtype == np.uint8
    assert preprocessing.preprocess(pixels, np.float64).dtype == np.float64


def test_restore_cuts_what_no_pixel_can_be() -> None:
    x = np.array([-1e9, 1e9, 0.5]).reshape(1, 3, 1, 1)
    np.testing.assert_array_equal(Preprocessing((1, 1)).restore(x)[0, 0], [0, 255, 128])


def test_stretch_covers_the_whole_photo_as_pillow_does_it() -> None:
    pixels = photo()
    expected = np.asarray(Image.fromarray(pixels).resize((7, 9), Image.Resampling.BICUBIC))
    preprocessing = Preprocessing((9, 7), std=(1,))
    np.testing.assert_array_equal(preprocessing.restore(preprocessing.preprocess(pixels)), expected)


@pytest.mark.parametrize("size", [(40, 60), (60, 40), (300, 20), (8, 8)])
def test_crop_takes_the_centre(size: tuple[int, int]) -> None:
    """A photo that is black but for a white centre keeps it in the middle, in proportion."""
    height, width = size
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[height // 2 - 2 : height // 2 + 2, width // 2 - 2 : width // 2 + 2] = 255
    seen = Preprocessing((224, 224), resize="crop").preprocess(pixels)[0, 0]
    assert seen.shape == (224, 224)
    rows, columns = np.nonzero(seen > 0.5)
    assert abs(rows.mean() - 111.5) < 1.5
    assert abs(columns.mean() - 111.5) < 1.5
    side = 4 * 256 / min(size)
    assert abs(np.ptp(rows) + 1 - side) < 3
    assert abs(np.ptp(columns) + 1 - side) < 3


def test_keep_leaves_the_size() -> None:
    assert Preprocessing((8, 8), resize="keep").preprocess(photo(5, 9)).shape == (1, 3, 5, 9)


def test_preprocess_takes_paths_arrays_and_pillow_images(model: Model, tmp_path: Path) -> None:
    pixels = photo()
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    expected = model.preprocess(pixels)
    for image in (tmp_path / "photo.png", str(tmp_path / "photo.png"), Image.fromarray(pixels)):
        np.testing.assert_array_equal(model.preprocess(image), expected)


def test_from_json() -> None:
    caffe = {"input": {"size": [3, 227, 227], "mean_rgb": [123.0, 117.0, 104.0], "std_rgb": [1.0, 1.0, 1.0]}}
    assert Preprocessing.from_json(caffe) == Preprocessing((227, 227), 3, (123, 117, 104), (1,))
    caffe["input"]["resize"] = "short side 256, centre crop (or resize straight to the input size)"  # type: ignore[assignment]  # JSON holds anything
    assert Preprocessing.from_json(caffe).resize == "stretch"
    grey = Preprocessing.from_json({"size": [1, 8, 9], "mean": 3, "std": 2, "resize": "crop"})
    assert grey == Preprocessing((8, 9), 1, (3,), (2,), "crop")
    anything = Preprocessing.from_json({"size": [3, "any", "any"]}, Preprocessing((32, 48), std=(1,)))
    assert anything == Preprocessing((32, 48), std=(1,), resize="keep")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": (0, 8)}, "The input size must be a whole number of at least 1"),
        ({"size": (8, 8, 3)}, "The input size"),
        ({"size": (8, 8), "channels": 4}, "3 channels .* but channels is 4"),
        ({"size": (8, 8), "mean": (1, 2)}, "mean must be one finite number, or one for each of 3 channels"),
        ({"size": (8, 8), "mean": "abc"}, "mean must be one finite number"),
        ({"size": (8, 8), "std": (1, 0, 1)}, "each must be above 0"),
        ({"size": (8, 8), "std": (1, np.nan, 1)}, "std must be one finite number"),
        ({"size": (8, 8), "resize": "streched"}, "near ways: stretch"),
    ],
)
def test_bad_preprocessing(settings: dict[str, object], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        Preprocessing(**settings)  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize("description", [{}, {"input": 3}, {"size": 227}, {"size": [3, "any", 5]}, {"size": "abc"}])
def test_bad_json(description: dict[str, object]) -> None:
    with pytest.raises(SettingError):
        Preprocessing.from_json(description)


@pytest.mark.parametrize(
    "image", ["there is no such file.png", 3, None, np.zeros((2, 3, 8, 8)), np.full((4, 4, 3), np.nan), b"png", [1, 2]]
)
def test_what_is_no_image(model: Model, image: object) -> None:
    for method in (model.preprocess, model.classify):
        with pytest.raises((ImageFileError, MinitorchVizError)) as caught:
            method(image)  # type: ignore[arg-type]  # wrong on purpose
        assert str(caught.value).endswith((".", "?"))


@pytest.mark.parametrize("x", [np.zeros((2, 3, 4, 4)), np.zeros((1, 1, 4, 4)), np.zeros((4, 4)), "x", None])
def test_restore_needs_one_image(model: Model, x: object) -> None:
    with pytest.raises(ShapeError, match=r"restore takes one image \(1, 3, H, W\)"):
        model.restore(x)  # type: ignore[arg-type]  # wrong on purpose


# ------------------------------------------------------------------ classes


@pytest.mark.parametrize(
    ("target", "index"),
    [
        (0, 0),
        (np.int64(6), 6),
        ("4", 4),
        (" 4 ", 4),
        ("tench", 0),
        ("Tinca tinca", 0),
        ("tench, Tinca tinca", 0),
        ("tiger", 3),  # exactly one synonym is this; parts of names do not count then
        ("TIGER CAT", 4),
        ("persian", 6),  # part of a name
        ("shar", 1),  # part of a word
    ],
)
def test_class_index(model: Model, target: int | str, index: int) -> None:
    assert model.class_index(target) == index


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (7, "classes 0 to 6, but got 7"),
        (-1, "classes 0 to 6, but got -1"),
        ("-1", "classes 0 to 6, but got -1"),
        ("99999999999999999999999999", "classes 0 to 6"),
        ("crane", r"fits 2 classes of small: crane \(2\), crane \(5\); give the number"),
        ("cat", r"tiger cat \(4\), Persian cat \(6\)"),
        ("tigger", "near names: tiger"),
        ("zzzz", "knows no class 'zzzz'; known names: tench"),
        ("", "by its number or its name"),
        ("  ", "by its number or its name"),
        (True, "by its number or its name"),
        (2.0, "by its number or its name"),
        (None, "by its number or its name"),
        ([1], "by its number or its name"),
    ],
)
def test_class_index_says_what_is_wrong(model: Model, target: object, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        model.class_index(target)  # type: ignore[arg-type]  # wrong on purpose


def test_class_names_are_short_and_searched_in_full(model: Model) -> None:
    assert model.class_names[0] == "tench"
    assert model.class_synonyms[0] == "tench, Tinca tinca"


def test_classify(model: Model) -> None:
    answers = model.classify(photo(), top=3)
    probabilities = model.predict_probabilities(model.preprocess(photo()))
    assert probabilities.shape == (1, 7)
    assert abs(probabilities.sum() - 1) < 1e-6
    assert [a.index for a in answers] == list(np.argsort(-probabilities[0])[:3])
    assert answers[0] == Prediction(answers[0].index, model.class_names[answers[0].index], float(probabilities.max()))
    assert len(model.classify(photo(), top=100)) == 7
    assert str(Prediction(4, "tiger cat", 0.5)) == "tiger cat (4) 50.0%"
    many = np.concatenate([model.preprocess(photo())] * 5)
    np.testing.assert_allclose(model.predict_probabilities(many, batch=2), np.repeat(probabilities, 5, 0), rtol=1e-5)


@pytest.mark.parametrize("top", [0, -1, 2.5, True, "3", None])
def test_bad_top(model: Model, top: object) -> None:
    with pytest.raises(SettingError, match="top must be a whole number of at least 1"):
        model.classify(photo(), top=top)  # type: ignore[arg-type]  # wrong on purpose


def test_a_net_without_classes_says_so() -> None:
    net = Net([("conv", Conv2d.random(np.random.default_rng(0), 3, 4, 3))])
    encoder = Model("encoder", net, {"input": Preprocessing((8, 8))}, (), "")
    for call in (lambda: encoder.classify(photo()), lambda: encoder.class_index(0)):
        with pytest.raises(SettingError, match="encoder"):
            call()


# ------------------------------------------------------------------ from_net, astype


def test_from_net_finds_what_it_needs() -> None:
    model = Model.from_net(small_net(classes=3, channels=1), (8, 8))
    assert model.logits == "fc"  # before the Softmax
    assert model.class_names == ("class 0", "class 1", "class 2")
    assert (model.first_conv, model.last_conv) == ("conv", "relu")  # after its activation
    assert model.preprocessing == Preprocessing((8, 8), channels=1)
    assert repr(model) == "Model(net: 475 parameters, input 8 x 8, 3 classes, float32)"


def test_from_net_says_what_does_not_fit() -> None:
    with pytest.raises(ShapeError, match="At node 'fc'"):
        Model.from_net(small_net(), 9)
    with pytest.raises(ShapeError, match=r"shape \(N, classes\), but 'relu' gives \(1, 4, 6, 6\)"):
        Model.from_net(small_net(), 8, logits="relu")
    with pytest.raises(SettingError, match="7 scores, but there are 2 class names"):
        Model.from_net(small_net(), 8, class_names=["a", "b"])
    with pytest.raises(SettingError, match="7 classes, but 1 names"):
        Model.from_net(small_net(), 8).with_class_names(["a"])
    with pytest.raises(NetError, match="no node 'fd'; near nodes: fc"):
        dataclasses.replace(Model.from_net(small_net(), 8), logits="fd")
    with pytest.raises(NetError, match="needs both"):
        dataclasses.replace(Model.from_net(small_net(), 8), logits="")


def test_astype_changes_the_whole_path(model: Model) -> None:
    double = model.astype(np.float64)
    assert (model.dtype, double.dtype) == (np.float32, np.float64)
    x = double.preprocess(photo())
    assert x.dtype == double.predict_probabilities(x).dtype == np.float64
    np.testing.assert_allclose(double.predict_probabilities(x), model.predict_probabilities(x.astype(np.float32)), 1e-4)


# ------------------------------------------------------------------ class-name files, the home folder


def test_class_name_files(tmp_path: Path) -> None:
    path = tmp_path / "names.json"
    for content in ({"names": ["a", "b, c"]}, ["a", "b, c"], {"0": ["n1", "a"], "1": ["n2", "b, c"]}):
        path.write_text(json.dumps(content))
        assert read_class_names(path) == ("a", "b, c")
    for content in ({}, [], [1], {"names": []}, {"names": 3}, {"1": "a"}, "abc", None):
        assert class_names_in(content) is None
    for text in ("{", "[" * 100_000, "{}", "\x00"):
        path.write_text(text)
        with pytest.raises(MinitorchVizError, match="should hold class names"):
            read_class_names(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(MinitorchVizError, match="should hold class names"):
        read_class_names(path)


def test_home_folder() -> None:
    assert home_folder({"MINITORCH_VIZ_HOME": "/somewhere"}) == Path("/somewhere")
    assert home_folder({"MINITORCH_VIZ_HOME": "~/w"}) == Path.home() / "w"
    assert home_folder({}).name == "minitorch_viz"
