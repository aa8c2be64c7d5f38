"""Class activation maps: exact sums, Grad-CAM's maps up to a factor, boxes on true objects, and the nets without."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz import Model, Net, load_model
from minitorch_viz.data.scenes import scene
from minitorch_viz.errors import MinitorchVizError, SettingError
from minitorch_viz.grading.localize import Box, box_iou
from minitorch_viz.layers import (
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    Add,
    AvgPool2d,
    Conv1d,
    Conv2d,
    Dropout,
    Flatten,
    GlobalAvgPool2d,
    Linear,
    ReLU,
    Softmax,
)
from minitorch_viz.models.cut import body_of, with_nodes
from minitorch_viz.models.readers import Numbers
from minitorch_viz.models.samples import sample_digit, samples
from minitorch_viz.objectives import Unit
from minitorch_viz.techniques.activations.cam import TECHNIQUE, cam
from minitorch_viz.techniques.explain.averaged import Averaged, find_averaged
from minitorch_viz.techniques.gradients.grad_cam import grad_cam

RNG = np.random.default_rng(5)
PHOTO = RNG.integers(0, 256, (12, 12, 3), dtype=np.uint8)
CONV = [("conv", Conv2d.random(RNG, 3, 6, 3, padding=1)), ("relu", ReLU())]
BIAS = RNG.standard_normal(4).astype(np.float32)
HEAD = ("fc", Linear(RNG.standard_normal((4, 6)).astype(np.float32), BIAS))


def model_of(*nodes, size=12) -> Model:
    return Model.from_net(Net([*CONV, *nodes]).astype(np.float64), size, class_names=["ant", "bee", "cat", "dog"])


WEIGHED = {
    "global": [("gap", GlobalAvgPool2d()), ("flat", Flatten()), HEAD],
    "adaptive, dropout and softmax": [
        ("gap", AdaptiveAvgPool2d(1)), ("flat", Flatten()), ("drop", Dropout(0.5)), HEAD, ("prob", Softmax())
    ],
    "a window as large as the map": [("gap", AvgPool2d(12)), ("flat", Flatten()), HEAD],
    "a convolution of 1 x 1 behind the mean": [
        ("gap", GlobalAvgPool2d()), ("fc", Conv2d(HEAD[1].weight[:, :, None, None], BIAS)), ("flat", Flatten())
    ],
    "two linear layers": [
        ("gap", GlobalAvgPool2d()), ("flat", Flatten()), ("in", Linear(np.eye(6, dtype=np.float32))), HEAD
    ],
}  # fmt: skip


@pytest.mark.parametrize("nodes", WEIGHED.values(), ids=WEIGHED)
def test_it_is_the_weights_at_every_place_and_its_mean_and_the_bias_are_the_score(nodes) -> None:
    model = model_of(*nodes)
    tape = model.net.forward(model.preprocess(PHOTO))
    for target in range(4):
        result = cam(model, PHOTO, target=target)
        np.testing.assert_allclose(
            result.signed[0], np.tensordot(HEAD[1].weight[target], tape["relu"][0], 1), atol=1e-9
        )
        assert result.biases[0] == pytest.approx(BIAS[target])
        score = tape[model.logits].ravel()[target]
        assert result.means[0] + result.biases[0] == pytest.approx(score, abs=1e-9)
        assert result.values[0] == pytest.approx(score)
    assert find_averaged(model) == Averaged("relu", "gap", True)


@pytest.mark.parametrize("gate", [[], [("gate", ReLU())]], ids=["the paper's", "a ReLU before the mean"])
def test_a_net_that_ends_in_class_maps_shows_these(gate) -> None:
    """As SqueezeNet does; a dropout before the last convolution does nothing in use."""
    maps = Conv2d(HEAD[1].weight[:, :, None, None], BIAS)
    model = model_of(("drop", Dropout()), ("maps", maps), *gate, ("gap", GlobalAvgPool2d()), ("flat", Flatten()))
    layer = gate[0][0] if gate else "maps"
    tape = model.net.forward(model.preprocess(PHOTO))
    result = cam(model, PHOTO, target="3,1")
    np.testing.assert_allclose(result.signed, tape[layer][0, [3, 1]], atol=1e-12)
    np.testing.assert_allclose(result.means, tape["flat"][0, [3, 1]], atol=1e-12)
    assert result.biases == (0, 0)
    assert "whose mean is the score" in result.caption
    assert find_averaged(model) == Averaged(layer, "gap", False)


REFUSED = {
    "a gate behind the mean": (
        [("gap", GlobalAvgPool2d()), ("gate", ReLU()), ("flat", Flatten()), HEAD], "gate (ReLU)"
    ),
    "windows smaller than the map": (
        [("pool", AvgPool2d(6)), ("flat", Flatten()), ("fc", Linear(np.zeros((4, 24), np.float32)))], "pool (AvgPool2d)"
    ),
    "four means": (
        [("pool", AdaptiveAvgPool2d(2)), ("flat", Flatten()), ("fc", Linear(np.zeros((4, 24), np.float32)))],
        "pool (AdaptiveAvgPool2d)",
    ),
    "a window with a border": ([("pool", AvgPool2d(13, padding=1)), ("flat", Flatten()), HEAD], "pool (AvgPool2d)"),
    "no mean": ([("flat", Flatten()), ("fc", Linear(np.zeros((4, 864), np.float32)))], "relu (ReLU)"),
    "two ways": (
        [("gap", GlobalAvgPool2d()), ("flat", Flatten()), HEAD, ("b", HEAD[1], ("flat",)), ("sum", Add(), ("fc", "b"))],
        "joined of several nodes at sum",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("nodes", "words"), REFUSED.values(), ids=REFUSED)
def test_a_net_without_such_a_head_names_the_command_that_gives_it_one(nodes, words) -> None:
    model = model_of(*nodes)
    why = TECHNIQUE.refuses(model)
    assert why is not None
    assert words in why
    assert "minitorch-viz train FOLDER --from net --head gap" in why
    with pytest.raises(SettingError, match="is no sum over places"):
        cam(model, PHOTO)


def test_what_that_command_makes_has_class_activation_maps(digits) -> None:
    assert TECHNIQUE.refuses(digits)
    body = body_of(digits, "gap")
    net = with_nodes(body, ("scores", Linear.random(np.random.default_rng(0), 32, 3)))
    model = Model.from_net(net, readers=digits.reader(), class_names=["a", "b", "c"])
    result = cam(model, sample_digit(), target="a,b,c")
    assert result.layer == "relu3"
    np.testing.assert_allclose(np.add(result.means, result.biases), result.values, atol=1e-5)


@pytest.mark.parametrize(("name", "layer"), [("mnist", None), ("cifar10", None), ("scenes", None), ("allcnn", "conv9")])
def test_it_is_grad_cam_times_the_number_of_places(name: str, layer: str | None) -> None:
    model = load_model(name)
    image = samples(model)[0].image
    result = cam(model, image, top=3)
    order = np.argsort(-model.net.predict(model.preprocess(image), upto=model.logits)[0])[:3]
    gradients = grad_cam(model, image, target=order.tolist(), layer=layer)
    assert result.layer == gradients.layer
    assert result.labels == gradients.labels
    places = result.signed[0].size
    np.testing.assert_allclose(result.signed, places * gradients.signed, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(np.add(result.means, result.biases), result.values, atol=1e-4)


@pytest.mark.parametrize(("name", "layer"), [("googlenet", "inception_5b/output"), ("squeezenet", "classifier.2")])
def test_of_two_animals_each_class_finds_its_own(request, shared_data, name: str, layer: str) -> None:
    """The dog sits above the cat."""
    model = request.getfixturevalue(name)
    result = cam(model, shared_data / "photos" / "cat_dog.jpg", target="boxer,tiger cat", box=True)
    assert result.layer == layer
    np.testing.assert_allclose(np.add(result.means, result.biases), result.values, rtol=1e-3)
    dog, cat = (np.unravel_index(values.argmax(), values.shape)[0] / len(values) for values in result.maps)  # rows
    assert dog < 0.4
    assert cat > 0.55
    assert result.boxes[0].y1 < 0.5 * len(result.map()) < 0.8 * len(result.map()) < result.boxes[1].y1


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2", "densenet121", "efficientnet_b0", "inception_v3"])
def test_the_zoos_nets_that_average_their_maps_are_found(name: str) -> None:
    """Structure alone; none of these computes here. MobileNetV3 and AlexNet have layers behind the mean that bend."""
    from minitorch_viz.models.catalog import specs

    spec = specs()[name]
    model = Model.from_net(spec.build(classes=7, seed=0), spec.reader.size, logits=spec.logits)
    found = find_averaged(model)
    assert not isinstance(found, str)
    assert found.weighted


def test_the_box_holds_the_largest_piece_above_a_fifth_of_the_maximum() -> None:
    """A map by hand: two pieces at full resolution, of which the weaker is the larger."""
    light = np.zeros((12, 12, 3), np.uint8)
    light[1:3, 1:3], light[5:9, 4:11] = 255, 60
    weight = np.zeros((1, 3, 1, 1), np.float32)
    weight[0, 0] = 1
    net = Net(
        [
            ("c", Conv2d(weight)),
            ("gap", GlobalAvgPool2d()),
            ("flat", Flatten()),
            ("fc", Linear(np.ones((1, 1), np.float32))),
        ]
    )
    model = Model.from_net(net, 12, class_names=["light"], scores="numbers")
    assert cam(model, light, box=True).boxes == (Box(4, 5, 11, 9),)  # 60 is above a fifth of 255
    assert cam(model, light, box=True, threshold=30).boxes == (Box(1, 1, 3, 3),)
    drawn = cam(model, light, box=True).figure()
    (patch,) = [patch for axes in drawn.axes for patch in axes.patches if patch.get_edgecolor()[2] > 0.9]
    assert patch.get_bbox().bounds == (3.5, 4.5, 7, 4)
    dark = cam(model, np.zeros((12, 12, 3), np.uint8), box=True)
    assert dark.boxes == (None,)
    assert dark.notes


def test_boxes_find_the_objects_of_scenes() -> None:
    """One object a scene: the box against the true one, where the class is right: far above the centre's."""
    model = load_model("scenes")
    overlaps, centred = [], []
    for index in range(40):
        drawn = scene(index, seed=11, objects=1)
        top, left, bottom, right = drawn.boxes[0].tolist()
        truth = Box(left, top, right, bottom)
        result = cam(model, drawn.image, target=drawn.label, box=True)
        if result.labels[0] == cam(model, drawn.image).labels[0]:
            overlaps.append(box_iou(result.boxes[0], truth))
            centred.append(box_iou(Box(16, 16, 48, 48), truth))
    right = np.mean(np.array(overlaps) > 0.5)
    print(f"\nIoU of {len(overlaps)} boxes: mean {np.mean(overlaps):.3f}, above 0.5 in {right:.0%}")
    assert len(overlaps) > 30
    assert np.mean(overlaps) > 0.5
    assert np.mean(overlaps) > np.mean(centred) + 0.15


# ------------------------------------------------------------------ FinerCAM


def test_finer_takes_the_class_against_its_three_nearest() -> None:
    model = model_of(*WEIGHED["global"])
    scores = model.net.predict(model.preprocess(PHOTO), upto=model.logits)[0]
    p = np.exp(scores - scores.max())
    p /= p.sum()
    for c in range(4):
        others = [k for k in range(4) if k != c]
        for alpha in (1.0, 0.6):
            expected = sum(p[k] * (scores[c] - alpha * scores[k]) for k in others) / sum(p[k] for k in others)
            result = cam(model, PHOTO, target=c, finer=True, alpha=alpha)
            assert result.values[0] == pytest.approx(expected)
            assert result.means[0] + result.biases[0] == pytest.approx(expected)
            weights = sum(p[k] * (HEAD[1].weight[c] - alpha * HEAD[1].weight[k]) for k in others)
            np.testing.assert_allclose(result.weights[0], weights / sum(p[k] for k in others), rtol=1e-6)
            assert " against " in result.labels[0]
    np.testing.assert_allclose(
        cam(model, PHOTO, target=1, finer=True, alpha=0).signed, cam(model, PHOTO, target=1).signed
    )


def test_finer_chooses_by_the_scores() -> None:
    """The nearest in score, not the most probable ones."""
    model = load_model("scenes")
    image = samples(model)[0].image
    scores = model.net.predict(model.preprocess(image), upto=model.logits)[0]
    c = int(scores.argsort()[8])
    nearest = sorted((k for k in range(len(scores)) if k != c), key=lambda k: abs(scores[k] - scores[c]))[:3]
    label = cam(model, image, target=c, finer=True).labels[0].split(" against ")[1]
    assert all(f'"{model.class_names[k]}"' in label for k in nearest)
    assert label.count('"') == 6


# ------------------------------------------------------------------ series, and what is refused


def test_a_series_has_its_map_over_the_steps() -> None:
    rng = np.random.default_rng(0)
    net = Net(
        [
            ("conv", Conv1d.random(rng, 3, 5, 3)),
            ("relu", ReLU()),
            ("gap", AdaptiveAvgPool1d(1)),
            ("flat", Flatten()),
            ("fc", Linear.random(rng, 5, 2)),
        ]
    )
    model = Model.from_net(net, readers=Numbers((3, 20)), class_names=["up", "down"])
    result = cam(model, rng.standard_normal((3, 20)), target="down")
    assert result.signed.shape == (1, 18)
    assert result.means[0] + result.biases[0] == pytest.approx(result.values[0], abs=1e-5)
    with pytest.raises(SettingError, match="a series has no box"):
        cam(model, rng.standard_normal((3, 20)), box=True)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"node": "relu", "channel": 2}, "relu channel 2 .* is no sum over places: relu "),
        ({"top": 0}, "number of classes"),
        ({"top": 9}, "number of classes"),
        ({"top": 2, "target": "ant"}, "leave out target="),
        ({"threshold": 120, "box": True}, "percentage from 0 to 100"),
        ({"threshold": "much"}, "threshold= must be a number"),
        ({"finer": True, "alpha": float("nan")}, "alpha= must be a number"),
        ({"finer": True, "target": Unit("fc", (1,)) + Unit("fc", (2,))}, "sets a class against others"),
        ({"scale": "log"}, "There is no scale"),
    ],
)
def test_bad_settings_get_a_sentence(settings, words: str) -> None:
    with pytest.raises(MinitorchVizError, match=words):
        cam(model_of(*WEIGHED["global"]), PHOTO, **settings)
