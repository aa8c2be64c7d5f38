"""Filters in other ways: the best input, Gabors, components, colours and expanded weights, each against another way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from minitorch_viz import Model, Net, load_model
from minitorch_viz.data.pictures import as_pictures
from minitorch_viz.errors import MinitorchVizError, NetError, SettingError
from minitorch_viz.layers import (
    AvgPool2d,
    BatchNorm2d,
    Concat,
    Conv2d,
    Flatten,
    GlobalAvgPool2d,
    Linear,
    LocalResponseNorm,
    MaxPool2d,
    ReLU,
)
from minitorch_viz.models.readers import Bands
from minitorch_viz.techniques import get_technique
from minitorch_viz.techniques.tally import tallied
from minitorch_viz.techniques.weights import _filters_unit
from minitorch_viz.techniques.weights._filters_colours import one_sided_nmf
from minitorch_viz.techniques.weights._filters_components import _spread, patches_from
from minitorch_viz.techniques.weights._filters_expanded import expanded_weights, middle_part
from minitorch_viz.techniques.weights._filters_gabor import _waves, fit_gabor
from minitorch_viz.techniques.weights._filters_patches import top_patches
from minitorch_viz.techniques.weights.filters import TECHNIQUE, filters
from tests.measured_figures import check

SHOWS = "filters", "slices", "colours", "expanded", "best-input", "gabor", "components"


def normal(*shape: int, seed: int = 11) -> np.ndarray:
    values = np.random.default_rng(seed).standard_normal(shape) / np.sqrt(np.prod(shape[1:]))
    return values.astype(np.float32)


def over(*layers: tuple, channels: int, size: int = 12) -> Model:
    """These layers, and a classifier above them."""
    head = [("gap", GlobalAvgPool2d()), ("flat", Flatten()), ("fc", Linear(normal(2, channels, seed=9)))]
    return Model.from_net(Net([*layers, *head]), size, mean=(120, 110, 100), std=(60, 50, 70))


def branching(straight: bool = False) -> Model:
    """Two branches above a pooling and a batch normalization; straight: no gates, and means in place of maxima."""
    rng = np.random.default_rng(5)
    norm = BatchNorm2d(*(rng.random(6).astype(np.float32) + 0.5 for _ in range(4)))
    relu = (
        (lambda name, reads: (name, Conv2d(np.eye(6, dtype=np.float32).reshape(6, 6, 1, 1)), (reads,)))
        if straight
        else (lambda name, reads: (name, ReLU(), (reads,)))
    )
    return over(
        ("conv1", Conv2d(normal(6, 3, 3, 3), normal(6, seed=3), padding=1)),
        relu("relu1", "conv1"),
        ("norm1", norm),
        ("pool1", (AvgPool2d if straight else MaxPool2d)(2)),
        ("left", Conv2d(normal(6, 6, 1, 1, seed=1)), ("pool1",)),
        relu("left_relu", "left"),
        ("right", Conv2d(normal(4, 6, 3, 3, seed=2), normal(4, seed=8), padding=1), ("pool1",)),
        ("both", Concat(), ("left_relu", "right")),
        ("conv2", Conv2d(normal(5, 10, 3, 3, seed=4), padding=1), ("both",)),
        channels=5,
        size=16,
    )


# ------------------------------------------------------------------ the input of length 1 that excites most


@pytest.mark.parametrize(
    "layer",
    [
        Conv2d(normal(5, 3, 3, 3), normal(5, seed=1)),
        Conv2d(normal(4, 3, 5, 2), stride=(2, 3), padding=(1, 4)),
        Conv2d(normal(6, 1, 3, 3), normal(6, seed=1), groups=3, padding=1),
        Conv2d(normal(4, 3, 3, 3), dilation=2, padding=2, padding_mode="reflect"),
    ],
    ids=["plain", "strides", "groups", "dilated"],
)
def test_the_answer_to_the_best_input_is_the_filters_length(layer: Conv2d) -> None:
    model = over(("conv", layer), channels=len(layer.weight))
    result = filters(model, show="best-input", order="norm")
    lengths = np.sqrt((layer.weight.astype(float) ** 2).sum(axis=(1, 2, 3)))
    np.testing.assert_allclose(result.responses, np.sort(lengths)[::-1], rtol=1e-4)
    np.testing.assert_allclose((result.inputs**2).sum(axis=(1, 2, 3)), 1)
    assert (result.guesses < result.norms).all()
    assert result.notes == ()


def test_climbing_finds_the_same_input() -> None:
    """From noise, by the gradient and back to length 1, which knows nothing of the formula."""
    model = load_model("scenes")
    result = filters(model, show="best-input", count=3)
    net, size = model.net, result.inputs.shape[2:]
    rng = np.random.default_rng(0)
    for number, best in zip(result.numbers, result.inputs, strict=True):
        x = rng.standard_normal((1, 3, *size)).astype(np.float32)
        for _ in range(30):
            tape = net.forward(x / np.linalg.norm(x), upto=result.node)
            seed = np.zeros_like(tape[result.node])
            seed[(0, number, *(side // 2 for side in seed.shape[2:]))] = 1
            x = x / np.linalg.norm(x) + net.backward(tape, {result.node: seed})["input"]
        assert float((x[0] / np.linalg.norm(x) * best).sum()) > 0.99


def test_units_of_a_linear_layer_have_one_too() -> None:
    model = load_model("faces_hidden")
    result = filters(model, show="best-input", node="hidden")
    assert result.inputs.shape == (16, 1, 64, 64)
    np.testing.assert_allclose(result.responses, result.norms, rtol=1e-4)


def test_the_bundled_autoencoders_units_are_filters() -> None:
    model = load_model("digits_autoencoder")
    result = filters(model)
    np.testing.assert_array_equal(result.weights, model.net["code"].layer.weight.reshape(24, 1, 8, 8))


def test_units_of_an_own_autoencoder_are_filters() -> None:
    net = Net([("flat", Flatten()), ("code", Linear(normal(4, 64))), ("relu", ReLU()), ("back", Linear(normal(64, 4)))])
    model = Model.from_net(net, readers=load_model("digits").reader())
    result = filters(model)
    assert result.node == "code"
    np.testing.assert_array_equal(result.weights, net["code"].layer.weight.reshape(4, 1, 8, 8))
    with pytest.raises(SettingError, match="has 1; show='filters' draws them"):
        filters(model, show="colours")
    with pytest.raises(SettingError, match="needs two layers with filters"):
        filters(model, show="expanded")
    with pytest.raises(SettingError, match="these have: code"):
        filters(model, node="back")


# ------------------------------------------------------------------ Gabors


@pytest.mark.parametrize("angle", [0.0, 0.7, 2.0])
@pytest.mark.parametrize("frequency", [0.12, 0.3])
def test_a_planted_gabor_is_found(angle: float, frequency: float) -> None:
    shape = np.array([[4.2, 5.1, angle, 2.0, 3.0, frequency, 0.8]])
    colour = np.array([1.0, -0.5, 0.2])
    planted = np.outer(colour, _waves(shape, (11, 11))[0]).reshape(3, 11, 11)
    fit = fit_gabor(planted)
    assert fit.r2 > 0.9999
    assert fit.shape[5] == pytest.approx(frequency, abs=1e-3)
    np.testing.assert_allclose(fit.shape[:2], [4.2, 5.1], atol=0.02)
    assert np.cos(2 * (fit.shape[2] - angle)) == pytest.approx(1, abs=1e-3)  # a wave looks the same from both sides


def test_r2_is_scikit_learns() -> None:
    from sklearn.metrics import r2_score

    for seed in range(3):
        weights = normal(3, 3, 7, 7, seed=seed)[0]
        fit = fit_gabor(weights)
        assert fit.r2 == pytest.approx(r2_score(weights.ravel(), fit.values.ravel()), abs=1e-9)
        assert fit.r2 < 0.6  # noise is no Gabor


def test_two_colours_at_right_angles_are_not_one_gabor() -> None:
    """Red stripes down and green stripes across, as strong: one wave holds half of it."""
    stripes = np.cos(2 * np.pi * 0.25 * np.arange(8) + 0.3)[None].repeat(8, axis=0)
    weights = np.stack([stripes, stripes.T, np.zeros((8, 8))])
    assert 0.4 < fit_gabor(weights).r2 < 0.6


def test_a_filter_of_zeros_has_none_and_tiny_ones_are_told() -> None:
    weight = normal(3, 3, 3, 3)
    weight[1] = 0
    result = filters(over(("conv", Conv2d(weight)), channels=3), show="gabor")
    assert np.isnan(result.r2).tolist() == [False, True, False]
    assert any("R² says little" in note for note in result.notes)
    check(result.figure())
    with pytest.raises(SettingError, match=r"at least 3 x 3 .* are 1 x 1"):
        filters(over(("conv", Conv2d(normal(3, 3, 1, 1))), channels=3), show="gabor")


# ------------------------------------------------------------------ principal components


def test_components_are_those_of_the_patches_covariance() -> None:
    model = load_model("scenes")
    result = filters(model, show="components", pictures="scenes:20", count=6)
    size = result.weights.shape[2:]
    patches, _ = patches_from(model, as_pictures("scenes:20"), size, np.random.default_rng(0))
    flat = patches.reshape(len(patches), -1)
    values, vectors = np.linalg.eigh(np.cov(flat.T))
    np.testing.assert_allclose(result.shares, values[::-1][:6] / values.sum(), rtol=1e-6)
    for found, expected in zip(result.components.reshape(6, -1), vectors.T[::-1], strict=False):
        assert abs(found @ expected) > 0.999
    images = np.concatenate([model.preprocess(image) for image in (as_pictures("scenes:20")[n] for n in range(20))])
    window = np.lib.stride_tricks.sliding_window_view(images, size, axis=(2, 3))[0]  # patches are cut, and not made up
    assert (np.abs(window - patches[0][:, None, None]).max(axis=(0, 3, 4)) == 0).any()


def test_a_wave_spreads_and_a_spot_does_not() -> None:
    spot, wave = np.zeros((1, 3, 5, 5)), np.ones((1, 3, 5, 5))
    spot[0, :, 2, 2] = 1
    assert _spread(np.concatenate([spot, wave])).tolist() == pytest.approx([1 / 25, 1])


def test_a_broken_picture_is_named(tmp_path: Path) -> None:
    from PIL import Image

    rng = np.random.default_rng(0)
    for number in range(4):
        Image.fromarray(rng.integers(0, 256, (64, 64, 3), np.uint8)).save(tmp_path / f"{number}.png")
    (tmp_path / "2.png").write_bytes(b"no picture")
    for show in ("components", "colours", "expanded"):
        notes = filters(load_model("scenes"), show=show, pictures=tmp_path).notes
        assert any("left out: 2.png" in note for note in notes)
    for number in range(4):
        (tmp_path / f"{number}.png").write_bytes(b"no picture")
    for show in ("components", "colours", "expanded"):
        with pytest.raises(MinitorchVizError, match=r"could be read|could not be read"):
            filters(load_model("scenes"), show=show, pictures=tmp_path)


# ------------------------------------------------------------------ three colours


def test_planted_groups_are_found() -> None:
    """Channels of three groups that never act alone: all is explained, and the maps are the planted ones."""
    rng = np.random.default_rng(0)
    groups = np.zeros((3, 12))
    for group in range(3):
        groups[group, 4 * group : 4 * group + 4] = rng.random(4) + 0.5
    maps = rng.standard_normal((10, 3, 3, 3)) * np.array([9, 3, 1])[:, None, None]
    factors = one_sided_nmf(np.einsum("ogij,gc->ocij", maps, groups))
    assert factors.rests.max() < 1e-6
    np.testing.assert_allclose(factors.channels, groups / np.linalg.norm(groups, axis=1, keepdims=True), atol=1e-3)
    lengths = np.linalg.norm(groups, axis=1)[:, None, None]
    np.testing.assert_allclose(factors.maps, maps * lengths, atol=1e-2)
    assert factors.most == pytest.approx(1)


@pytest.mark.parametrize("name", ["digits", "scenes", "cifar10"])
def test_what_the_colours_hold_is_measured(name: str) -> None:
    model = load_model(name)
    result = filters(model, show="colours", count=100)
    weights = model.net[result.node].layer.weight.astype(float)
    rebuilt = np.einsum("ogij,gc->ocij", result.maps, result.channels)
    rests = ((weights - rebuilt) ** 2).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(result.shares, 1 - rests / (weights**2).sum(axis=(1, 2, 3)), atol=1e-9)
    assert result.whole_share == pytest.approx(1 - rests.sum() / (weights**2).sum())
    table = weights.transpose(0, 2, 3, 1).reshape(-1, weights.shape[1])
    singular = np.linalg.svd(table, compute_uv=False) ** 2
    assert 0.5 * result.most_share < result.whole_share <= result.most_share + 1e-9
    assert result.most_share == pytest.approx(singular[:3].sum() / singular.sum())
    assert (result.channels >= 0).all()
    likeness = result.channels @ result.channels.T
    assert likeness[np.triu_indices(3, 1)].max() < 0.6  # the groups differ


def test_three_channels_need_no_groups() -> None:
    with pytest.raises(SettingError, match="show='filters' draws them"):
        filters(load_model("scenes"), show="colours", node="conv1")


# ------------------------------------------------------------------ expanded weights


@pytest.mark.parametrize(
    ("node", "source"), [("conv2", "conv1"), ("both", "input"), ("right", "relu1"), ("pool1", "input")]
)
def test_expanded_weights_are_the_answers_of_the_straight_net(node: str, source: str) -> None:
    """Gates left out and means in place of maxima, this net is linear: its answer to each single 1 is a weight."""
    model, straight = branching(), branching(straight=True)
    shape = straight.net.forward(model.reader().blank(), upto=node)
    channels, middle = shape[node].shape[1], tuple(side // 2 for side in shape[node].shape[2:])
    found = expanded_weights(model, node, [3, -1 % channels], source)
    start = shape[source][0]
    ones = np.eye(start.size, dtype=np.float32).reshape(-1, *start.shape)
    if source == "input":
        answers = straight.net.predict(np.concatenate([np.zeros_like(ones[:1]), ones]), upto=node)
    else:
        given = np.concatenate([np.zeros_like(ones[:1]), ones])
        x = np.zeros((len(given), 3, 16, 16), np.float32)
        answers = straight.net.forward(x, upto=node, given={source: given})[node]
    expected = (answers[1:] - answers[0])[(slice(None), [3, -1], *middle)].T.reshape(2, *start.shape)
    assert not found.cut
    rows, columns = (np.flatnonzero(np.abs(expected).max(axis=axes) > 1e-7) for axes in ((0, 1, 3), (0, 1, 2)))
    box = expected[:, :, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    assert found.weights.shape == box.shape
    np.testing.assert_allclose(found.weights, box, atol=1e-5)


def test_the_middle_part_holds_its_share() -> None:
    weights = np.zeros((2, 20, 30))
    weights[:, 4:9, 20:27] = np.random.default_rng(0).standard_normal((2, 5, 7)) + 3
    weights[0, 19, 0] = 0.1
    part = middle_part(weights)
    assert (part**2).sum() >= 0.99 * (weights**2).sum()
    assert max(part.shape[1:]) <= 9
    assert middle_part(np.zeros((3, 5, 5))).shape == (3, 5, 5)


def test_one_layer_expanded_is_the_layer() -> None:
    model = load_model("cifar10")
    found = expanded_weights(model, "conv3", [7], model.net["conv3"].inputs[0])
    np.testing.assert_allclose(found.weights[0], model.net["conv3"].layer.weight[7], atol=1e-6)
    assert found.passed == ()


def test_a_unit_is_shown_with_what_weighs_most() -> None:
    model = branching()
    result = filters(model, show="expanded", node="conv2", channel=3, source="conv1", count=4)
    squares = (expanded_weights(model, "conv2", [3], "conv1").weights[0].astype(float) ** 2).sum(axis=(1, 2))
    assert result.numbers.tolist() == np.argsort(-squares)[:4].tolist()
    assert result.share == pytest.approx(np.sort(squares)[-4:].sum() / squares.sum())
    assert set(result.passed) == {"relu1", "pool1", "left_relu"}
    assert any("A gate that is shut" in note for note in result.notes)
    with_patches = filters(model, show="expanded", node="conv2", channel=3, source="conv1", pictures="scenes:12")
    assert [len(patches) for patches in with_patches.channel_patches] == [3] * 6
    assert len(with_patches.patches) == 8


def test_by_default_the_unit_with_the_longest_weights_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few are expanded at once; which, does not matter."""
    model = branching()
    squares = (expanded_weights(model, "both", range(10), "pool1").weights.astype(float) ** 2).sum(axis=(1, 2, 3))
    monkeypatch.setattr(_filters_unit, "AT_ONCE", 3)
    assert filters(model, show="expanded", node="both").channel == squares.argmax()
    assert filters(model, show="expanded", node="both").source == "pool1"


def test_local_response_normalization_passes_on() -> None:
    model = over(
        ("conv1", Conv2d(normal(6, 3, 3, 3), padding=1)),
        ("norm", LocalResponseNorm(5, 1.0)),
        ("conv2", Conv2d(normal(4, 6, 1, 1, seed=1))),
        channels=4,
    )
    found = expanded_weights(model, "conv2", [0], "conv1")
    np.testing.assert_allclose(found.weights[0], model.net["conv2"].layer.weight[0], atol=1e-6)


# ------------------------------------------------------------------ settings and figures


@pytest.mark.parametrize(
    ("settings", "kind", "words"),
    [
        ({"show": "gabors"}, SettingError, "no picture 'gabors'"),
        ({"show": "gabor", "node": "conv2"}, SettingError, "for filters that look at the picture"),
        ({"show": "best-input", "node": "conv2"}, SettingError, "give node='conv1'"),
        ({"show": "components", "node": "conv2"}, SettingError, "for filters that look at the picture"),
        ({"channel": 3}, SettingError, "settings of show='expanded'"),
        ({"pictures": "scenes:3"}, SettingError, "looks at no pictures"),
        ({"show": "expanded", "channel": 999}, SettingError, "has the channels 0 to"),
        ({"show": "expanded", "node": "conv2", "source": "conv3"}, SettingError, "Nothing leads from 'conv3'"),
        ({"show": "expanded", "node": "logits"}, SettingError, "a node with maps"),
        ({"show": "expanded", "source": "conv77"}, NetError, "conv77"),
        ({"show": "expanded", "node": "conv77"}, NetError, "conv77"),
    ],
)
def test_bad_settings(settings: dict, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        filters(load_model("scenes"), **settings)


@pytest.mark.parametrize("name", ["digits", "scenes"])
@pytest.mark.parametrize("show", SHOWS)
def test_every_picture_can_be_read(show: str, name: str) -> None:
    result = filters(load_model(name), show=show, count=4 if show == "gabor" else 12)
    assert "scale" in result.caption
    check(result.figure())


@pytest.mark.parametrize("show", [show for show in SHOWS if show != "components"])
def test_other_channels_than_a_photos(show: str) -> None:
    """Of a net for four channels none is left out."""
    layers = [("conv", Conv2d(normal(4, 4, 5, 5), padding=2)), ("relu", ReLU()), ("conv2", Conv2d(normal(4, 4, 3, 3)))]
    head = [("gap", GlobalAvgPool2d()), ("flat", Flatten()), ("fc", Linear(normal(2, 4, seed=9)))]
    model = Model.from_net(Net([*layers, *head]), readers=Bands((12, 12), 4))
    result = filters(model, show=show)
    assert not result.colour
    check(result.figure())


def test_a_report_shows_deeper_filters_in_colours() -> None:
    runs = TECHNIQUE.in_report
    assert runs(load_model("scenes")) == [{}, {"show": "colours"}]
    assert runs(load_model("faces")) == [{}]


@pytest.mark.parametrize("show", ["colours", "expanded"])
def test_with_patches_too(show: str) -> None:
    check(filters(load_model("scenes"), show=show, pictures="scenes:20").figure())


def test_numbers_are_saved(tmp_path: Path) -> None:
    for show in SHOWS:
        path = filters(load_model("digits"), show=show, count=4).save(tmp_path / f"{show}.npz")
        assert "weights" in np.load(path)


def test_ctrl_c_keeps_the_pictures_seen_so_far_and_says_how_many(monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*arguments):
        yield next(iter(tallied(*arguments)))
        raise KeyboardInterrupt

    monkeypatch.setattr("minitorch_viz.techniques.weights._filters_patches.tallied", stopped)
    found = top_patches(load_model("scenes"), "scenes:100", {"relu3": ((0, 1), 3)})
    assert found.source == "scenes (the first 64 of 100)"
    assert [len(patches) for patches in found.patches["relu3"]] == [3, 3]


def test_the_weights_of_a_row_are_no_pictures() -> None:
    rng = np.random.default_rng(0)
    rows = Model.from_net(Net([("hidden", Linear.random(rng, 5, 4)), ("scores", Linear.random(rng, 4, 3))]), (5,))
    assert "no filters to show" in str(get_technique("filters").refuses(rows))
    assert get_technique("templates").refuses(rows)
