"""Unit models: units, channels and directions, as large as what they see, beside natural patches."""

from __future__ import annotations

import numpy as np
import pytest

import minitorch_viz_kernels as kernels
from minitorch_viz import load_model
from minitorch_viz.data import load_digits
from minitorch_viz.errors import NetError, SettingError
from minitorch_viz.optimize.units import Units
from minitorch_viz.techniques.explain.receptive import geometry
from minitorch_viz.techniques.optimization._units import direction_meant, where
from minitorch_viz.techniques.optimization.unit_model import unit_model

DIGITS, SCENES = load_model("digits"), load_model("scenes")
UNITS = Units.of(SCENES.reader())


def test_a_unit_is_shown_at_the_size_of_what_it_sees() -> None:
    result = unit_model(SCENES, node="relu2", channels="4,9", position=(5, 6), steps=16, pictures="scenes:6")
    size, placed = where(SCENES, "relu2", (5, 6))
    box = geometry(SCENES, "relu2").box((5, 6))
    assert placed is not None
    assert placed.box == tuple(box)
    assert result.pixels.shape == (2, *size, 3)
    assert size[0] == box.bottom - box.top + 2 * round(0.15 * (box.bottom - box.top))
    assert (result.after > result.before).all()
    x = UNITS.picture(result.pixels.transpose(0, 3, 1, 2).astype(np.float32))
    whole = placed.draw(np.random.default_rng(0), size).forward(x)
    answers = kernels.to_cpu(SCENES.net.forward(UNITS.net(whole), upto="relu2")["relu2"])
    np.testing.assert_allclose(result.after, answers[[0, 1], [4, 9], 5, 6], rtol=1e-4)


def test_nothing_beyond_what_it_sees_is_moved() -> None:
    result = unit_model(SCENES, node="relu1", channels=3, preset="simonyan", steps=4, pictures="scenes:4")
    high = result.pixels.shape[1]
    box = geometry(SCENES, "relu1").box((0, 0))
    margin = (high - (box.bottom - box.top)) // 2
    assert margin > 0
    grey = np.round(UNITS.pixels(np.zeros((1, 3, 1, 1), np.float32))).astype(np.uint8).ravel()
    assert (result.pixels[0, :margin] == grey).all()
    assert (result.pixels[0, high // 2] != grey).any()


@pytest.mark.parametrize(
    ("settings", "value"),
    [
        ({"channels": 5, "whole": "channel"}, lambda maps: maps[:, 5].mean()),
        ({"channels": 5, "plus": 3, "minus": 7}, lambda maps: (maps[:, 5] + maps[:, 3] - maps[:, 7])[0, 4, 4]),
        ({"direction": "3:1,7:-0.5", "whole": "channel"}, lambda maps: (maps[:, 3] - 0.5 * maps[:, 7]).mean()),
        ({"direction": "3:1,7:-0.5"}, lambda maps: (maps[:, 3] - 0.5 * maps[:, 7])[0, 4, 4]),
        ({"channels": 5, "whole": "channel", "minus": 7}, lambda maps: (maps[:, 5] - maps[:, 7]).mean()),
    ],
)
def test_what_is_climbed_is_what_was_asked_for(settings: dict, value) -> None:
    result = unit_model(DIGITS, node="relu2", steps=16, pictures=load_digits()[1][:20], **settings)
    x = DIGITS.preprocess(result.pixels[0].repeat(3, axis=2))
    maps = kernels.to_cpu(DIGITS.net.forward(x, upto="relu2")["relu2"])
    assert result.after[0] == pytest.approx(float(value(maps)), rel=1e-3, abs=1e-4)
    assert result.after[0] > result.before[0]
    answers = [patch.value for patch in result.natural[0]]
    assert answers == sorted(answers, reverse=True)
    first = result.natural[0][0]
    alone = kernels.to_cpu(DIGITS.net.forward(DIGITS.preprocess(load_digits()[1].images[first.number]))["relu2"])
    weights = {5: 1.0, 3: 1.0, 7: -1.0} if "plus" in settings else direction_meant(settings.get("direction"))
    weights = weights or ({5: 1.0, 7: -1.0} if "minus" in settings else {5: 1.0})
    summed = sum(weight * alone[0, number] for number, weight in weights.items())
    assert first.value == pytest.approx(float(summed.max()), rel=1e-4)
    assert first.position == np.unravel_index(summed.argmax(), summed.shape)


def test_a_node_without_places() -> None:
    result = unit_model(DIGITS, node="logits", channels=3, steps=8)
    assert result.labels == ("logits unit 3",)
    assert result.pixels.shape == (1, 8, 8, 1)


def test_some_channels_are_shown_where_none_is_named() -> None:
    result = unit_model(DIGITS, node="relu2", steps=1, pictures=load_digits()[1][:4])
    assert len(result.pixels) == 6
    assert "these are 6 of the 32 of relu2" in result.notes[-1]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"channels": 99}, "channel of 'relu2' must be"),
        ({"direction": "3,1"}, 'channels with their weights, "3:1,17:-1"'),
        ({"direction": "3:0"}, "not 0"),
        ({"direction": "3:1,3:2"}, "twice"),
        ({"direction": "99:1"}, "channel of 'relu2'"),
        ({"direction": "3:1", "channels": 4}, "says all of it"),
        ({"channels": 4, "minus": 4}, "named twice"),
        ({"channels": 4, "whole": "channel", "position": (1, 1)}, "leave it out of a whole channel"),
        ({"channels": 4, "position": (9, 1)}, "row of 'relu2'"),
        ({"channels": "all"}, "At most 20 pictures"),
        ({"whole": "net"}, "There is no whole 'net'"),
        ({"node": "logits", "channels": 1, "position": (1, 1)}, "no position"),
    ],
)
def test_a_setting_that_does_not_fit_gets_a_sentence(settings: dict, words: str) -> None:
    with pytest.raises(SettingError, match=words):
        unit_model(DIGITS, **{"node": "relu2", **settings})


def test_an_unknown_node_is_told_near_ones() -> None:
    with pytest.raises(NetError, match="relu"):
        unit_model(DIGITS, node="relu9")
