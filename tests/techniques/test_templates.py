"""Templates: products and bias add up to the net's own value, a mix is what lies between, and other nets are told."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from minitorch_viz import Model, Net, load_model
from minitorch_viz.errors import SettingError
from minitorch_viz.layers import Dropout, Flatten, Linear, ReLU, Softmax, Tanh
from minitorch_viz.models.samples import sample_digit, sample_images
from minitorch_viz.techniques.weights.templates import templates
from tests.measured_figures import check

NETS = "digits_linear", "cifar10_linear", "faces", "faces_hidden"
PHOTO = np.random.default_rng(3).integers(0, 256, (6, 6, 3)).astype(np.uint8)


def layered(*widths: int, gate: object = None, bias: bool = True, classes: tuple[str, ...] = ()) -> Model:
    """Linear layers over pictures of 6 x 6 in colour, with gates between."""
    rng = np.random.default_rng(0)
    nodes = [("flat", Flatten())]
    for number, (reads, makes) in enumerate(zip((108, *widths), widths, strict=False)):
        if number:
            nodes.append((f"gate{number}", gate or ReLU()))
            nodes.append((f"drop{number}", Dropout(0.5)))
        weight, shift = rng.standard_normal((makes, reads)), rng.standard_normal(makes) if bias else None
        nodes.append((f"fc{number}", Linear(weight.astype(np.float32), None if shift is None else np.float32(shift))))
    return Model.from_net(Net([*nodes, ("prob", Softmax())]), 6, class_names=classes, mean=120, std=60)


@pytest.mark.parametrize("name", NETS)
def test_products_and_bias_are_the_nets_own_value(name: str) -> None:
    """Added up by brute force in float64, against a forward pass in float64."""
    model = load_model(name)
    _, image = sample_images(model)[0]
    result = templates(model, image, count=100)
    exact = model.astype(np.float64)
    x = exact.preprocess(image)
    expected = exact.net.predict(x, upto=result.node)[0]
    weight = exact.net[result.node].layer.weight
    for number, template, product, bias in zip(
        result.numbers, result.templates, result.products, result.biases, strict=True
    ):
        np.testing.assert_array_equal(template.ravel(), weight[number].astype(np.float32))
        by_hand = sum(float(w) * float(v) for w, v in zip(weight[number], x.ravel(), strict=True))
        assert product.sum() == pytest.approx(by_hand, abs=1e-3 * np.abs(product).sum())
        assert product.sum() + bias == pytest.approx(expected[number], abs=1e-5 * np.abs(product).sum())
        assert product[1, 2] == pytest.approx((template * x[0])[:, 1, 2].sum(), rel=1e-4)
    np.testing.assert_allclose(result.values, expected[result.numbers], rtol=1e-3, atol=1e-4)
    assert not any("do not add up" in note for note in result.notes)


def test_of_a_hidden_layer_the_votes_make_the_scores() -> None:
    """Answers through the gate, times the output weights, plus the output's bias: the net's own scores."""
    for model in (load_model("faces_hidden"), layered(5, 3), layered(4, 2, gate=Tanh(), bias=False)):
        _, image = sample_images(model)[0]
        result = templates(model, image, count=100)
        last = model.net[model.logits].layer
        bias = 0 if last.bias is None else last.bias
        np.testing.assert_allclose(result.answers @ result.votes + bias, result.scores, rtol=1e-4, atol=1e-4)
        assert result.votes.shape == (result.of, len(model.class_names))


def test_a_wrong_sum_is_told() -> None:
    result = templates(layered(3), PHOTO)
    assert not result.notes
    wrong = dataclasses.replace(result, values=result.values + np.float32([0, 1, 0]))
    assert wrong.notes == ("The products and the bias of class 1 do not add up to the net's value.",)


def test_the_strongest_are_shown_in_their_order() -> None:
    model = layered(9)
    everything = templates(model, PHOTO, count=9)
    assert everything.numbers.tolist() == list(range(9))
    few = templates(model, PHOTO, count=3)
    assert few.numbers.tolist() == sorted(np.argsort(-everything.values)[:3].tolist())
    assert few.of == 9
    np.testing.assert_array_equal(few.heat, everything.products[everything.values.argmax()])


def test_a_mix_lies_between_and_its_value_too() -> None:
    """The answer of the mixed template to the photo is the same mix of the two values: the net is linear."""
    model = load_model("digits_linear")
    result = templates(model, sample_digit(3), mix="3,8")
    mix, weight = result.mix, model.net.params["logits.weight"]
    assert mix.numbers == (3, 8)
    assert mix.shares[0] == 1
    assert mix.shares[-1] == 0
    bias = model.net.params["logits.bias"]
    for share, template, answer in zip(mix.shares, mix.templates, mix.answers, strict=True):
        np.testing.assert_allclose(template.ravel(), share * weight[3] + (1 - share) * weight[8], atol=1e-6)
        own = (template * result.x).sum() + share * bias[3] + (1 - share) * bias[8]
        assert answer == pytest.approx(own, abs=1e-4)
    # Shown to the net, a template of a photo's length excites its own class by its length times the photo's.
    length = np.linalg.norm(result.x)
    assert mix.own[0, 0] == pytest.approx(np.linalg.norm(weight[3]) * length + bias[3], rel=1e-4)
    assert mix.own[-1, 1] == pytest.approx(np.linalg.norm(weight[8]) * length + bias[8], rel=1e-4)


def test_by_default_the_two_best_are_mixed() -> None:
    result = templates(load_model("digits_linear"), sample_digit(3))
    assert result.mix.numbers == tuple(np.argsort(-result.scores)[:2])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"count": 0}, "number of templates"),
        ({"scale": "all"}, "no scale 'all'"),
        ({"mix": "3"}, "two classes with a comma"),
        ({"mix": "3,3"}, "same template twice"),
        ({"mix": "3,eleven"}, "eleven"),
    ],
)
def test_bad_settings(settings: dict, words: str) -> None:
    with pytest.raises(SettingError, match=words):
        templates(load_model("digits_linear"), sample_digit(), **settings)


def test_hidden_units_are_mixed_by_number() -> None:
    model = layered(5, 3)
    assert templates(model, PHOTO, mix="4,0").mix.names == ("unit 4", "unit 0")
    for mix in ("4,5", "4,x", "class 0,1"):
        with pytest.raises(SettingError, match="numbered from 0 to 4"):
            templates(model, PHOTO, mix=mix)


@pytest.mark.parametrize("name", ["digits", "allcnn", "scenes"])
def test_other_nets_are_told_what_is_needed(name: str) -> None:
    model = load_model(name)
    with pytest.raises(SettingError, match=r"not weighted sums of the pixels.* digits_linear"):
        templates(model, sample_images(model)[0][1])


def test_two_hidden_layers_are_too_many() -> None:
    with pytest.raises(SettingError, match="one hidden layer"):
        templates(layered(5, 4, 3), PHOTO)


@pytest.mark.parametrize(
    "model",
    [
        layered(1),
        layered(2),
        layered(7, classes=tuple("a class with a name that is long, " + letter for letter in "abcdefg")),
        layered(3, 2),
        layered(14, 9, classes=tuple("Staffordshire bullterrier " + letter for letter in "abcdefghi")),
        load_model("faces_hidden"),
        load_model("cifar10_linear"),
    ],
    ids=["one", "two", "long names", "three units", "fourteen units", "faces", "colours"],
)
def test_the_figure_is_readable(model: Model) -> None:
    check(templates(model, sample_images(model)[0][1]).figure())


def test_the_template_is_the_gradient() -> None:
    """An independent way to it: the backward pass of a score."""
    model = load_model("cifar10_linear")
    _, image = sample_images(model)[0]
    result = templates(model, image)
    tape = model.net.forward(model.preprocess(image), upto="logits")
    gradients = model.net.backward(tape, {"logits": np.eye(10, dtype=np.float32)})["input"]
    np.testing.assert_allclose(gradients[result.numbers], result.templates, rtol=1e-5, atol=1e-7)
