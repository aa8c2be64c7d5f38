"""Activation maps: the right channels, in the right order, with honest counts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from minitorch_viz import Model, Net
from minitorch_viz.errors import ImageFileError, MinitorchVizError, NetError, SettingError
from minitorch_viz.layers import Conv2d, Flatten, GlobalAvgPool2d, ReLU
from minitorch_viz.models.samples import sample_digit
from minitorch_viz.techniques.activations.activation_maps import TECHNIQUE, activation_maps


def test_they_are_the_nodes_activations_strongest_first(digits) -> None:
    tape = digits.net.forward(digits.preprocess(sample_digit()))
    result = activation_maps(digits, sample_digit(), node="relu2", count=5)
    np.testing.assert_array_equal(result.maps, tape["relu2"][0][result.channels])
    peaks = tape["relu2"][0].max(axis=(1, 2))
    assert list(peaks[result.channels]) == sorted(peaks, reverse=True)[:5]
    assert result.dead == int((peaks <= 0).sum())
    assert result.of == 32


def test_order_by_index(digits) -> None:
    result = activation_maps(digits, sample_digit(), node="conv1", count=4, order="index")
    np.testing.assert_array_equal(result.channels, [0, 1, 2, 3])
    assert result.maps.min() < 0
    assert "blue negative" in result.caption


def test_the_default_is_the_last_node_with_maps(digits) -> None:
    assert activation_maps(digits, sample_digit()).node == "relu3"


def test_maps_of_the_classes_are_not_the_default(rng) -> None:
    """A net that ends in one map a class, as SqueezeNet does: the features are before them."""
    layers = [
        ("conv", Conv2d.random(rng, 3, 6, 3, padding=1)),
        ("relu", ReLU()),
        ("classes", Conv2d.random(rng, 6, 4, 1)),
    ]
    net = Net([*layers, ("relu2", ReLU()), ("gap", GlobalAvgPool2d()), ("flat", Flatten())])
    model = replace(Model.from_net(net, 8), last_conv="relu")
    assert activation_maps(model, rng.integers(0, 256, (8, 8, 3)).astype(np.uint8)).node == "relu"


def test_silent_channels_are_mentioned_where_there_are_some(digits) -> None:
    loud, some = (activation_maps(digits, sample_digit(), node=node) for node in ("conv1", "relu3"))
    for result in (loud, some):
        assert ("nowhere" in result.caption) == (result.dead > 0)
        if result.dead:
            assert f"Of the {result.of} channels {result.dead} fire nowhere" in result.caption


def test_more_than_there_are_shows_all(digits) -> None:
    assert len(activation_maps(digits, sample_digit(), node="relu1", count=1000).maps) == 16


def test_silence_is_noted(red_detector) -> None:
    result = activation_maps(red_detector, np.zeros((12, 12, 3), np.uint8), node="relu")
    assert result.dead == result.of == 1
    assert "Nothing fires" in result.notes[0]


def test_the_red_channel_shows_where_red_is(red_detector) -> None:
    image = np.zeros((12, 12, 3), np.uint8)
    image[2:5, 7:9, 0] = 255
    shown = activation_maps(red_detector, image, node="relu").maps[0]
    np.testing.assert_allclose(shown, (image[..., 0] > 0).astype(float), rtol=1e-6)


def test_the_report_shows_an_early_a_middle_and_a_late_layer(digits) -> None:
    assert [run["node"] for run in TECHNIQUE.in_report(digits)] == ["relu1", "relu2", "relu3"]


BAD = {
    "no such file": ({"image": "nowhere.jpg"}, ImageFileError, "nowhere.jpg"),
    "no image": ({"image": None}, ImageFileError, "None"),
    "a class": ({"image": int}, ImageFileError, "type"),
    "empty array": ({"image": np.zeros((0, 4, 3), np.uint8)}, ImageFileError, r"\(0, 4, 3\)"),
    "five channels": ({"image": np.zeros((4, 4, 5), np.uint8)}, ImageFileError, r"\(4, 4, 5\)"),
    "integers": ({"image": np.zeros((4, 4, 3), np.int64)}, ImageFileError, "int64"),
    "unknown node": ({"node": "relu7"}, NetError, "relu7"),
    "node is a number": ({"node": 3}, NetError, "3"),
    "node without maps": ({"node": "flatten"}, SettingError, "no maps"),
    "the class scores": ({"node": "logits"}, SettingError, "no maps"),
    "no maps wanted": ({"count": 0}, SettingError, "count .*0"),
    "negative count": ({"count": -2}, SettingError, "count .*-2"),
    "count is a float": ({"count": 2.5}, SettingError, "count .*2.5"),
    "count is None": ({"count": None}, SettingError, "count .*None"),
    "unknown order": ({"order": "strong"}, SettingError, "near orders: strongest"),
    "order is None": ({"order": None}, SettingError, "None"),
    "unknown scale": ({"scale": "share"}, SettingError, "near scales: shared"),
}


@pytest.mark.parametrize(("settings", "kind", "message"), BAD.values(), ids=list(BAD))
def test_bad_input_is_told_in_a_sentence(digits, settings, kind, message) -> None:
    with pytest.raises(MinitorchVizError, match=message) as caught:
        activation_maps(digits, **{"image": sample_digit(), **settings})
    assert isinstance(caught.value, kind)
