"""Network: every number on the page against the net itself, finite differences, NumPy, and nets that are known."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from minitorch_viz import Model, Net, load_model
from minitorch_viz.errors import MinitorchVizError, NetError, SettingError
from minitorch_viz.layers import Conv2d, Flatten, GlobalAvgPool2d, Linear, ReLU, Sigmoid, Softmax
from minitorch_viz.models.samples import sample_digit
from minitorch_viz.techniques.activations._network_correlation import clustered, correlation
from minitorch_viz.techniques.activations._network_sheets import FEW, Sheet, spread_of
from minitorch_viz.techniques.activations._network_tiles import colours, pixels_of, tiled
from minitorch_viz.techniques.activations.network import network


@pytest.fixture(scope="module")
def exact() -> Model:
    return load_model("digits").astype(np.float64)


def card(result, name: str):
    return next(each for each in result.cards if each.name == name)


def test_every_node_is_there_with_its_own_numbers(exact) -> None:
    result = network(exact, sample_digit(), target=8)
    tape = exact.net.forward(exact.preprocess(sample_digit()))
    assert [each.name for each in result.cards] == list(exact.net.names)
    seed = np.zeros((1, 10))
    seed[0, 8] = 1
    for each in result.cards:
        values = tape[each.name][0]
        assert (each.activations.spread.least, each.activations.spread.most) == (values.min(), values.max())
        assert each.activations.spread.mean == pytest.approx(values.mean())
        assert each.shape == values.shape
        if each.name == "prob":
            assert each.gradients is None
            continue
        back = exact.net.backward(tape, {"logits": seed}, wrt=each.name, plan="plain")[each.name]
        assert each.gradients.spread.least == pytest.approx(back.min())
        assert each.gradients.spread.most == pytest.approx(back.max())
        if values.ndim == 3:
            assert each.channels[0] == np.abs(values).max(axis=(1, 2)).argmax()
            for shown, channel in zip(each.gradients.pictures, each.channels, strict=True):
                np.testing.assert_allclose(shown, back[0, channel], atol=1e-6)


def test_gradients_of_the_loss_are_its_finite_differences(exact) -> None:
    """Of -log of a wrong class's probability, by a pixel and by weights of each layer."""
    result = network(exact, sample_digit(), target=8, of="loss")
    x = exact.preprocess(sample_digit())

    def loss(net: Net, x: np.ndarray) -> float:
        return -float(np.log(net.predict(x)[0, 8]))

    assert f"the loss {loss(exact.net, x):.3g} of class" in result.label
    step = 1e-5
    moved = [x.copy(), x.copy()]
    moved[0][0, 0, 3, 4] += step
    moved[1][0, 0, 3, 4] -= step
    slope = (loss(exact.net, moved[0]) - loss(exact.net, moved[1])) / (2 * step)
    assert card(result, "input").gradients.pictures[0, 3, 4] == pytest.approx(slope, rel=1e-4)
    for name in ("conv1", "conv3", "logits"):
        (weight, _) = card(result, name).params
        values = exact.net[name].layer.weight
        rows = card(result, name).channels or range(10)
        if name == "conv1":
            at, shown = (rows[2], 0, 1, 1), weight.gradients.pictures[2, 1, 1]
        elif name == "conv3":
            at, shown = (rows[1], 3, 0, 2), weight.gradients.pictures[1 * 8 + 3, 0, 2]
        else:
            at, shown = (8, 17), weight.gradients.pictures[0, 0, 17]  # the class that is explained comes first
        slopes = []
        for sign in (1, -1):
            copy = values.copy()
            copy[at] += sign * step
            slopes.append(sign * loss(exact.net.with_params({f"{name}.weight": copy}), x) / (2 * step))
        assert shown == pytest.approx(sum(slopes), rel=1e-3, abs=1e-7)


def gated(layer) -> Model:
    """Three channels of a constant grey picture: +2, -2, and the picture's left half minus its right half."""
    weight = np.zeros((3, 3, 1, 1))
    weight[2] = 4
    conv = Conv2d(weight, np.array([20.0, -20.0, -2.0]))
    layers = [("conv", conv), ("gate", layer), ("gap", GlobalAvgPool2d()), ("flat", Flatten())]
    return Model.from_net(Net([*layers, ("fc", Linear(np.eye(3))), ("prob", Softmax())]), 8)


def half_white() -> np.ndarray:
    image = np.zeros((8, 8, 3), np.uint8)
    image[:, :4] = 255
    return image


def test_dead_and_shut_units_are_counted() -> None:
    """Channel 1 never fires, channel 2 in the left half."""
    gate = card(network(gated(ReLU()), half_white()), "gate")
    assert gate.dead == 1
    assert gate.shut == pytest.approx((64 + 32) / 192)
    assert gate.saturated is None
    result = network(gated(ReLU()), half_white())
    assert any("1 channels of 1 nodes" in note and "gate 1 of 3" in note for note in result.notes)


def test_saturated_units_are_counted() -> None:
    """A sigmoid of +-20 is at its limits, as is that of 10; that of -2 is not."""
    gate = card(network(gated(Sigmoid()), half_white()), "gate")
    assert gate.limits == (0, 1)
    assert gate.saturated == pytest.approx((64 + 64 + 32) / 192)
    assert gate.shut == 0
    assert any("within 0.01 of a limit: gate 83%" in note for note in network(gated(Sigmoid()), half_white()).notes)


def test_correlations_are_numpys() -> None:
    values = np.random.default_rng(0).standard_normal((7, 40))
    values[3] = 5  # has no correlation
    values[6] = 2 * values[1] + 0.01 * values[2]
    result = correlation(values)
    assert result.constant == 1
    assert sorted(result.channels.tolist()) == [0, 1, 2, 4, 5, 6]
    np.testing.assert_allclose(result.matrix, np.corrcoef(values[result.channels]), atol=1e-12)
    assert result.pairs[0][:2] == (1, 6)
    assert result.pairs[0][2] == pytest.approx(np.corrcoef(values[1], values[6])[0, 1])
    places = list(result.channels)
    assert abs(places.index(1) - places.index(6)) == 1  # alike ones side by side


def test_the_order_puts_groups_together() -> None:
    rng = np.random.default_rng(1)
    causes = rng.standard_normal((3, 200))
    groups = rng.permutation(np.repeat(np.arange(3), 6))
    values = causes[groups] + 0.3 * rng.standard_normal((18, 200))
    ordered = groups[clustered(np.corrcoef(values))]
    assert (np.diff(ordered) != 0).sum() == 2


def test_too_few_places_tell_nothing() -> None:
    assert correlation(np.random.default_rng(0).standard_normal((7, 4))) is None
    assert correlation(np.ones((7, 40))) is None


def test_bars_count_every_number_once() -> None:
    values = np.array([0, 0, -1, 0.5, 2, 9.0])
    spread = spread_of(values, 2)
    assert spread.counts.sum() == 4
    assert spread.zeros == pytest.approx(2 / 6)
    assert (spread.edges[0], spread.edges[-1]) == (-1, 2)
    assert spread.counts[-1] == 2  # 2, and what lies beyond
    assert (spread.least, spread.most) == (-1, 9)
    assert FEW == 1000


def test_colours_say_what_the_scale_says() -> None:
    """0 is white amid red and blue, black where there is nothing negative; the ends are at full colour and beyond."""
    spread = spread_of(np.array([-4.0, 4.0]), 4)
    signed = Sheet(np.array([[[-4.0, 0.0, 4.0, 8.0, np.nan]]]), 1, 4.0, "", spread)
    indices = tiled(signed)[0]
    assert indices.tolist() == [0, 127, 254, 254, 255]
    assert (colours(True)[127] > 240).all()
    assert colours(True)[0][2] > colours(True)[0][0]
    assert colours(True)[254][0] > colours(True)[254][2]
    positive = Sheet(np.array([[[0.0, 2.0, 4.0]]]), 1, 4.0, "", spread_of(np.array([0.0, 4.0]), 4))
    np.testing.assert_array_equal(pixels_of(positive)[0, :, 0], [0, 128, 255])


def test_the_page_holds_every_node_and_needs_no_network(exact, tmp_path) -> None:
    result = network(exact, sample_digit())
    page = result.save(tmp_path / "net.html").read_text()
    for name in exact.net.names:
        assert f"<h2>{name}</h2>" in page
    assert not re.search(r'(src|href)="(?!data:|#)', page)
    assert page.count("<svg") == sum(
        1 + (each.gradients is not None) + sum(1 + (p.gradients is not None) for p in each.params)
        for each in result.cards
    )
    assert len(page) < 500_000


def test_the_figure_shows_the_named_nodes(exact) -> None:
    result = network(exact, sample_digit(), nodes="relu2, conv1")
    words = [text.get_text().split("\n")[0] for text in result.figure().axes[0].texts]
    assert "relu2" in words
    assert "conv1" in words
    assert "conv2" not in words
    assert "2 of 11 nodes" in result.caption


@pytest.mark.nightly
def test_googlenets_page_is_small_enough_for_a_phone(googlenet, shared_data, tmp_path) -> None:
    result = network(googlenet, shared_data / "photos" / "cat_dog.jpg")
    page = result.save(tmp_path / "net.html")
    assert page.stat().st_size < 10e6
    assert page.read_text().count('class="card node"') == len(googlenet.net.names)
    assert len(result.chosen) <= 10


BAD = {
    "an unknown node": ({"nodes": "relu9"}, NetError, "relu9"),
    "an unknown class": ({"target": "elephant"}, SettingError, "elephant"),
    "no such gradient": ({"of": "losss"}, SettingError, "losss.*loss"),
    "the loss of a unit": ({"of": "loss", "node": "relu1"}, SettingError, "take of=score"),
    "no channel": ({"count": 0}, SettingError, "count"),
}


@pytest.mark.parametrize(("settings", "kind", "message"), BAD.values(), ids=list(BAD))
def test_bad_input_is_told_in_a_sentence(digits, settings, kind, message) -> None:
    with pytest.raises(MinitorchVizError, match=message) as caught:
        network(digits, sample_digit(), **settings)
    assert isinstance(caught.value, kind)


def test_broken_weights_are_named_and_the_rest_is_shown(digits) -> None:
    weight = digits.net["conv2"].layer.weight.copy()
    weight[0, 0, 0, 0] = np.nan
    broken = replace(digits, net=digits.net.with_params({"conv2.weight": weight}))
    result = network(broken, sample_digit(), target=3)
    assert "conv2.weight holds NaN" in result.notes[0]
    result.figure()
    assert np.isfinite(card(result, "conv1").activations.spread.mean)
