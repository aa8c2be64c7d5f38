"""Saliency: against formulas, invariants, and Captum."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz.errors import ImageFileError, MinitorchVizError, NetError, SettingError
from minitorch_viz.models.samples import sample_digit
from minitorch_viz.techniques.gradients.saliency import plot, saliency


def test_a_red_square_looks_red(red_detector) -> None:
    """The red detector's gradient is red, and equal everywhere there is red light."""
    image = np.zeros((12, 12, 3), np.uint8)
    image[3:6, 4:8, 0] = 200
    result = saliency(red_detector, image, target="red")
    gradient = result.gradients["normal"]
    inside = np.zeros((12, 12), bool)
    inside[3:6, 4:8] = True
    assert not gradient[1:].any()
    np.testing.assert_allclose(gradient[0][inside], 10 / 144, rtol=1e-6)
    assert not gradient[0][~inside].any()
    from matplotlib.figure import Figure

    figure = Figure()
    plot(result, figure)
    drawn = figure.axes[2].images[0].get_array()  # sign and colour
    red, green, blue = drawn[4, 5]
    assert red > green
    assert green == blue == pytest.approx(0.5)
    np.testing.assert_allclose(drawn[0, 0], 0.5)  # no gradient is mid-grey


def test_it_is_the_derivative_of_the_score(digits) -> None:
    """One pixel is moved by a little, in float64: the score follows the map."""
    model = digits.astype(np.float64)
    x = model.preprocess(sample_digit())
    gradient = saliency(model, sample_digit(), target=3).gradients["normal"]
    step = 1e-6
    for row, column in [(0, 0), (3, 4), (7, 2), (5, 5)]:
        moved = np.zeros_like(x)
        moved[0, 0, row, column] = step
        up, down = (model.net.predict(x + sign * moved, upto=model.logits)[0, 3] for sign in (1, -1))
        assert (up - down) / (2 * step) == pytest.approx(gradient[0, row, column], rel=1e-5, abs=1e-8)


def test_target_defaults_to_the_best_class(digits) -> None:
    best = digits.classify(sample_digit(), top=1)[0]
    result = saliency(digits, sample_digit())
    assert f"({best.index})" in result.label
    np.testing.assert_array_equal(
        result.gradients["normal"], saliency(digits, sample_digit(), target=best.index).gradients["normal"]
    )


def test_compare_is_the_three_modes(digits) -> None:
    together = saliency(digits, sample_digit(), mode="compare").gradients
    assert list(together) == ["normal", "deconvnet", "guided"]
    for mode, gradient in together.items():
        np.testing.assert_array_equal(gradient, saliency(digits, sample_digit(), mode=mode).gradients[mode])
    assert not np.allclose(together["normal"], together["guided"])
    assert not np.allclose(together["deconvnet"], together["guided"])


def test_two_classes_have_two_maps(digits) -> None:
    a, b = (saliency(digits, sample_digit(), target=k).gradients["normal"] for k in (3, 8))
    assert np.abs(a - b).max() > 0.1 * np.abs(a).max()


def test_a_unit_of_a_node_sees_only_its_receptive_field(digits) -> None:
    result = saliency(digits, sample_digit(), node="relu1", channel=5, position=(2, 6), mode="deconvnet")
    seen = result.gradients["deconvnet"][0] != 0
    assert seen.any()
    inside = np.zeros((8, 8), bool)
    inside[1:4, 5:8] = True  # a 3x3 filter around row 2, column 6
    assert not (seen & ~inside).any()
    assert result.label == "relu1 channel 5 at row 2, column 6"


def test_a_units_default_is_where_it_is_strongest(digits) -> None:
    tape = digits.net.forward(digits.preprocess(sample_digit()))
    maps = tape["relu2"][0]
    channel, row, column = np.unravel_index(maps.argmax(), maps.shape)
    result = saliency(digits, sample_digit(), node="relu2")
    assert result.label == f"relu2 channel {channel} at row {row}, column {column}"
    assert result.value == pytest.approx(float(maps.max()))


def test_the_map_is_the_largest_over_the_channels(red_detector) -> None:
    result = saliency(red_detector, np.full((12, 12, 3), 90, np.uint8), target="red")
    np.testing.assert_array_equal(result.map(), np.abs(result.gradients["normal"]).max(axis=0))


def test_a_dead_unit_is_said_to_be_blank(red_detector) -> None:
    result = saliency(red_detector, np.zeros((12, 12, 3), np.uint8), node="relu", channel=0, position=(0, 0))
    assert "did not fire" in result.notes[0]


def test_a_stretched_photo_keeps_its_proportions(red_detector) -> None:
    result = saliency(red_detector, np.full((30, 60, 3), 90, np.uint8))
    assert result.pixel_aspect == pytest.approx(0.5)


BAD = {
    "no such file": (("nowhere.png",), {}, ImageFileError, "nowhere.png"),
    "no image": ((None,), {}, ImageFileError, "None"),
    "a number": ((3,), {}, ImageFileError, "int"),
    "a wrong array": ((np.zeros(3, np.uint8),), {}, ImageFileError, r"\(3,\)"),
    "unknown class": ((), {"target": "elephant"}, SettingError, "elephant"),
    "class out of range": ((), {"target": 10}, SettingError, "10"),
    "negative class": ((), {"target": -1}, SettingError, "-1"),
    "unknown node": ((), {"node": "relu9"}, NetError, "near nodes: relu"),
    "class and node": ((), {"target": 3, "node": "relu1"}, SettingError, "not both"),
    "channel without node": ((), {"channel": 3}, SettingError, "belong to a node"),
    "position without node": ((), {"position": (0, 0)}, SettingError, "belong to a node"),
    "channel out of range": ((), {"node": "relu1", "channel": 16}, SettingError, "from 0 to 15"),
    "negative channel": ((), {"node": "relu1", "channel": -1}, SettingError, "from 0 to 15"),
    "channel is a float": ((), {"node": "relu1", "channel": 1.5}, SettingError, "whole number"),
    "row out of range": ((), {"node": "relu1", "channel": 1, "position": (8, 0)}, SettingError, "row of 'relu1'"),
    "column out of range": ((), {"node": "relu1", "channel": 1, "position": (0, 8)}, SettingError, "column of 'relu1'"),
    "position where there is none": ((), {"node": "flatten", "position": (0, 0)}, SettingError, "no position"),
    "unknown mode": ((), {"mode": "guide"}, SettingError, "near modes: guided"),
    "mode is None": ((), {"mode": None}, SettingError, "None"),
}


@pytest.mark.parametrize(("images", "settings", "kind", "message"), BAD.values(), ids=list(BAD))
def test_bad_input_is_told_in_a_sentence(digits, images, settings, kind, message) -> None:
    with pytest.raises(MinitorchVizError, match=message) as caught:
        saliency(digits, *(images or (sample_digit(),)), **settings)
    assert isinstance(caught.value, kind)


@pytest.mark.torch
def test_the_three_modes_equal_captums(squeezenet, shared_data) -> None:
    """SqueezeNet 1.1 built in torch with the same weights: Saliency, Deconvolution and GuidedBackprop."""
    torch = pytest.importorskip("torch")
    attr = pytest.importorskip("captum.attr")
    from tests.torch_nets import squeezenet1_1

    peer = squeezenet1_1(torch, squeezenet.net.state).eval()
    image = shared_data / "photos" / "cat_dog.jpg"
    x = torch.from_numpy(squeezenet.preprocess(image)).requires_grad_()
    target = squeezenet.classify(image, top=1)[0].index
    ours = saliency(squeezenet, image, target=target, mode="compare").gradients
    np.testing.assert_allclose(
        peer(x).detach().numpy(), squeezenet.net.predict(x.detach().numpy(), upto="logits"), rtol=1e-4, atol=1e-4
    )
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Captum announces the hooks that it sets
        theirs = {
            "normal": attr.Saliency(peer).attribute(x, target=target, abs=False),
            "deconvnet": attr.Deconvolution(peer).attribute(x, target=target),
            "guided": attr.GuidedBackprop(peer).attribute(x, target=target),
        }
    for mode, expected in theirs.items():
        expected = expected.detach().numpy()[0]
        error = np.linalg.norm(ours[mode] - expected) / np.linalg.norm(expected)
        largest = np.abs(ours[mode] - expected).max() / np.abs(expected).max()
        print(f"{mode}: relative error {error:.2e}, largest difference over largest value {largest:.2e}")
        assert error < 1e-4, mode
        assert largest < 1e-4, mode


# ---------------------------------------------------------------------- nets without a ReLU


def without_relu(rng, *layers):
    """A grey net of 5 x 5 pixels in float64."""
    from minitorch_viz import Model, Net
    from minitorch_viz.layers import Conv2d, Flatten, Linear

    conv = Conv2d(rng.standard_normal((3, 1, 3, 3)), rng.standard_normal(3))
    nodes = [("conv", conv), *((f"own{i}", layer) for i, layer in enumerate(layers)), ("flat", Flatten())]
    return Model.from_net(Net([*nodes, ("fc", Linear(rng.standard_normal((2, 27))))]), 5)


@pytest.mark.parametrize("kind", ["linear", "LeakyReLU", "Tanh", "Sigmoid", "Gelu", "Softplus"])
def test_the_gradient_needs_no_relu(kind, rng) -> None:
    """It is the derivative by central differences; the other two modes are it, and say so."""
    from minitorch_viz.techniques.base import explainers
    from tests.rules.share_nets import ACTIVATIONS

    model = without_relu(rng, *([] if kind == "linear" else [ACTIVATIONS[kind]]))
    image = rng.integers(0, 256, (5, 5)).astype(np.uint8)
    result = saliency(model, image, target=1, mode="compare")
    x, step = model.preprocess(image), 1e-5
    moves = step * np.eye(25).reshape(25, 1, 5, 5)
    up, down = (model.net.predict(x + sign * moves)[:, 1] for sign in (1, -1))
    for gradient in result.gradients.values():
        np.testing.assert_allclose(gradient.ravel(), (up - down) / (2 * step), rtol=1e-6, atol=1e-9)
    (note,) = result.notes
    assert note.endswith("the deconvnet's and the guided mode have nothing to change: they are the gradient.")
    assert not saliency(model, image, target=1).notes
    assert "saliency" in explainers(model)  # so that compare, grade and the report have it
    assert not {"guided-backprop", "deconvnet", "guided-grad-cam"} & set(explainers(model))


def test_a_unit_below_the_first_relu_has_no_relu_on_its_way(digits) -> None:
    below = saliency(digits, sample_digit(), node="conv1", mode="guided")
    assert "No ReLU lies on the way" in below.notes[0]
    assert not saliency(digits, sample_digit(), node="relu1", mode="guided").notes
    from minitorch_viz.techniques.gradients.guided_backprop import guided_backprop

    assert "No ReLU lies on the way" in guided_backprop(digits, sample_digit(), node="conv1").notes[0]
    assert not guided_backprop(digits, sample_digit()).notes


def test_the_command_draws_a_net_without_relus(tmp_path, capsys) -> None:
    from minitorch_viz.cli import main

    assert main(["saliency", "--model", "faces", "--mode", "normal", "--out", str(tmp_path / "s.png")]) == 0
    assert (tmp_path / "s.png").read_bytes().startswith(b"\x89PNG")
    assert main(["guided-backprop", "--model", "faces", "--out", str(tmp_path / "g.png")]) != 0
    assert "no ReLU, so that it would be the plain gradient, which saliency shows" in capsys.readouterr().err
