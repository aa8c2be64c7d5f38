"""Vision transformers: the tokens of the patches as maps, in Grad-CAM, counterfactual maps and excitation backprop."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz import Model, Net
from minitorch_viz.errors import SettingError
from minitorch_viz.layers import (
    GELU,
    Add,
    Affine,
    AvgPool1d,
    Concat,
    Conv2d,
    Flatten,
    LayerNorm,
    Linear,
    MultiheadAttention,
    Permute,
    Reshape,
    Slice,
)
from minitorch_viz.rules import Books, lrp_rules
from minitorch_viz.techniques.explain.tokens import Grid, as_maps, grid_of, last_tokens
from minitorch_viz.techniques.gradients.counterfactual import counterfactual
from minitorch_viz.techniques.gradients.excitation_backprop import excitation_backprop
from minitorch_viz.techniques.gradients.grad_cam import grad_cam
from minitorch_viz.techniques.gradients.guided_grad_cam import guided_grad_cam
from minitorch_viz.techniques.gradients.lrp import lrp

FEATURES, CLASSES = 6, 3


def transformer(rng, rows: int = 3, columns: int = 4, token: bool = True, blocks: int = 2) -> Net:
    """A vision transformer over rows x columns patches of 2 x 2 grey pixels, as torchvision's comes in."""
    normal, steps = rng.standard_normal, rows * columns
    nodes: list = [
        ("patches", Conv2d(normal((FEATURES, 1, 2, 2)), normal(FEATURES), stride=2)),
        ("flat", Reshape((FEATURES, steps))),
        ("steps", Permute((0, 2, 1))),
    ]
    if token:
        nodes += [
            ("one", Slice(1, 0, 1)),
            ("token", Affine(np.zeros((1, FEATURES)), normal((1, FEATURES)))),
            ("joined", Concat(1), ("token", "steps")),
        ]
    nodes.append(("places", Affine(None, normal((steps + token, FEATURES)))))
    for number in range(blocks):
        start, layer = nodes[-1][0], lambda *shape: normal(shape) / 2
        weights = layer(3 * FEATURES, FEATURES), layer(3 * FEATURES), layer(FEATURES, FEATURES), layer(FEATURES)
        nodes += [
            (f"norm{number}a", LayerNorm(FEATURES, normal(FEATURES), normal(FEATURES))),
            (f"attention{number}", MultiheadAttention(*weights, 2)),
            (f"sum{number}a", Add(), (f"attention{number}", start)),
            (f"norm{number}b", LayerNorm(FEATURES, normal(FEATURES), normal(FEATURES))),
            (f"wide{number}", Linear(layer(8, FEATURES), layer(8))),
            (f"gelu{number}", GELU()),
            (f"narrow{number}", Linear(layer(FEATURES, 8), layer(FEATURES))),
            (f"sum{number}b", Add(), (f"narrow{number}", f"sum{number}a")),
        ]
    nodes.append(("norm", LayerNorm(FEATURES, normal(FEATURES), normal(FEATURES))))
    nodes += [("first", Slice(1, 0, 1))] if token else [("turned", Permute((0, 2, 1))), ("mean", AvgPool1d(steps))]
    return Net([*nodes, ("vector", Flatten()), ("head", Linear(normal((CLASSES, FEATURES)), normal(CLASSES)))])


@pytest.fixture
def model(rng) -> Model:
    return Model.from_net(transformer(rng), (6, 8))


@pytest.fixture
def photo(rng) -> np.ndarray:
    return rng.integers(0, 256, (6, 8)).astype(np.uint8)


def test_the_default_is_the_sequence_whose_patches_are_read_last(model, photo) -> None:
    """By torch's formula on the arrays: of the tokens but the first, weights the mean gradients."""
    result = grad_cam(model, photo, target="0,2")
    assert result.layer == "norm1a"
    assert result.signed.shape == (2, 3, 4)
    tape = model.net.forward(model.preprocess(photo))
    for number, signed in zip((0, 2), result.signed, strict=True):
        gradient = model.net.backward(tape, {"head": np.eye(CLASSES)[number][None]}, wrt="norm1a")["norm1a"][0]
        tokens = tape["norm1a"][0, 1:]
        np.testing.assert_allclose(signed.ravel(), tokens @ gradient[1:].mean(axis=0), atol=1e-12)
    assert (
        "The 3 x 4 places of norm1a (its tokens of 12 patches in rows; of the 1 before them nothing" in result.caption
    )
    result.figure()


def test_behind_it_the_patches_matter_no_more(model, photo) -> None:
    """What the class reads at the end is the first token alone: a map there is blank, and says so."""
    assert (
        "blank" in grad_cam(model, photo, layer="sum1b").notes[0]
        or not grad_cam(model, photo, layer="sum1b").maps.any()
    )
    np.testing.assert_array_equal(grad_cam(model, photo, layer="sum1b").signed, 0)


def test_without_a_token_for_all_it_is_the_last_sequence(rng, photo) -> None:
    model = Model.from_net(transformer(rng, token=False), (6, 8))
    result = grad_cam(model, photo)
    assert result.layer == "norm"
    assert result.without_place == 0
    assert "12 patches in rows) are enlarged" in result.caption


def test_a_patch_in_a_corner_lights_its_corner() -> None:
    """A net that averages one feature of the patches: the map is bright where the picture is."""
    net = Net(
        [
            ("patches", Conv2d(np.ones((1, 1, 2, 2)), stride=2)),
            ("flat", Reshape((1, 12))),
            ("steps", Permute((0, 2, 1))),
            ("wide", Linear(np.array([[1.0], [-1.0]]))),
            ("turned", Permute((0, 2, 1))),
            ("mean", AvgPool1d(12)),
            ("vector", Flatten()),
            ("head", Linear(np.array([[1.0, 0.0], [0.0, 1.0]]))),
        ]
    )
    photo = np.zeros((6, 8), np.uint8)
    photo[4:, 2:4] = 255
    result = grad_cam(Model.from_net(net, (6, 8)), photo, target=0, layer="wide")
    assert np.unravel_index(result.signed[0].argmax(), (3, 4)) == (2, 1)


def test_where_the_steps_stand(rng) -> None:
    net = transformer(rng)
    tape = net.forward(rng.standard_normal((1, 1, 6, 8)))
    assert grid_of(net, tape, "norm1a") == Grid(1, 3, 4)
    assert grid_of(net, tape, "steps") == Grid(0, 3, 4)
    for name in ("patches", "flat", "first", "vector", "head"):
        assert grid_of(net, tape, name) is None, name
    maps = as_maps(net, tape, "steps", tape["steps"])
    np.testing.assert_array_equal(maps, tape["patches"])
    assert last_tokens(net, tape, "head") == "norm1a"
    assert last_tokens(net, tape, "sum0b") == "norm0a"
    assert last_tokens(net, tape, "patches") is None


def test_maps_with_the_channels_last_are_turned(rng) -> None:
    """As ConvNeXt's normalizations have them."""
    net = Net(
        [
            ("conv", Conv2d(rng.standard_normal((5, 1, 2, 2)), stride=2)),
            ("last", Permute((0, 2, 3, 1))),
            ("norm", LayerNorm(5)),
            ("vector", Flatten()),
            ("head", Linear(rng.standard_normal((2, 60)))),
        ]
    )
    result = grad_cam(Model.from_net(net, (6, 8)), rng.integers(0, 256, (6, 8)).astype(np.uint8), layer="norm")
    assert result.signed.shape == (1, 3, 4)
    assert result.weights.shape == (1, 5)


def test_a_vector_is_no_place_and_what_is_says_so(model, photo) -> None:
    with pytest.raises(SettingError, match=r"layer 'vector' gives an array of shape \(6,\), no maps"):
        grad_cam(model, photo, layer="vector")


def test_the_other_class_maps_take_tokens_too(model, photo) -> None:
    against, grad = counterfactual(model, photo, target="0,1"), grad_cam(model, photo, target="0,1")
    np.testing.assert_array_equal(against.signed, grad.signed)
    assert "12 patches" in against.caption
    guided = guided_grad_cam(model, photo, target=1)
    np.testing.assert_allclose(guided.signal, guided.guided * grad.map(1), atol=1e-12)


@pytest.mark.parametrize("contrastive", [False, True])
@pytest.mark.parametrize("layer", ["norm1a", None])
def test_chances_at_tokens(layer, contrastive, photo) -> None:
    """What reached the layer counts all tokens; shown are those of the patches."""
    model = Model.from_net(transformer(np.random.default_rng(2)), (6, 8))
    result = excitation_backprop(model, photo, target="0,1", layer=layer, contrastive=contrastive)
    assert result.signed.shape == (2, 3, 4)
    assert result.layer == (layer or "patches")
    assert (result.reached <= 1 + 1e-9).all()
    assert result.reached.max() > 0.05
    if not contrastive:
        assert (result.signed.sum(axis=(1, 2)) <= result.reached + 1e-12).all()
    result.figure()


def test_lrp_on_it_adds_up_with_what_stayed(model, photo) -> None:
    result = lrp(model, photo, target=1, rule="compare")
    for rule, shares in result.relevance.items():
        assert shares.sum() + result.stayed[rule].total == pytest.approx(result.value, rel=1e-6), rule
    x = model.preprocess(photo)
    tape, books = model.net.forward(x), Books()
    model.net.backward(tape, {"head": tape["head"]}, rules=lrp_rules(model.net, tape, books=books), crop=False)
    assert set(books.stayed["token"]) <= {"biases", "rounding"}
    result.figure()
