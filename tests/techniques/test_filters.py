"""Filters: the weights as they are, in the order and on the scale that are said."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz import Model, Net, load_model
from minitorch_viz.errors import NetError, SettingError
from minitorch_viz.layers import Conv2d, ConvTranspose2d, Flatten, GlobalAvgPool2d, Linear, ReLU
from minitorch_viz.techniques.weights.filters import filters


def model_of(weight: np.ndarray) -> Model:
    rng = np.random.default_rng(0)
    layers = [
        ("conv", Conv2d(weight.astype(np.float32))),
        ("relu", ReLU()),
        ("gap", GlobalAvgPool2d()),
        ("flat", Flatten()),
    ]
    return Model.from_net(Net([*layers, ("fc", Linear.random(rng, len(weight), 2))]), 8)


def test_the_weights_are_the_layers() -> None:
    scenes = load_model("scenes")
    result = filters(scenes)
    np.testing.assert_array_equal(result.weights, scenes.net[scenes.first_conv].layer.weight)
    assert result.colour
    assert not filters(scenes, node="conv2").colour


def test_the_longest_come_first() -> None:
    weight = np.zeros((4, 3, 2, 2))
    weight[:, 0, 0, 0] = (1, -3, 0, 2)
    result = filters(model_of(weight), order="norm")
    assert result.numbers.tolist() == [1, 3, 0, 2]
    assert result.norms.tolist() == [3, 2, 1, 0]
    assert result.notes == ("1 of the filters shown are 0 everywhere.",)
    assert filters(model_of(weight), order="norm", count=2).numbers.tolist() == [1, 3]
    assert filters(model_of(weight)).numbers.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(("scale", "expected"), [("each", [1, 3, 1, 2]), ("shared", [3, 3, 3, 3])])
def test_the_scale_is_the_largest_magnitude(scale: str, expected: list[float]) -> None:
    weight = np.zeros((4, 3, 2, 2))
    weight[:, 0, 0, 0] = (1, -3, 0, 2)
    assert filters(model_of(weight), scale=scale).full_scales.tolist() == expected


@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_positive_is_brighter_or_red(channels: int) -> None:
    """A filter whose left half is positive, drawn: its left half has more red than its right one."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    weight = np.zeros((1, channels, 4, 4))
    weight[..., :2], weight[..., 2:] = 1, -1
    figure = filters(model_of(weight)).figure()
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3].astype(float)
    box = figure.axes[0].get_window_extent()
    inside = pixels[len(pixels) - int(box.y1) + 4 : len(pixels) - int(box.y0) - 4, int(box.x0) + 4 : int(box.x1) - 4]
    half = inside.shape[1] // 2
    left, right = inside[:, : half - 3].mean(axis=(0, 1)), inside[:, half + 3 :].mean(axis=(0, 1))
    assert left[0] > right[0] + 60


@pytest.mark.parametrize(
    ("settings", "kind", "words"),
    [
        ({"node": "relu1"}, SettingError, "is a ReLU, which has no filters; these have: conv1"),
        ({"node": "conv9"}, NetError, "conv9"),
        ({"count": 0}, SettingError, "number of filters"),
        ({"order": "size"}, SettingError, "no order 'size'"),
        ({"scale": "all"}, SettingError, "no scale 'all'"),
    ],
)
def test_bad_settings(settings: dict, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        filters(load_model("scenes"), **settings)


def test_a_transposed_convolution_has_its_filters_the_other_way_round() -> None:
    rng = np.random.default_rng(0)
    layers = [("up", ConvTranspose2d.random(rng, 3, 4, 2)), ("gap", GlobalAvgPool2d()), ("flat", Flatten())]
    model = Model.from_net(Net([*layers, ("fc", Linear.random(rng, 4, 2))]), 8)
    with pytest.raises(SettingError, match="ConvTranspose2d"):
        filters(model, node="up")
