"""The comparison: every method by the registry, right correlations, and the finding that it is there for."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.stats import spearmanr

from minitorch_viz.layers import Conv2d, Flatten, GlobalAvgPool2d, Linear, ReLU
from minitorch_viz.models import Model
from minitorch_viz.models.samples import sample_digit
from minitorch_viz.techniques import techniques
from minitorch_viz.techniques.gradients.compare import compare, rank_correlations


@pytest.fixture(scope="module")
def of_a_digit(digits):
    return compare(digits, sample_digit(), target=3, other=8)


def test_it_runs_every_method_of_the_registry(digits, of_a_digit) -> None:
    explaining = [name for name, one in techniques().items() if one.explains and one.applies(digits) is None]
    assert of_a_digit.methods == tuple(explaining)
    for name, ours, other in zip(of_a_digit.methods, of_a_digit.maps, of_a_digit.other_maps, strict=True):
        technique = techniques()[name]
        for target, heat in ((3, ours), (8, other)):
            alone = technique.compute(digits, sample_digit(), target=target, **technique.in_comparison)
            np.testing.assert_array_equal(heat, alone.heat)


def test_the_correlations_are_spearmans(of_a_digit) -> None:
    maps = np.abs(of_a_digit.maps).reshape(len(of_a_digit.maps), -1)
    for i, one in enumerate(maps):
        for j, two in enumerate(maps):
            assert of_a_digit.ranks[i, j] == pytest.approx(spearmanr(one, two).statistic)
        signed = [found[i].ravel() for found in (of_a_digit.maps, of_a_digit.other_maps)]
        assert of_a_digit.across[i] == pytest.approx(spearmanr(*signed).statistic)


def test_a_map_that_only_turns_its_signs_has_changed(rng) -> None:
    a = rng.standard_normal((6, 5))
    assert rank_correlations([a, -a])[0, 1] == pytest.approx(1)
    assert rank_correlations([a, -a], signed=True)[0, 1] == pytest.approx(-1)


def test_rank_correlations_know_ties_signs_and_constants(rng) -> None:
    a = rng.integers(-3, 4, (6, 5)).astype(float)
    found = rank_correlations([a, -a, 2 * np.abs(a) + 1, np.ones((6, 5)), 1 / (1 + np.abs(a))])
    np.testing.assert_allclose(found[:3, :3], 1)
    np.testing.assert_allclose(found[0, 4], -1)
    assert np.isnan(found[3]).all()
    assert np.isnan(found[:, 3]).all()


def test_the_default_second_class_is_the_runner_up(digits) -> None:
    first, second = digits.classify(sample_digit(), top=2)
    result = compare(digits, sample_digit(), only="saliency")
    assert f"({first.index})" in result.label
    assert f"({second.index})" in result.other_label


def coloured(head: dict[str, tuple[float, float, float]]) -> Model:
    """Each class weighs the mean red, green and blue of the picture: its class activation map is known."""
    from minitorch_viz import Net

    weights = np.array([*head.values()], np.float64)
    layers = [("conv", Conv2d(np.eye(3)[:, :, None, None])), ("relu", ReLU()), ("gap", GlobalAvgPool2d())]
    return Model.from_net(Net([*layers, ("flat", Flatten()), ("fc", Linear(weights))]), 12, class_names=list(head))


RED, GREEN, BLUE = np.eye(3)
SECONDS = {  # class -> what it weighs; red is always the most probable; and the second class that must be chosen
    "the runner-up is elsewhere": ({"red": 9 * RED, "green": 5 * GREEN, "rose": 4 * RED}, "green"),
    "one twin": ({"red": 9 * RED, "rose": 8 * RED, "green": 5 * GREEN}, "green"),
    "three twins": ({"red": 9 * RED, "a": 8 * RED, "b": 7 * RED, "c": 6 * RED + GREEN, "blue": BLUE}, "blue"),
    "half a twin": ({"red": 9 * RED, "pink": 5 * RED + 4 * BLUE, "green": 2 * GREEN, "blue": BLUE}, "green"),
    "a class that nothing speaks for": (
        {"red": 9 * RED, "none": 0 * RED, "not": -RED, "blue": -2 * RED + BLUE},
        "blue",
    ),
    "nothing but twins": ({"red": 9 * RED, "rose": 8 * RED, "ruby": 7 * RED}, None),
}


@pytest.mark.parametrize(("head", "second"), SECONDS.values(), ids=list(SECONDS))
def test_the_second_class_lies_elsewhere(head, second) -> None:
    """The most probable class whose class activation map, by Zhou et al.'s formula, correlates below 0.6."""
    model, photo = coloured(head), np.zeros((12, 12, 3), np.uint8)
    photo[:, :6, 0] = np.arange(90, 162).reshape(12, 6)  # red at the left,
    photo[:6, 6:, 1] = np.arange(50, 86).reshape(6, 6)  # green above at the right,
    photo[6:, 6:, 2] = np.arange(40, 76).reshape(6, 6)  # and blue below it
    cams = {name: (photo / 255) @ np.asarray(weights) for name, weights in head.items()}
    alike = {name: spearmanr(cams["red"].ravel(), cam.ravel()).statistic for name, cam in cams.items() if cam.any()}
    result = compare(model, photo, only="grad-cam,gradient-x-input")
    assert result.label == 'class "red" (0)'
    if second is None:
        assert result.other_label == 'class "rose" (1)'  # the runner-up
        assert "proved nothing" in result.notes[0]
        assert '"rose"' in result.notes[0]
        return
    assert result.other_label == f'class "{second}" ({list(head).index(second)})'
    assert result.alike == pytest.approx(alike[second], abs=1e-6)
    assert alike[second] < 0.6
    before = [name for name in list(alike)[1:] if cams[name].mean() > cams[second].mean()]
    assert all(alike[name] >= 0.6 for name in before if cams[name].max() > 0)
    assert f"{result.alike:.2f}, below 0.6" in result.caption
    assert not [note for note in result.notes if "proved nothing" in note]


def test_a_verdict_names_the_second_class_and_twins_give_none(digits) -> None:
    """A map that ignores the class is named with both classes; a named twin is told to prove nothing."""
    head = {"red": 9 * RED, "rose": 8 * RED, "green": 5 * GREEN}
    photo = np.zeros((12, 12, 3), np.uint8)
    photo[:, :6, 0], photo[:, 6:, 1] = np.arange(90, 162).reshape(12, 6), 80
    twins = compare(coloured(head), photo, other="rose", only="grad-cam")
    assert twins.looked == 0
    assert "same place" in twins.notes[0]
    assert all(name in twins.notes[0] for name in ('"red"', '"rose"', "1.00"))
    same = dataclasses.replace(
        compare(digits, sample_digit(), target=3, other=8, only="saliency"), across=np.array([1])
    )
    assert same.notes[0].startswith('Hardly change from class "3" (3) to class "8" (8)')


def test_a_net_without_maps_has_a_second_class_too(rng) -> None:
    """By gradient times input, which of a linear net is its weights times the pixels."""
    from minitorch_viz import Net

    weight = np.repeat(np.eye(3), 4, axis=1)[:, None].repeat(3, axis=1).reshape(3, 36)
    weight[1] = 0.9 * weight[0]
    model = Model.from_net(Net([("flat", Flatten()), ("fc", Linear(weight))]), (2, 6))
    photo = rng.integers(1, 256, (2, 6, 3)).astype(np.uint8)
    result = compare(model, photo, target=0, only="gradient-x-input")
    assert result.class_map == "gradient times input"
    shares = model.preprocess(photo)[0] * weight.reshape(3, 3, 2, 6)
    expected = spearmanr(shares[0].sum(axis=0).ravel(), shares[2].sum(axis=0).ravel()).statistic
    assert result.other_label.endswith("(2)")
    assert result.alike == pytest.approx(expected)


def test_a_unit_has_no_second_class(digits) -> None:
    result = compare(digits, sample_digit(), node="relu2", only="saliency, deconvnet")
    assert result.methods == ("saliency", "deconvnet")
    assert result.other_maps is None
    assert result.other_label == ""
    assert np.isnan(result.across).all()
    assert result._repr_png_().startswith(b"\x89PNG")


def test_blank_maps_are_remarked_and_drawn_as_words(digits) -> None:
    state = digits.net.state["conv2.weight"].copy()
    state[0, 0, 0, 0] = np.nan
    model = dataclasses.replace(digits, net=digits.net.with_params({"conv2.weight": state}))
    result = compare(model, sample_digit(), target=3, other=8, only="saliency,guided-backprop")
    assert [note.split(":")[0] for note in result.notes] == ["saliency", "guided-backprop"]
    assert all("conv2.weight" in note for note in result.notes)
    texts = [text.get_text() for axes in result.figure().axes for text in axes.texts]
    assert sum("see the notes" in text.replace("\n", " ") for text in texts) == 4


def test_a_net_without_relus_has_no_gates(rng) -> None:
    from minitorch_viz import Net
    from minitorch_viz.layers import Tanh

    net = Net(
        [
            ("conv", Conv2d(rng.standard_normal((4, 3, 3, 3)), padding=1)),
            ("tanh", Tanh()),
            ("flat", Flatten()),
            ("fc", Linear(rng.standard_normal((3, 4 * 36)))),
        ]
    )
    result = compare(Model.from_net(net, 6), rng.integers(0, 256, (6, 6, 3)).astype(np.uint8))
    assert result.relus == ()
    assert "gate" not in result.caption
    assert "saliency" in result.methods  # the gradient needs no ReLU
    assert not {"guided-backprop", "deconvnet", "guided-grad-cam"} & set(result.methods)  # these would be the gradient
    assert result._repr_png_().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("photo", "first", "second"),
    [("cat_dog.jpg", "boxer", "tiger cat"), ("elephant_zebra.jpg", "African elephant", "zebra")],
)
def test_guided_hardly_changes_with_the_class_and_the_gradient_does(
    squeezenet, shared_data, photo: str, first: str, second: str
) -> None:
    """Springenberg's and Zeiler's pictures are nearly the same for both animals; the page says so."""
    only = "saliency,guided-backprop,deconvnet,gradient-x-input"
    result = compare(squeezenet, shared_data / "photos" / photo, target=first, other=second, only=only)
    across = dict(zip(result.methods, result.across, strict=True))
    print({name: round(float(value), 3) for name, value in across.items()})
    assert min(across["guided-backprop"], across["deconvnet"]) > 0.85
    assert max(across["saliency"], across["gradient-x-input"]) < 0.8
    assert "guided-backprop" in result.notes[0]
    assert "saliency" not in result.notes[0]
