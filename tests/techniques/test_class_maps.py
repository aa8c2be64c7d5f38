"""Grad-CAM and its kin: against their formulas, Captum, and CAM; what they show of two animals; bad input."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pytest

from minitorch_viz import Model, Net, load_model
from minitorch_viz.errors import ImageFileError, MinitorchVizError, NetError, SettingError
from minitorch_viz.layers import Add, BatchNorm2d, Conv2d, Flatten, GlobalAvgPool2d, Linear, MaxPool2d, ReLU
from minitorch_viz.models.samples import sample_digit
from minitorch_viz.rules import excitation_rules, excite, inhibit
from minitorch_viz.techniques.explain.layer_maps import enlarged
from minitorch_viz.techniques.gradients.counterfactual import counterfactual
from minitorch_viz.techniques.gradients.excitation_backprop import excitation_backprop, middle_layer
from minitorch_viz.techniques.gradients.grad_cam import grad_cam
from minitorch_viz.techniques.gradients.guided_backprop import guided_backprop
from minitorch_viz.techniques.gradients.guided_grad_cam import guided_grad_cam
from minitorch_viz.techniques.gradients.lrp import lrp, pixel_box

PHOTO = np.random.default_rng(3).integers(0, 256, (12, 12, 3), dtype=np.uint8)


@pytest.fixture
def gap_net(rng) -> Model:
    """Convolutions, a global mean, one linear layer: the nets for which class activation maps were made."""
    net = Net(
        [
            ("conv1", Conv2d.random(rng, 3, 6, 3, padding=1)),
            ("relu1", ReLU()),
            ("pool", MaxPool2d(2)),
            ("conv2", Conv2d.random(rng, 6, 8, 3, padding=1)),
            ("relu2", ReLU()),
            ("gap", GlobalAvgPool2d()),
            ("flat", Flatten()),
            ("fc", Linear.random(rng, 8, 4)),
        ]
    ).astype(np.float64)
    return Model.from_net(net, 12, class_names=["ant", "bee", "cat", "dog"])


# ---------------------------------------------------------------------- Grad-CAM


def test_grad_cam_is_the_formula(digits) -> None:
    """alpha by finite differences: adding a constant to a map moves the score by its summed gradient."""
    model = digits.astype(np.float64)
    result = grad_cam(model, sample_digit(), target=3, layer="relu2")
    tape = model.net.forward(model.preprocess(sample_digit()))
    maps = tape["relu2"]
    total = np.zeros(maps.shape[2:])
    for k in range(maps.shape[1]):
        moved = maps.copy()
        moved[:, k] += 1e-6
        slope = (model.net.predict(given={"relu2": moved}, upto="logits")[0, 3] - tape["logits"][0, 3]) / 1e-6
        assert result.weights[0, k] == pytest.approx(slope / maps[0, k].size, abs=1e-6)
        total += slope / maps[0, k].size * maps[0, k]
    np.testing.assert_allclose(result.signed[0], total, atol=1e-4)
    np.testing.assert_array_equal(result.maps, np.maximum(result.signed, 0))


def test_on_a_global_mean_it_is_the_class_activation_map(gap_net) -> None:
    """Zhou et al.'s CAM: the linear layer's weights at every place, here divided by the number of places."""
    for target in range(4):
        result = grad_cam(gap_net, PHOTO, target=target, layer="relu2")
        maps = gap_net.net.predict(gap_net.preprocess(PHOTO), upto="relu2")[0]
        cam = np.tensordot(gap_net.net["fc"].layer.weight[target], maps, 1)
        np.testing.assert_allclose(result.signed[0], cam / 36, atol=1e-12)


def test_googlenet_ends_in_a_global_mean_too(googlenet, shared_data) -> None:
    result = grad_cam(googlenet, shared_data / "photos" / "zebra.jpg", target="zebra")
    maps = googlenet.net.predict(googlenet.preprocess(shared_data / "photos" / "zebra.jpg"), upto=googlenet.last_conv)
    cam = np.tensordot(googlenet.net["loss3/classifier"].layer.weight[340], maps[0], 1)
    np.testing.assert_allclose(result.signed[0], cam / 49, rtol=1e-3, atol=1e-5)
    assert result.layer == "inception_5b/output"


def test_several_classes_are_single_runs_on_one_scale(gap_net) -> None:
    together = grad_cam(gap_net, PHOTO, target="ant, dog,2", layer="relu2")
    assert together.labels == ('class "ant" (0)', 'class "dog" (3)', 'class "cat" (2)')
    for index, target in enumerate((0, 3, 2)):
        alone = grad_cam(gap_net, PHOTO, target=target, layer="relu2")
        np.testing.assert_allclose(together.map(index), alone.map(), atol=1e-14)
    assert together.scale == together.maps.max()
    limits = [im.get_clim() for axes in together.figure().axes for im in axes.images if im.cmap.name == "inferno"]
    assert set(limits) == {(0, together.scale)}
    assert len(limits) == together.blanks.count("") >= 2


def drawn_limits(result) -> list[tuple[float, float]]:
    """The scale of each map over the photo, in the order of the panels."""
    return [im.get_clim() for axes in result.figure().axes for im in axes.images if im.cmap.name == "inferno"]


@pytest.mark.parametrize("method", [grad_cam, excitation_backprop, counterfactual])
def test_each_map_may_have_its_own_scale(gap_net, method) -> None:
    """The scale of a single run's map, and the figure and the caption say so."""
    together = method(gap_net, PHOTO, target="0,3,2,1", layer="relu1", scale="each")
    tops = []
    for target in (0, 3, 2, 1):
        alone = method(gap_net, PHOTO, target=target, layer="relu1")
        sides = (alone.maps[0], alone.against[0]) if method is counterfactual else (alone.maps[0],)
        tops += [(0, pytest.approx(float(side.max()) or 1.0)) for side in sides if not alone.blanks[0]]
    assert drawn_limits(together) == tops
    assert together.figure().get_suptitle().endswith("each map has a scale of its own")
    assert "each map has its own" in together.caption
    one = method(gap_net, PHOTO, target="0,3,2,1", layer="relu1")
    assert set(drawn_limits(one)) == {(0, one.scale)}
    assert one.figure().get_suptitle().endswith("one scale for all maps")
    assert "one scale for all maps" in one.caption


@pytest.mark.parametrize("share", [0.5, 0.2, 0.12, 0.03, 1e-4])
def test_a_map_that_is_faint_beside_another_is_named(gap_net, share) -> None:
    """The weights of one class are a share of another's: so is its map."""
    head = gap_net.net["fc"].layer
    weight = np.abs(head.weight)
    weight[1] = share * weight[0]
    model = Model.from_net(gap_net.net.with_params({"fc.weight": weight}), 12, class_names=["ant", "bee", "cat", "dog"])
    result = grad_cam(model, PHOTO, target="ant,bee", layer="relu2")
    assert result.maps[1].max() / result.maps[0].max() == pytest.approx(share)
    faint = [note for note in result.notes if "too faint" in note]
    assert [f"{result.maps[1].max():.3g}" in note and '"bee"' in note for note in faint] == [True] * (share < 0.15)
    assert not grad_cam(model, PHOTO, target="ant,bee", layer="relu2", scale="each").notes


@pytest.mark.parametrize("share", [-4.0, -0.9, -0.1, -0.02, 0.0])
def test_a_side_of_a_counterfactual_map_that_is_too_faint_is_said(gap_net, share) -> None:
    """All weights but the last are made positive; what speaks against the class is the last channel's doing."""
    weight = np.zeros_like(gap_net.net["fc"].layer.weight)
    weight[2, 0], weight[2, 1] = 1.0, share
    model = Model.from_net(gap_net.net.with_params({"fc.weight": weight, "fc.bias": np.zeros(4)}), 12)
    first, second = gap_net.net.predict(gap_net.preprocess(PHOTO), upto="relu2")[0, :2] / 36
    top_for, top_against = (max(0, (sign * (first + share * second)).max()) for sign in (1, -1))
    result = counterfactual(model, PHOTO, target=2, layer="relu2")
    titles = [axes.get_title().replace("\n", " ") for axes in result.figure().axes]
    for word, top, rival in (("for", top_for, top_against), ("against", top_against, top_for)):
        (title,) = [title for title in titles if title.startswith(f"speaks {word}:")]
        faint = 0 < top < 0.15 * rival
        assert (f"up to {top:.3g}" if top else "nothing") in title
        assert ("too faint to see" in title) == faint
        assert any(f"speaks {word} " in note and f"{top:.3g}" in note for note in result.notes) == faint


def test_a_name_with_a_comma_is_one_class(gap_net) -> None:
    model = gap_net.with_class_names(["ant, emmet", "bee", "cat", "dog"])
    assert grad_cam(model, PHOTO, target="ant, emmet").labels == ('class "ant" (0)',)


@pytest.mark.parametrize("target", range(4))
def test_the_counterfactual_map_is_grad_cam_of_the_negated_score(gap_net, target) -> None:
    """What speaks against a class is what speaks for its opposite."""
    against = counterfactual(gap_net, PHOTO, target=target, layer="relu2")
    head = gap_net.net["fc"].layer
    opposite = gap_net.net.with_params({"fc.weight": -head.weight, "fc.bias": -head.bias})
    model = Model.from_net(opposite, 12)
    np.testing.assert_allclose(against.against, grad_cam(model, PHOTO, target=target, layer="relu2").maps, atol=1e-14)
    np.testing.assert_array_equal(against.maps, grad_cam(gap_net, PHOTO, target=target, layer="relu2").maps)
    np.testing.assert_allclose(against.heat, enlarged(against.signed[0], (12, 12)), atol=1e-14)


def test_guided_grad_cam_is_the_product(digits) -> None:
    result = guided_grad_cam(digits, sample_digit(), target=3, layer="relu2")
    guided = guided_backprop(digits, sample_digit(), target=3).signal
    cam = grad_cam(digits, sample_digit(), target=3, layer="relu2").map()
    np.testing.assert_array_equal(result.signal, guided * cam)
    np.testing.assert_array_equal(result.heat, np.abs(result.signal).max(axis=0))


def test_the_default_layer(digits, gap_net) -> None:
    """The model's last maps; for a unit before them, the nearest stage before that unit."""
    assert grad_cam(digits, sample_digit()).layer == "relu3"
    assert grad_cam(digits, sample_digit(), node="conv3").layer == "pool2"
    assert grad_cam(digits, sample_digit(), node="relu2").layer == "relu1"
    assert grad_cam(digits, sample_digit(), node="conv1").layer == "input"
    assert grad_cam(gap_net, PHOTO).layer == "relu2"  # of a net of one's own: the last common maps


def test_enlarging_is_bilinear_with_centred_patches() -> None:
    """By hand, on one axis: 2 places to 4 pixels, centres at 1/4 and 3/4."""
    coarse = np.array([[0.0, 4.0]])
    np.testing.assert_allclose(enlarged(coarse, (1, 4)), [[0, 1, 3, 4]], atol=1e-12)
    assert enlarged(coarse.astype(np.float32), (3, 5)).dtype == np.float32


@pytest.mark.torch
@pytest.mark.parametrize("sizes", [((7, 7), (224, 224)), ((13, 13), (227, 227)), ((4, 5), (8, 12)), ((1, 1), (6, 6))])
def test_enlarging_equals_pytorchs(sizes, rng) -> None:
    torch = pytest.importorskip("torch")
    small, large = sizes
    coarse = rng.standard_normal(small)
    theirs = torch.nn.functional.interpolate(torch.from_numpy(coarse)[None, None], large, mode="bilinear")
    np.testing.assert_allclose(enlarged(coarse, large), theirs[0, 0].numpy(), atol=1e-9)


# ---------------------------------------------------------------------- excitation backprop


def test_contrastive_is_subtracted_one_layer_down(gap_net) -> None:
    """The paper's way: through the top layer with both signs, subtract there, go on, sum the channels, clip."""
    model, target = gap_net, 2
    net, tape = model.net, model.net.forward(model.preprocess(PHOTO))
    seed = {"fc": np.eye(4)[[target]]}
    pro, con = (net.backward(tape, seed, wrt="flat", rules={"fc": rule})["flat"] for rule in (excite, inhibit))
    assert pro.sum() == pytest.approx(1)
    assert con.sum() == pytest.approx(1)
    down = net.backward(tape, {"flat": pro - con}, wrt="relu1", rules=excitation_rules(net, tape), crop=False)["relu1"]
    result = excitation_backprop(model, PHOTO, target=target, layer="relu1")
    np.testing.assert_allclose(result.signed[0], down[0].sum(axis=0), atol=1e-14)
    np.testing.assert_array_equal(result.maps, np.maximum(result.signed, 0))
    assert result.negated == ("fc",)


def test_without_contrast_the_map_is_what_reached_the_layer(digits) -> None:
    result = excitation_backprop(digits, sample_digit(), target="3,8", layer="input", contrastive=False)
    np.testing.assert_allclose(result.signed.sum(axis=(1, 2)), result.reached, atol=1e-12)
    assert result.reached[0] == pytest.approx(1, abs=1e-6)
    assert result.signed.min() >= 0


def test_the_middle_layer(digits, squeezenet, googlenet) -> None:
    for model, expected in [(digits, "pool2"), (squeezenet, "features.5"), (googlenet, "pool2/3x3_s2")]:
        tape = model.net.forward(np.zeros((1, model.preprocessing.channels, *model.preprocessing.size), np.float32))
        assert middle_layer(model.net, tape, model.logits) == expected


def test_the_nearest_weights_of_a_unit_in_a_module(googlenet, shared_data) -> None:
    """Above a concatenation there are four layers to negate."""
    result = excitation_backprop(googlenet, shared_data / "photos" / "zebra.jpg", node="inception_4a/output")
    assert set(result.negated) == {f"inception_4a/{part}" for part in ("1x1", "3x3", "5x5", "pool_proj")}


# ---------------------------------------------------------------------- LRP


@pytest.mark.parametrize("target", [3, 8])
def test_lrp_0_is_gradient_times_input_plus_nothing(digits, target) -> None:
    """On a net of ReLUs, and it adds up to the score less what the biases kept."""
    model = digits.astype(np.float64)
    x = model.preprocess(sample_digit())
    tape = model.net.forward(x)
    gradient = model.net.backward(tape, {"logits": np.eye(10)[[target]]})["input"]
    result = lrp(digits, sample_digit(), target=target, rule="epsilon", epsilon=0)
    np.testing.assert_allclose(result.relevance["epsilon"], (x * gradient)[0], rtol=1e-6, atol=1e-10)
    signals = model.net.backward(tape, {"logits": np.eye(10)[[target]]}, wrt=["conv1", "conv2", "conv3", "logits"])
    biases = sum((dy.sum(axis=(0, *range(2, dy.ndim))) * model.net[n].layer.bias).sum() for n, dy in signals.items())
    assert result.map().sum() + biases == pytest.approx(result.value, rel=1e-9)


def test_compare_is_the_four_rules(digits) -> None:
    together = lrp(digits, sample_digit(), rule="compare").relevance
    assert list(together) == ["composite", "epsilon", "gamma", "alpha-beta"]
    for rule, relevance in together.items():
        np.testing.assert_array_equal(relevance, lrp(digits, sample_digit(), rule=rule).relevance[rule])
    maps = [relevance.sum(axis=0) for relevance in together.values()]
    assert all(np.abs(a - b).max() > 0.01 for i, a in enumerate(maps) for b in maps[:i])


def test_the_box_is_black_and_white(digits, squeezenet) -> None:
    for model in (digits, squeezenet):
        for limit, level in zip(pixel_box(model), (0, 255), strict=True):
            photo = np.full((*model.preprocessing.size, 3), level, np.uint8)
            expected = model.preprocess(photo)[0].mean(axis=(1, 2), keepdims=True)
            np.testing.assert_allclose(limit, expected, rtol=1e-4)


# ---------------------------------------------------------------------- two animals

# (left, top, right, bottom) as parts of the photo's width and height, drawn by hand around each animal
ANIMALS = {
    "cat_dog": {"bull mastiff": (0.36, 0.05, 0.74, 0.62), "tabby": (0.20, 0.52, 0.93, 1.0)},
    "elephant_zebra": {"African elephant": (0.04, 0.05, 0.71, 0.57), "zebra": (0.42, 0.41, 0.93, 0.92)},
}


def inside(box: tuple[float, ...], size: tuple[int, int]) -> np.ndarray:
    left, top, right, bottom = box
    mask = np.zeros(size, bool)
    mask[round(top * size[0]) : round(bottom * size[0]), round(left * size[1]) : round(right * size[1])] = True
    return mask


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    from scipy.stats import spearmanr

    return float(spearmanr(a.ravel(), b.ravel()).statistic)


@pytest.mark.parametrize("method", [grad_cam, excitation_backprop])
@pytest.mark.parametrize("photo", ANIMALS)
def test_the_maps_of_two_classes_fall_on_the_two_animals(googlenet, shared_data, photo, method) -> None:
    boxes = ANIMALS[photo]
    result = method(googlenet, shared_data / "photos" / f"{photo}.jpg", target=",".join(boxes))
    maps = [result.map(i) for i in range(2)]
    masks = [inside(box, maps[0].shape) for box in boxes.values()]
    for mine, (heat, mask, other) in enumerate(zip(maps, masks, masks[::-1], strict=True)):
        row, column = np.unravel_index(heat.argmax(), heat.shape)
        assert mask[row, column], "the pointing game: the brightest pixel is on the animal"
        share = heat[mask].sum() / heat.sum()
        print(f"{photo} {method.__name__} {list(boxes)[mine]}: {share:.0%} of the energy in a box of {mask.mean():.0%}")
        assert share > 1.5 * mask.mean()
        alone, others = heat[mask & ~other].sum(), heat[other & ~mask].sum()
        assert alone > others, "more on this animal than on the other"
        rival = maps[1 - mine]
        assert share > rival[mask].sum() / rival.sum() + 0.2, "more than the other class's map has there"


@pytest.mark.parametrize("photo", ANIMALS)
def test_guided_backpropagation_hardly_changes_with_the_class(googlenet, shared_data, photo) -> None:
    image = shared_data / "photos" / f"{photo}.jpg"
    first, second = (guided_backprop(googlenet, image, target=name).heat for name in ANIMALS[photo])
    same = rank_correlation(first, second)
    results = [method(googlenet, image, target=",".join(ANIMALS[photo])) for method in (grad_cam, excitation_backprop)]
    others = [rank_correlation(result.map(0), result.map(1)) for result in results]
    print(f"{photo}: guided {same:.2f}, Grad-CAM {others[0]:.2f}, c-MWP {others[1]:.2f}")
    assert same > 0.8
    assert max(others) < same - 0.3


# ---------------------------------------------------------------------- what is wrong, in words


def test_a_class_that_nothing_speaks_for_is_said_to_be_blank(gap_net) -> None:
    head = gap_net.net["fc"].layer
    weight = head.weight.copy()
    weight[1] = -np.abs(weight[1])
    model = Model.from_net(gap_net.net.with_params({"fc.weight": weight}), 12)
    for result, words in [
        (grad_cam(model, PHOTO, target=1, layer="relu2"), "nowhere above 0"),
        (excitation_backprop(model, PHOTO, target=1), "nothing excites it"),
    ]:
        assert words in result.notes[0]
        assert not result.heat.any()
        result.figure()
    against = counterfactual(model, PHOTO, target=1, layer="relu2")
    assert not against.notes
    assert against.against.any()


@pytest.mark.parametrize("method", [grad_cam, counterfactual, guided_grad_cam, excitation_backprop, lrp])
def test_broken_weights_are_named(digits, method) -> None:
    weight = digits.net.params["conv2.weight"].copy()
    weight[0, 0, 0, 0] = np.nan
    broken = Model.from_net(digits.net.with_params({"conv2.weight": weight}), 8, logits="logits", mean=77.9, std=95.9)
    result = method(broken, sample_digit(), target=3)
    assert re.search(r"conv2\.weight .*NaN", result.notes[0])
    assert not result.heat.any()
    assert np.isfinite(result.heat).all()
    result.figure()
    assert result.caption


@pytest.mark.parametrize("method", [grad_cam, counterfactual, guided_grad_cam, excitation_backprop, lrp])
def test_a_dead_unit_is_said_to_be_blank(red_detector, method) -> None:
    result = method(red_detector, np.zeros((12, 12, 3), np.uint8), node="relu", channel=0, position=(0, 0))
    assert result.notes
    assert not result.heat.any()
    result.figure()


@pytest.mark.parametrize("method", [grad_cam, counterfactual, guided_grad_cam, excitation_backprop, lrp])
def test_the_plain_gradient_is_bit_identical_afterwards(digits, method) -> None:
    tape = digits.net.forward(digits.preprocess(sample_digit()))
    before = digits.net.backward(tape, {"logits": np.eye(10, dtype=np.float32)})["input"]
    method(digits, sample_digit())
    np.testing.assert_array_equal(digits.net.backward(tape, {"logits": np.eye(10)})["input"], before)


@pytest.mark.parametrize("method", [grad_cam, excitation_backprop, lrp])
def test_a_net_that_is_no_classifier_has_units_too(shared_data, method) -> None:
    model = load_model("vgg19_conv3_1", weights=shared_data / "weights" / "vgg19_normalised_conv3_1.safetensors")
    assert method(model, np.full((40, 40, 3), 90, np.uint8) + PHOTO[:1, :1]).heat.any()


COMMON_BAD = {
    "no such file": ({"image": "nowhere.png"}, ImageFileError, "nowhere.png"),
    "no image": ({"image": None}, ImageFileError, "None"),
    "a number": ({"image": 3}, ImageFileError, "int"),
    "a wrong array": ({"image": np.zeros(3, np.uint8)}, ImageFileError, r"\(3,\)"),
    "unknown class": ({"target": "elephant"}, SettingError, "elephant"),
    "class out of range": ({"target": 10}, SettingError, "10"),
    "class is a float": ({"target": 1.5}, SettingError, "1.5"),
    "unknown node": ({"node": "relu9"}, NetError, "near nodes: relu"),
    "class and node": ({"target": 3, "node": "relu1"}, SettingError, "not both"),
    "channel without node": ({"channel": 3}, SettingError, "belong to a node"),
    "position without node": ({"position": (0, 0)}, SettingError, "belong to a node"),
    "channel out of range": ({"node": "relu2", "channel": 99}, SettingError, "from 0 to 31"),
    "channel is a float": ({"node": "relu2", "channel": 1.5}, SettingError, "whole number"),
    "row out of range": ({"node": "relu2", "channel": 1, "position": (8, 0)}, SettingError, "row of 'relu2'"),
    "position where there is none": ({"node": "flatten", "position": (0, 0)}, SettingError, "no position"),
}
LAYER_BAD = {
    "unknown layer": ({"layer": "relu8"}, NetError, "near nodes: relu"),
    "layer is a number": ({"layer": 4}, NetError, "4"),
    "layer without maps": ({"layer": "flatten"}, SettingError, "no maps"),
    "layer after the target": ({"node": "relu1", "layer": "relu2"}, SettingError, "does not lead to 'relu1'"),
    "layer is the target": ({"node": "relu2", "layer": "relu2"}, SettingError, "does not lead to 'relu2'"),
}
SEVERAL_BAD = {
    "one of two unknown": ({"target": "3,elephant"}, SettingError, "elephant"),
    "an empty one": ({"target": "3,"}, SettingError, "''"),
    "too many": ({"target": ",".join("0123456789")}, SettingError, "At most 8"),
    "two classes and a node": ({"target": "3,4", "node": "relu1"}, SettingError, "not both"),
}
SCALE_BAD = {
    "unknown scale": ({"scale": "both"}, SettingError, "no scale 'both'.*one, each"),
    "a misspelt scale": ({"scale": "eech"}, SettingError, "near scales: each"),
    "scale is None": ({"scale": None}, SettingError, "None"),
    "scale is a number": ({"scale": 1}, SettingError, "no scale 1"),
    "scale is a list": ({"scale": ["each"]}, SettingError, "each"),
}
LRP_BAD = {
    "unknown rule": ({"rule": "epsilom"}, SettingError, "near rules: epsilon"),
    "rule is None": ({"rule": None}, SettingError, "None"),
    "negative epsilon": ({"epsilon": -1.0}, SettingError, "epsilon .*-1"),
    "gamma is nan": ({"gamma": float("nan")}, SettingError, "gamma .*nan"),
    "alpha below 1": ({"alpha": 0.0}, SettingError, "alpha .* at least 1"),
    "through the softmax": ({"node": "prob", "channel": 3}, SettingError, "start at the scores"),
}
EXCITATION_BAD = {
    "nothing to negate": ({"node": "relu2", "layer": "conv2"}, SettingError, "contrastive to False"),
    "through the softmax": ({"node": "prob", "channel": 3}, SettingError, "start at the scores"),
}
BAD = [
    (method, name, *row)
    for method, table in [
        (grad_cam, COMMON_BAD | LAYER_BAD | SEVERAL_BAD | SCALE_BAD),
        (counterfactual, COMMON_BAD | LAYER_BAD | SEVERAL_BAD | SCALE_BAD),
        (guided_grad_cam, COMMON_BAD | LAYER_BAD),
        (excitation_backprop, COMMON_BAD | LAYER_BAD | SEVERAL_BAD | SCALE_BAD | EXCITATION_BAD),
        (lrp, COMMON_BAD | LRP_BAD),
    ]
    for name, row in table.items()
]


@pytest.mark.parametrize(
    ("method", "name", "settings", "kind", "message"), BAD, ids=[f"{row[0].__name__}: {row[1]}" for row in BAD]
)
def test_bad_input_is_told_in_a_sentence(digits, method, name, settings, kind, message) -> None:  # noqa: ARG001
    with pytest.raises(MinitorchVizError, match=message) as caught:
        method(digits, **{"image": sample_digit(), **settings})
    assert isinstance(caught.value, kind)


def test_a_net_without_convolutions_is_told(rng) -> None:
    net = Net([("flat", Flatten()), ("fc", Linear.random(rng, 192, 2))])
    model = Model.from_net(net, 8)
    with pytest.raises(SettingError, match=r"no maps|only|does not"):
        grad_cam(model, PHOTO, layer="flat")
    from minitorch_viz.techniques import techniques

    for name in ("grad-cam", "counterfactual", "guided-grad-cam", "excitation-backprop"):
        assert "no convolution" in techniques()[name].applies(model)


# ---------------------------------------------------------------------- Captum


@pytest.mark.torch
def test_squeezenets_maps_equal_captums(squeezenet, shared_data) -> None:
    """Grad-CAM, guided Grad-CAM and LRP-epsilon on SqueezeNet 1.1 built in torch with the same weights."""
    torch = pytest.importorskip("torch")
    attr = pytest.importorskip("captum.attr")
    from captum.attr._utils.lrp_rules import EpsilonRule

    from tests.torch_nets import squeezenet1_1

    image = shared_data / "photos" / "cat_dog.jpg"
    target = squeezenet.classify(image, top=1)[0].index
    peer = squeezenet1_1(torch, squeezenet.net.state).eval()
    x = torch.from_numpy(squeezenet.preprocess(image)).requires_grad_()
    size = tuple(x.shape[2:])
    double = squeezenet1_1(torch, squeezenet.net.state).double().eval()
    x64 = torch.from_numpy(squeezenet.astype(np.float64).preprocess(image)).requires_grad_()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Captum announces the hooks that it sets
        cam = attr.LayerGradCam(peer, peer.features[12]).attribute(x, target=target, relu_attributions=True)
        cam = attr.LayerAttribution.interpolate(cam, size, "bilinear")
        # Captum's default for the product is interpolate_mode="nearest"; the paper's, and ours, is bilinear.
        guided = attr.GuidedGradCam(peer, peer.features[12]).attribute(x, target=target, interpolate_mode="bilinear")
        theirs = {"grad-cam": cam.detach().numpy()[0, 0], "guided-grad-cam": guided.detach().numpy()[0]}
        for value in (1e-9, 0.1):
            for module in double.modules():
                if isinstance(module, torch.nn.Conv2d):
                    module.rule = EpsilonRule(value)  # poolings keep Captum's default, 1e-9, as ours do
            shares = attr.LRP(double).attribute(x64, target=target)
            theirs[f"lrp epsilon {value}"] = shares.detach().numpy()[0]
    ours = {
        "grad-cam": grad_cam(squeezenet, image, target=target).map(),
        "guided-grad-cam": guided_grad_cam(squeezenet, image, target=target).signal,
    }
    for value in (1e-9, 0.1):
        relevance = lrp(squeezenet, image, target=target, rule="epsilon", epsilon=value).relevance
        ours[f"lrp epsilon {value}"] = relevance["epsilon"]
    for name, expected in theirs.items():
        error = np.linalg.norm(ours[name] - expected) / np.linalg.norm(expected)
        print(f"{name}: relative error {error:.2e}")
        assert error < 1e-4, name


@pytest.mark.torch
def test_a_residual_nets_maps_equal_captums(rng) -> None:
    """With batch normalization (a layer of its own there, merged here) and an addition."""
    torch = pytest.importorskip("torch")
    attr = pytest.importorskip("captum.attr")

    nn = torch.nn
    try:
        from captum.attr._core.lrp import Addition_Module
    except ImportError:
        pytest.skip("this Captum has no module for additions")

    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1, self.bn1, self.relu1 = nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU()
            self.pool = nn.MaxPool2d(2)
            self.conv2, self.bn2, self.relu2 = nn.Conv2d(6, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU()
            self.conv3, self.bn3 = nn.Conv2d(6, 6, 3, padding=1), nn.BatchNorm2d(6)
            self.add, self.relu3 = Addition_Module(), nn.ReLU()
            self.gap, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(6, 5)

        def forward(self, x):
            x = self.pool(self.relu1(self.bn1(self.conv1(x))))
            y = self.bn3(self.conv3(self.relu2(self.bn2(self.conv2(x)))))
            return self.fc(self.gap(self.relu3(self.add(x, y))).flatten(1))

    torch.manual_seed(0)
    peer = Residual().double().eval()
    with torch.no_grad():
        for module in peer.modules():
            if isinstance(module, nn.BatchNorm2d):
                for value in (module.weight, module.bias, module.running_mean, module.running_var):
                    value.copy_(torch.from_numpy(rng.uniform(0.3, 1.2, len(value))))
    state = {key: value.detach().numpy() for key, value in peer.state_dict().items() if "num_batches" not in key}
    model = residual_model(state)
    photo = rng.integers(0, 256, (12, 12, 3), dtype=np.uint8)
    x = torch.from_numpy(model.preprocess(photo)).requires_grad_()
    np.testing.assert_allclose(peer(x).detach().numpy(), model.net.predict(x.detach().numpy()), rtol=1e-9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Captum announces the hooks that it sets
        for target in range(5):
            cam = attr.LayerGradCam(peer, peer.relu3).attribute(x, target=target, relu_attributions=True)
            guided = attr.GuidedGradCam(peer, peer.relu3).attribute(x, target=target, interpolate_mode="bilinear")
            shares = attr.LRP(peer).attribute(x, target=target)
            pairs = {
                "grad-cam": (grad_cam(model, photo, target=target, layer="relu3").maps[0], cam[0, 0]),
                "guided": (guided_grad_cam(model, photo, target=target, layer="relu3").signal, guided[0]),
                "lrp": (lrp(model, photo, target=target, rule="epsilon", epsilon=1e-9).relevance["epsilon"], shares[0]),
            }
            for name, (ours, theirs) in pairs.items():
                theirs = theirs.detach().numpy()
                assert np.linalg.norm(ours - theirs) <= 1e-4 * np.linalg.norm(theirs), (name, target)


def residual_model(state: dict[str, np.ndarray]) -> Model:
    """The same net here."""
    conv = lambda name: Conv2d(state[f"{name}.weight"], state[f"{name}.bias"], padding=1)
    norm = lambda name: BatchNorm2d(
        *(state[f"{name}.{key}"] for key in ("weight", "bias", "running_mean", "running_var"))
    )
    nodes = [
        ("conv1", conv("conv1")),
        ("bn1", norm("bn1")),
        ("relu1", ReLU()),
        ("pool", MaxPool2d(2)),
        ("conv2", conv("conv2")),
        ("bn2", norm("bn2")),
        ("relu2", ReLU()),
        ("conv3", conv("conv3")),
        ("bn3", norm("bn3")),
        ("add", Add(), ("pool", "bn3")),
        ("relu3", ReLU()),
        ("gap", GlobalAvgPool2d()),
        ("flat", Flatten()),
        ("fc", Linear(state["fc.weight"], state["fc.bias"])),
    ]
    return Model.from_net(Net(nodes), 12)
