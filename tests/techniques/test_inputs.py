"""Every technique of photos on inputs that are none: other channels, series, rows, two inputs, prepared tensors."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from minitorch_viz import Model, Net
from minitorch_viz.errors import MinitorchVizError, SettingError, ShapeError
from minitorch_viz.graph import Node
from minitorch_viz.layers import (
    LSTM,
    AdaptiveAvgPool1d,
    Concat,
    Conv1d,
    Conv2d,
    Flatten,
    GlobalAvgPool2d,
    Linear,
    MaxPool2d,
    ReLU,
    Slice,
)
from minitorch_viz.models import Bands, Numbers, Preprocessing
from minitorch_viz.techniques import Technique, get_technique, techniques
from minitorch_viz.techniques.explain.view import view
from minitorch_viz.techniques.subject import PHOTO, PHOTOS
from tests.measured_figures import check

NAMES = ("sepal length", "sepal width", "petal length", "petal width", "age")
LOOK_AT_PHOTOS = [technique for technique in techniques().values() if technique.subject in (PHOTO, PHOTOS)]
Looked = tuple[Model, np.ndarray, tuple[int, ...]]  # a model, what it looks at, and the shape of a map of that


def normal(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))


def of_channels(channels: int) -> Looked:
    rng = np.random.default_rng(channels)
    nodes = [
        ("conv1", Conv2d(normal(rng, 5, channels, 3, 3), padding=1)), ("relu1", ReLU()), ("pool", MaxPool2d(2)),
        ("conv2", Conv2d(normal(rng, 6, 5, 3, 3), padding=1)), ("relu2", ReLU()), ("gap", GlobalAvgPool2d()),
        ("flat", Flatten()), ("fc", Linear(normal(rng, 3, 6))),
    ]  # fmt: skip
    shape = (12, 12) if channels == 1 else (12, 12, channels)
    return Model.from_net(Net(nodes), 12), rng.random(shape), (12, 12)


def series_conv() -> Looked:
    rng = np.random.default_rng(1)
    nodes = [
        ("conv1", Conv1d(normal(rng, 6, 2, 3), padding=1)), ("relu1", ReLU()),
        ("conv2", Conv1d(normal(rng, 8, 6, 3), padding=1)), ("relu2", ReLU()), ("gap", AdaptiveAvgPool1d(1)),
        ("flat", Flatten()), ("fc", Linear(normal(rng, 3, 8), normal(rng, 3))),
    ]  # fmt: skip
    return Model.from_net(Net(nodes), 20), rng.standard_normal((2, 20)), (2, 20)


def series_lstm() -> Looked:
    rng = np.random.default_rng(2)
    nodes = [
        ("lstm", LSTM.random(rng, 3, 6).astype(np.float64)), ("last", Slice(1, -1)), ("flat", Flatten()),
        ("fc", Linear(normal(rng, 3, 6))),
    ]  # fmt: skip
    return Model.from_net(Net(nodes)), rng.standard_normal((9, 3)), (9, 3)


def rows() -> Looked:
    rng = np.random.default_rng(3)
    nodes = [("fc1", Linear(normal(rng, 16, 5))), ("relu", ReLU()), ("fc2", Linear(normal(rng, 3, 16)))]
    return Model.from_net(Net(nodes), readers=Numbers(5, names=NAMES)), rng.standard_normal(5), (5,)


def two_inputs() -> Model:
    rng = np.random.default_rng(4)
    nodes = [
        Node("conv", Conv2d(normal(rng, 4, 3, 3, 3), padding=1), ("image",)), Node("relu", ReLU(), ("conv",)),
        Node("gap", GlobalAvgPool2d(), ("relu",)), Node("flat", Flatten(), ("gap",)),
        Node("both", Concat(), ("flat", "vector")), Node("hidden", Linear(normal(rng, 8, 7)), ("both",)),
        Node("relu2", ReLU(), ("hidden",)), Node("fc", Linear(normal(rng, 2, 8)), ("relu2",)),
    ]  # fmt: skip
    readers = {"image": Preprocessing((12, 12)), "vector": Numbers(3)}
    return Model.from_net(Net(nodes, ["image", "vector"]), readers=readers)


def image_beside_vector() -> Looked:
    image = np.random.default_rng(5).integers(0, 256, (12, 12, 3)).astype(np.uint8)
    return two_inputs().with_inputs(vector=[1.0, -2, 0.5]), image, (12, 12)


def vector_beside_image() -> Looked:
    _, image, _ = image_beside_vector()
    return two_inputs().with_inputs(image=image), np.array([1.0, -2, 0.5]), (3,)


INPUTS: dict[str, Callable[[], Looked]] = {
    **{f"{count} channels": functools.partial(of_channels, count) for count in (1, 2, 4, 11)},
    "series, Conv1d": series_conv,
    "series, LSTM": series_lstm,
    "rows": rows,
    "image beside a vector": image_beside_vector,
    "vector beside an image": vector_beside_image,
}


@functools.cache
def looked_at(name: str) -> Looked:
    return INPUTS[name]()


def is_slow(technique: Technique, name: str) -> bool:
    """Whether a case is left to the slow round: what others of its kind show too, and what takes a second."""
    if name in ("2 channels", "4 channels"):
        return technique.name not in ("saliency", "grad-cam", "occlusion")
    return technique.name in ("compare", "microscope", "activation-maps") and name not in ("rows", "11 channels")


EACH = [
    pytest.param(technique, name, id=f"{technique.name}-{name}", marks=[pytest.mark.slow] * is_slow(technique, name))
    for technique in LOOK_AT_PHOTOS
    for name in INPUTS
]


@pytest.mark.parametrize(("technique", "name"), EACH)
def test_a_right_map_and_figure_or_one_sentence(technique: Technique, name: str) -> None:
    model, value, shape = looked_at(name)
    why = technique.refuses(model)
    if why is not None:
        assert len(why.split(". ")) == 1, why
        if "no ReLU" in why:  # it would be the plain gradient, which one may want all the same
            return
        with pytest.raises(SettingError) as caught:
            technique.compute(model, value)
        assert str(caught.value).endswith(".")
        return
    if technique.name == "lrp" and "LSTM" in name:
        with pytest.raises(SettingError, match="through LSTM"):
            technique.compute(model, value)
        return
    result = technique.compute(model, value, **technique.in_comparison)
    if result.heat is not None:
        assert result.heat.shape == shape
        assert np.isfinite(result.heat).all()
        assert result.heat.any() or result.notes
    check(result.figure())
    assert result.caption
    assert result.caption.endswith(".")
    assert len(repr(result)) < 250


@pytest.mark.parametrize("name", ["4 channels", "series, Conv1d", "rows"])
def test_what_applies(name: str) -> None:
    """Of the techniques that explain, a convolution lets all apply; rows have no maps."""
    model, _, _ = looked_at(name)
    refused = {each.name for each in LOOK_AT_PHOTOS if each.refuses(model)}
    of_pictures = (
        "activation-maps",
        "deconvnet",
        "factors",
        "microscope",
        "network",
        "receptive-field",
        "segmentation",
    )
    of_photos = {"deep-dream", "style"}  # which have red, green and blue, or grey
    no_picture = {*of_pictures, *of_photos, "accentuate", "adversarial", "inversion"}
    of_maps = {"cam", "grad-cam", "counterfactual", "excitation-backprop", "guided-grad-cam"}
    of_other_nets = {"templates", "caption"}  # linear ones, and those that say words
    refused -= of_other_nets
    assert refused == {"4 channels": of_photos, "series, Conv1d": no_picture, "rows": no_picture | of_maps}[name]
    if name == "rows":
        assert "saliency" in str(get_technique("grad-cam").refuses(model))


# -------------------------------------------------------- right, and not only finite


@pytest.mark.parametrize("name", [name for name in INPUTS if name != "1 channels"])
def test_the_gradient_is_that_of_finite_differences(name: str) -> None:
    model, value, _ = looked_at(name)
    model = model.astype(np.float64)
    result = get_technique("saliency").compute(model, value, target=1)
    x = view(model, value).x
    direction = np.random.default_rng(0).standard_normal(x.shape)
    step = 1e-6
    up, down = (model.net.predict(x + sign * step * direction, upto=model.logits)[0, 1] for sign in (1, -1))
    slope = float((result.gradients["normal"] * direction[0]).sum())
    assert slope == pytest.approx((up - down) / (2 * step), rel=1e-5)


def linear(names: tuple[str, ...] = ()) -> tuple[Model, np.ndarray, np.ndarray]:
    weight = np.array([[2.0, -3, 0.5, 0], [1, 1, 1, 1]])
    reader = Numbers(4, mean=(1, 2, 3, 4), std=(1, 2, 4, 8), names=names)
    model = Model.from_net(Net([("fc", Linear(weight))]), readers=reader, scores="numbers")
    return model, weight[0], np.array([3.0, -2, 7, 20])


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("gradient-x-input", {}),
        ("integrated-gradients", {"baseline": "mean"}),
        ("lrp", {"rule": "epsilon", "epsilon": 0.0}),
        ("occlusion", {}),
        ("occlusion", {"batch": 3}),
    ],
)
def test_a_linear_net_divides_its_score_into_weight_times_number(name: str, settings: dict[str, object]) -> None:
    model, weight, row = linear()
    x = (row - [1, 2, 3, 4]) / np.array([1, 2, 4, 8])
    result = get_technique(name).compute(model, row, target=0, **settings)
    np.testing.assert_allclose(result.heat, weight * x, atol=1e-12)


def test_zero_is_zero_in_the_users_units() -> None:
    model, weight, row = linear()
    for name, settings in (("integrated-gradients", {"baseline": "black"}), ("occlusion", {"fill": "black"})):
        result = get_technique(name).compute(model, row, target=0, **settings)
        np.testing.assert_allclose(result.heat, weight * row / [1, 2, 4, 8], atol=1e-12)
    five = get_technique("occlusion").compute(model, row, target=0, fill="5").heat
    np.testing.assert_allclose(five, weight * (row - 5) / [1, 2, 4, 8], atol=1e-12)


def test_grad_cam_over_a_series_is_the_class_activation_map() -> None:
    model, series, shape = looked_at("series, Conv1d")
    result = get_technique("grad-cam").compute(model, series, target=2, layer="relu2")
    maps = model.net.forward(model.read(series))["relu2"][0]
    cam = model.net["fc"].layer.weight[2] @ maps / maps.shape[1]
    np.testing.assert_allclose(result.signed[0], cam, atol=1e-12)
    np.testing.assert_allclose(result.map(), np.broadcast_to(np.maximum(cam, 0), shape), atol=1e-12)


def test_windows_of_a_series_take_away_what_they_cover() -> None:
    """A net that adds up one curve: covering it takes away what lies above its mean, the other curve nothing."""
    weight = np.zeros((1, 2, 10))
    weight[0, 1] = 1
    nodes = [("sum", Linear(weight.reshape(1, 20)))]
    net = Net([("flat", Flatten()), *nodes])
    model = Model.from_net(net, readers=Numbers((2, 10)), scores="numbers", class_names=["sum"])
    series = np.zeros((2, 10))
    series[1, 4:6], series[0, 2] = 10, 7
    result = get_technique("occlusion").compute(model, series, size=1, stride=1)
    np.testing.assert_allclose(result.heat, [np.zeros(10), series[1] - 2], atol=1e-5)


def test_shares_over_six_bands_add_up() -> None:
    model, _, _ = of_channels(6)
    image = np.random.default_rng(0).normal(0, 3, (12, 12, 6))
    result = get_technique("integrated-gradients").compute(model.astype(np.float64), image, baseline="mean", steps=200)
    base, value = result.path.ends
    assert result.signal.shape == (6, 12, 12)
    assert result.signal.sum() == pytest.approx(value - base, rel=0.01)


def test_a_channel_that_the_net_does_not_read_has_no_signal() -> None:
    rng = np.random.default_rng(0)
    weight = normal(rng, 4, 4, 3, 3)
    weight[:, 3] = 0  # it does not look at alpha
    head = [("gap", GlobalAvgPool2d()), ("flat", Flatten()), ("fc", Linear(normal(rng, 2, 4)))]
    model = Model.from_net(Net([("conv", Conv2d(weight)), ("relu", ReLU()), *head]), 10)
    rgba = rng.integers(0, 256, (10, 10, 4)).astype(np.uint8)
    result = get_technique("saliency").compute(model, rgba)
    signal = result.gradients["normal"]
    assert signal[:3].any()
    assert not signal[3].any()
    np.testing.assert_array_equal(result.picture, rgba[..., :3])  # what a person sees is red, green and blue
    assert "channel 0, channel 1 and channel 2 as red, green and blue" in " ".join(result.notes)


def test_a_prepared_tensor_gives_the_pictures_map_and_says_so() -> None:
    rng = np.random.default_rng(0)
    nodes = [("conv", Conv2d(normal(rng, 4, 3, 3, 3))), ("relu", ReLU()), ("gap", GlobalAvgPool2d()),
             ("flat", Flatten()), ("fc", Linear(normal(rng, 2, 4)))]  # fmt: skip
    model = Model.from_net(Net(nodes), 10, mean=(110, 120, 130), std=(50, 60, 70))
    picture = rng.integers(0, 256, (10, 10, 3)).astype(np.uint8)
    tensor = ((picture - np.array([110, 120, 130])) / [50, 60, 70]).transpose(2, 0, 1)
    ours, theirs = (get_technique("grad-cam").compute(model, value) for value in (tensor[None], picture))
    np.testing.assert_allclose(ours.heat, theirs.heat)
    np.testing.assert_array_equal(ours.picture, picture)
    assert "as it is" in " ".join(ours.notes)
    assert not theirs.notes


def test_each_of_two_inputs_has_its_map() -> None:
    """The share of a vector and of a picture together make the rise of a linear net's score."""
    rng = np.random.default_rng(0)
    nodes = [Node("flat", Flatten(), ("image",)), Node("both", Concat(), ("flat", "vector")),
             Node("fc", Linear(normal(rng, 2, 51)), ("both",))]  # fmt: skip
    readers = {"image": Preprocessing((4, 4)), "vector": Numbers(3)}
    model = Model.from_net(Net(nodes, ["image", "vector"]), readers=readers)
    picture, vector = rng.integers(0, 256, (4, 4, 3)).astype(np.uint8), rng.standard_normal(3)
    technique = get_technique("gradient-x-input")
    of_picture = technique.compute(model.with_inputs(vector=vector), picture, target=1)
    of_vector = technique.compute(model.with_inputs(image=picture), vector, target=1)
    assert of_vector.heat.shape == (3,)
    assert of_picture.value == pytest.approx(of_picture.heat.sum() + of_vector.heat.sum(), rel=1e-5)


def test_two_pictures_have_a_map_each() -> None:
    rng = np.random.default_rng(0)
    nodes = [
        Node("a", Conv2d(normal(rng, 3, 3, 3, 3)), ("before",)),
        Node("b", Conv2d(normal(rng, 3, 4, 3, 3)), ("after",)),
        Node("both", Concat(), ("a", "b")), Node("relu", ReLU(), ("both",)), Node("gap", GlobalAvgPool2d(), ("relu",)),
        Node("flat", Flatten(), ("gap",)), Node("fc", Linear(normal(rng, 2, 6)), ("flat",)),
    ]  # fmt: skip
    readers = {"before": Preprocessing((8, 8)), "after": Bands((8, 8), 4)}
    model = Model.from_net(Net(nodes, ["before", "after"]), readers=readers)
    before, after = rng.random((8, 8, 3)), rng.random((8, 8, 4))
    for given, value in (({"before": before}, after), ({"after": after}, before)):
        result = get_technique("grad-cam").compute(model.with_inputs(**given), value, layer="relu")
        assert result.heat.shape == (8, 8)
        check(result.figure())
    with pytest.raises(SettingError, match="the inputs before and after"):
        get_technique("saliency").compute(model, before)


# ---------------------------------------------------------------------- figures


@pytest.mark.parametrize("count", [1, 57, *(pytest.param(count, marks=pytest.mark.slow) for count in (3, 20))])
@pytest.mark.parametrize("name", ["saliency", "integrated-gradients", "compare"])
def test_rows_of_any_length(name: str, count: int) -> None:
    rng = np.random.default_rng(count)
    names = [f"column {i} of the table" * (1 + (i == 2)) for i in range(count)]
    reader = Numbers(count, names=names)
    model = Model.from_net(Net([("fc", Linear(normal(rng, 3, count)))]), readers=reader)
    check(get_technique(name).compute(model, 1000 * rng.standard_normal(count)).figure())


@pytest.mark.parametrize(
    ("curves", "steps"),
    [(1, 1), (12, 30), *(pytest.param(*size, marks=pytest.mark.slow) for size in ((1, 300), (3, 40)))],
)
@pytest.mark.parametrize("name", ["saliency", "occlusion", "compare"])
def test_series_of_any_size(name: str, curves: int, steps: int) -> None:
    rng = np.random.default_rng(steps)
    net = Net([("flat", Flatten()), ("fc", Linear(normal(rng, 3, curves * steps)))])
    model = Model.from_net(net, readers=Numbers((curves, steps)))
    check(get_technique(name).compute(model, rng.standard_normal((curves, steps)).cumsum(axis=1)).figure())


@pytest.mark.parametrize(
    ("name", "settings"),
    [("saliency", {"mode": "compare"}), ("lrp", {"rule": "compare"}), ("grad-cam", {"target": "0,1,2"})],
)
@pytest.mark.parametrize("kind", ["rows", "series, Conv1d", "11 channels"])
def test_several_maps(name: str, settings: dict[str, str], kind: str) -> None:
    model, value, _ = looked_at(kind)
    if get_technique(name).refuses(model) is None:
        check(get_technique(name).compute(model, value, **settings).figure())


def test_a_blank_map_says_why() -> None:
    model, row, _ = looked_at("rows")
    broken = model.net.with_params({"fc1.weight": np.full((16, 5), np.nan)})
    model = Model.from_net(broken, readers=model.reader())
    for name in ("saliency", "lrp", "integrated-gradients", "occlusion"):
        result = get_technique(name).compute(model, row)
        assert not result.heat.any()
        assert any("NaN" in note for note in result.notes)
        check(result.figure())


# ------------------------------------------------------------- files, and what is refused


def test_numbers_are_saved_with_the_names(tmp_path: Path) -> None:
    model, _, row = linear(("a", "b", "c", "d"))
    result = get_technique("saliency").compute(model, row)
    file = np.load(result.save(tmp_path / "row.npz"))
    np.testing.assert_array_equal(file["heat"], result.heat)
    assert list(file["given.names"]) == ["a", "b", "c", "d"]
    np.testing.assert_array_equal(file["given.values"], row)
    for suffix in (".json", ".png", ".svg"):
        assert result.save(tmp_path / f"row{suffix}").stat().st_size > 500


def test_columns_are_found_by_their_names(tmp_path: Path) -> None:
    model, weight, row = linear(("a", "b", "c", "d"))
    table = tmp_path / "table.csv"
    table.write_text("kind;d;c;b;a\nfirst;20;7;-2;3\nsecond;0;0;0;0\n")
    result = get_technique("gradient-x-input").compute(model, f"{table}:1", target=0)
    np.testing.assert_allclose(result.heat, weight * (row - [1, 2, 3, 4]) / [1, 2, 4, 8])
    assert result.given.names == ("a", "b", "c", "d")


def test_no_overlay_over_numbers() -> None:
    for name in ("rows", "series, Conv1d"):
        model, value, _ = looked_at(name)
        result = get_technique("saliency").compute(model, value)
        with pytest.raises(SettingError, match="An overlay is a map over a photo"):
            result.overlay()
        with pytest.raises(SettingError, match="An overlay is a map over a photo"):
            result.overlay_legend()


def test_an_overlay_over_eleven_channels() -> None:
    model, image, _ = looked_at("11 channels")
    result = get_technique("grad-cam").compute(model, image)
    assert result.overlay().shape == (12, 12, 3)


BAD = {
    "four columns": ("rows", [1.0, 2, 3, 4], ShapeError, "takes 5 columns .* and these are 4"),
    "two rows": ("rows", np.zeros((2, 5)), ShapeError, "One row is looked at, but got 2"),
    "nan": ("rows", [1.0, 2, np.nan, 4, 5], SettingError, "not finite"),
    "words": ("rows", ["a", "b", "c", "d", "e"], SettingError, "Numbers are needed"),
    "nothing": ("rows", None, SettingError, "Numbers are needed"),
    "no file": ("rows", "nowhere.csv", MinitorchVizError, "nowhere.csv"),
    "a picture's file": ("rows", "cat.png", SettingError, r"\.npy or \.csv"),
    "ragged": ("rows", [[1, 2], [3]], SettingError, "array of numbers"),
    "turned": ("series, Conv1d", np.zeros((20, 2)), ShapeError, "Turn them: array.T"),
    "too long": ("series, Conv1d", np.zeros((2, 21)), ShapeError, r"\(2, 20\) are needed, but got \(2, 21\)"),
    "three curves": ("series, LSTM", np.zeros((9, 4)), ShapeError, r"\(any, 3\) are needed, but got \(9, 4\)"),
    "a row": ("series, LSTM", np.zeros(9), ShapeError, r"\(any, 3\)"),
    "no steps": ("series, LSTM", np.zeros((0, 3)), ShapeError, r"\(0, 3\)"),
    "a photo": ("11 channels", np.zeros((12, 12, 3)), MinitorchVizError, "3 channels, but the net takes 11"),
    "many bands": ("1 channels", np.zeros((12, 12, 11)), MinitorchVizError, r"\(12, 12, 11\)"),
    "bands of a row": ("4 channels", np.zeros(4), MinitorchVizError, r"\(H, W, 4\)"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_does_not_fit_is_told_what_is_needed(name: str) -> None:
    kind, value, error, words = BAD[name]
    with pytest.raises(error, match=words):
        get_technique("saliency").compute(looked_at(kind)[0], value)


SETTINGS = {
    "a window of a row": ("occlusion", "rows", {"size": 2}, "one column at a time"),
    "white numbers": ("occlusion", "rows", {"fill": "white"}, "mean, black"),
    "a window too long": ("occlusion", "series, Conv1d", {"size": 21}, "from 1 to 20"),
    "no stride": ("occlusion", "series, Conv1d", {"stride": 0}, "from 1 to 20"),
    "a blurred row": ("integrated-gradients", "rows", {"baseline": "blurred"}, "no neighbours"),
    "crops of a row": ("saliency", "rows", {"average": True}, "average="),
    "maps of a row": ("grad-cam", "rows", {}, "saliency and occlusion"),
    "a layer without maps": ("grad-cam", "series, Conv1d", {"layer": "fc"}, "fc"),
    "an unknown class": ("saliency", "rows", {"target": "rose"}, "rose"),
    "whole numbers": ("saliency", "words", {}, "whole numbers"),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_that_do_not_fit_numbers(name: str) -> None:
    technique, kind, settings, words = SETTINGS[name]
    if kind == "words":
        net = Net([("flat", Flatten()), ("fc", Linear(np.ones((2, 4))))])
        model, value = Model.from_net(net, readers=Numbers(4, mean=0, whole=False)), [1, 2, 3, 4]
        model = model.with_reader(Numbers(4, whole=True))
        assert "whole numbers" in str(get_technique(technique).refuses(model))
    else:
        model, value, _ = looked_at(kind)
    with pytest.raises(SettingError, match=words):
        get_technique(technique).compute(model, value, **settings)
