"""The deconvnet: the paper's steps written out, one photo and several, on the command line too."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from minitorch_viz.cli import main
from minitorch_viz.layers import ConvTranspose2d, MaxUnpool2d
from minitorch_viz.models.samples import sample_digit
from minitorch_viz.techniques.gradients.deconvnet import deconvnet

THREE = [sample_digit(k) for k in (3, 5, 8)]


@pytest.mark.parametrize("channel", [0, 7, 20])
def test_it_is_the_papers_deconvnet(digits, channel) -> None:
    """Keep one activation, set the rest to 0; unpool by the switches, rectify, filter with the transposed filters."""
    model = digits.astype(np.float64)
    result = deconvnet(model, sample_digit(), node="relu3", channel=channel)
    tape = model.net.forward(model.preprocess(sample_digit()))
    maps = tape["relu3"]
    row, column = np.unravel_index(maps[0, channel].argmax(), maps.shape[2:])
    signal = np.zeros_like(maps)
    signal[0, channel, row, column] = maps[0, channel, row, column]

    def filtered(name: str, x: np.ndarray) -> np.ndarray:
        return ConvTranspose2d(model.net[name].layer.weight, padding=1).forward(x)[0]

    signal = filtered("conv3", np.maximum(signal, 0))
    signal = MaxUnpool2d.from_saved(tape.saved["pool2"]).forward(signal)[0]
    signal = filtered("conv2", np.maximum(signal, 0))
    signal = filtered("conv1", np.maximum(signal, 0))
    np.testing.assert_allclose(result.signals[0], signal[0], rtol=1e-10, atol=1e-14)
    assert result.values == (pytest.approx(maps[0, channel].max()),)


def test_a_class_has_seed_1(digits) -> None:
    """Also where its score is negative, which no unit of a ReLU is."""
    scores = digits.net.predict(digits.preprocess(sample_digit()), upto="logits")[0]
    lowest = int(scores.argmin())
    assert scores[lowest] < 0
    result = deconvnet(digits, sample_digit(), target=lowest)
    assert result.heat.any()
    assert result.notes == ()


def test_several_photos_are_each_alone(digits) -> None:
    """One channel, in each photo where it is strongest; the same arrays as one at a time."""
    together = deconvnet(digits, THREE, node="relu2", channel=9)
    for number, image in enumerate(THREE):
        alone = deconvnet(digits, image, node="relu2", channel=9)
        np.testing.assert_array_equal(together.signals[number], alone.signals[0])
        np.testing.assert_array_equal(together.pictures[number], alone.pictures[0])
        assert together.fields[number] == alone.fields[0]
        assert together.labels[number] == alone.labels[0]
    assert together.heat is None
    assert "3 photos" in together.caption


def test_by_default_the_channel_is_strong_in_all_photos(digits) -> None:
    result = deconvnet(digits, THREE)
    maps = np.concatenate([digits.net.predict(digits.preprocess(image), upto="relu2") for image in THREE])
    best = maps.max(axis=(2, 3)).mean(axis=0).argmax()
    assert all(label.startswith(f"relu2 channel {best} at ") for label in result.labels)


def test_a_tuple_is_a_list_and_one_in_a_list_is_one(digits) -> None:
    np.testing.assert_equal(deconvnet(digits, tuple(THREE)).signals, deconvnet(digits, THREE).signals)
    assert deconvnet(digits, [sample_digit()]).heat.shape == (8, 8)


@pytest.mark.parametrize(("node", "position"), [("relu1", (2, 6)), ("relu2", (0, 0)), ("relu2", (4, 3))])
def test_nothing_lies_outside_the_receptive_field(digits, node, position) -> None:
    tape = digits.net.forward(digits.preprocess(sample_digit()))
    channel = int(tape[node][0, :, *position].argmax())
    result = deconvnet(digits, sample_digit(), node=node, channel=channel, position=position)
    top, left, bottom, right = result.fields[0]
    assert result.signals[0][:, top:bottom, left:right].any()
    outside = result.signals[0].copy()
    outside[:, top:bottom, left:right] = 0
    assert not outside.any()
    assert (bottom - top, right - left) != (8, 8)


def test_a_silent_photo_among_others_is_said(digits) -> None:
    images = [sample_digit(), np.zeros((8, 8, 3), np.uint8)]
    tape = digits.net.forward(digits.preprocess(images[1]))
    live = digits.net.forward(digits.preprocess(images[0]))["relu3"][0].max(axis=(1, 2))
    silent = (tape["relu3"][0].max(axis=(1, 2)) <= 0) & (live > 0)
    result = deconvnet(digits, images, node="relu3", channel=int(np.flatnonzero(silent)[0]))
    assert len(result.notes) == 1
    assert result.notes[0].startswith("The map of photo 2 is blank because the unit did not fire")
    assert result._repr_png_().startswith(b"\x89PNG")


@pytest.mark.parametrize("count", [1, 2, 3, 5, 9])
def test_the_figure_has_a_projection_and_a_crop_a_photo(digits, count) -> None:
    figure = deconvnet(digits, (THREE * 3)[:count], node="relu2").figure()
    shown = [axes for axes in figure.axes if axes.images]
    if count == 1:
        shown = shown[2:]  # the photo and the whole projection come first
    assert len(shown) == 2 * count
    for projection, crop in zip(shown[:count], shown[count:], strict=True):
        assert projection.images[0].get_array().shape[:2] == crop.images[0].get_array().shape[:2]


def test_the_command_takes_several_photos(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    for number, image in enumerate(THREE):
        Image.fromarray(image).save(f"{number}.png")
    assert main(["deconvnet", "0.png", "1.png", "2.png", "--node", "relu2", "--model", "digits"]) == 0
    assert "of 3 photos" in capsys.readouterr().out
    assert main(["deconvnet", "0.png", "--model", "digits", "--out", "one.png"]) == 0
    assert 'class "3"' in capsys.readouterr().out
    assert main(["deconvnet", "0.png", "nowhere.png", "--model", "digits", "--out", "rest.png"]) == 1
    printed = capsys.readouterr()
    assert "nowhere.png" in printed.err  # a bad photo costs itself only
    assert 'class "3"' in printed.out
    assert main(["deconvnet", "nowhere.png", "--out", "none.png"]) == 2
    assert "nowhere.png" in capsys.readouterr().err
    assert main(["saliency", "0.png", "1.png", "--model", "digits"]) == 0  # a technique of one photo: a file for each
    assert {path.name for path in (tmp_path / "saliency").iterdir()} == {"0.png", "1.png"}
    written = {"deconvnet.png", "one.png", "rest.png", "saliency"}
    assert {path.name for path in tmp_path.iterdir()} == written | {"0.png", "1.png", "2.png"}
