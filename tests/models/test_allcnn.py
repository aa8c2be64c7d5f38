"""The net without pooling: what its card says, and why it comes along: a deconvnet without switches sees no photo."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from minitorch_viz import load_model
from minitorch_viz.data import Dataset, load_cifar10
from minitorch_viz.io.safetensors_ import read_safetensors
from minitorch_viz.layers import Conv2d
from minitorch_viz.models import get_spec
from minitorch_viz.models.fold import fold_batch_norms
from minitorch_viz.techniques import deconvnet, grad_cam, saliency
from minitorch_viz.training.bundle import share_right
from minitorch_viz.training.recipes import allcnn as recipe
from minitorch_viz.training.recipes import cifar10, train
from tests.training.training_cases import assert_same_bits


def photos(count: int = 2) -> list[np.ndarray]:
    """Pictures with nothing in common."""
    return [np.random.default_rng(seed).integers(0, 256, (32, 32, 3), np.uint8) for seed in range(count)]


def test_the_file_is_what_the_card_says() -> None:
    path = Path(load_model("allcnn").source)
    description = json.loads(path.with_suffix(".json").read_text())
    card = description["card"]
    assert hashlib.sha256(path.read_bytes()).hexdigest() == card["sha256"]
    assert path.stat().st_size < 1_000_000
    assert {array.dtype for array in read_safetensors(path).values()} == {np.dtype(np.float16)}
    assert card["command"] == "minitorch-viz train allcnn --seed 0"
    assert card["test_accuracy"] >= 0.85
    assert card["epochs"] == recipe.EPOCHS
    assert description["parameters"] == get_spec("allcnn").parameters


@pytest.mark.slow
def test_a_thousand_pictures(shared_data: Path) -> None:
    pictures = load_cifar10(shared_data, lossless=True, progress=False)[1][:1000]
    model = load_model("allcnn")
    share = share_right(model.net, get_spec("allcnn"), pictures)
    card = json.loads(Path(model.source).with_suffix(".json").read_text())["card"]
    assert share == pytest.approx(card["test_accuracy_lossless"], abs=0.0021)


def test_it_is_all_convolutions() -> None:
    """Springenberg et al. 2015, table 1, column C: filters, halves of the widths, and strides in place of pooling."""
    net = load_model("allcnn").net
    convolutions = [node.layer for node in net.nodes if isinstance(node.layer, Conv2d)]
    assert [layer.weight.shape[0] for layer in convolutions] == [48, 48, 48, 96, 96, 96, 96, 96, 10]
    assert [layer.weight.shape[-1] for layer in convolutions] == [3] * 7 + [1] * 2
    assert [layer.stride[0] for layer in convolutions] == [1, 1, 2, 1, 1, 2, 1, 1, 1]
    kinds = {type(node.layer).__name__ for node in net.nodes}
    assert kinds == {"Conv2d", "ReLU", "GlobalAvgPool2d", "Flatten", "Softmax"}


def test_the_definition_folds_to_the_file() -> None:
    spec = get_spec("allcnn")
    folded = fold_batch_norms(spec.build(norm=True, seed=1))
    assert folded.state.keys() == load_model("allcnn").net.state.keys()
    assert [node.name for node in folded.nodes] == [node.name for node in spec.build(seed=None).nodes]


def test_a_deconvnet_without_switches_gives_one_map_for_all_photos() -> None:
    """Nothing on the way down depends on the photo; guided backpropagation asks which units fired, and differs."""
    model, (first, second) = load_model("allcnn"), photos()
    maps = [deconvnet(model, photo, target="cat") for photo in (first, second)]
    np.testing.assert_array_equal(maps[0].signals[0], maps[1].signals[0])
    assert "the same for every photo" in maps[0].caption
    guided = [saliency(model, photo, target="cat", mode="guided").heat for photo in (first, second)]
    assert np.abs(guided[0] - guided[1]).max() > 0.1 * max(heat.max() for heat in guided)
    pooled = deconvnet(load_model("cifar10"), first, target="cat")
    assert "through the pooling switches" in pooled.caption
    other = deconvnet(load_model("cifar10"), second, target="cat")
    assert np.abs(pooled.signals[0] - other.signals[0]).max() > 0.1 * np.abs(pooled.signals[0]).max()


def test_below_the_first_pooling_there_are_no_switches_either() -> None:
    caption = deconvnet(load_model("cifar10"), photos()[0], node="relu2", channel=3).caption
    assert "the same for every photo" in caption


def test_class_activation_maps_are_the_last_convolutions() -> None:
    """Its last convolution could as well come behind the mean, so Grad-CAM is its map without bias, by 64."""
    model, photo = load_model("allcnn"), photos()[0]
    tape = model.net.forward(model.preprocessing.preprocess(photo))
    weight = model.net.params["conv9.weight"][3, :, 0, 0]
    expected = np.maximum(np.tensordot(weight / 64, tape["relu8"][0], 1), 0)
    np.testing.assert_allclose(grad_cam(model, photo, target=3).maps[0], expected, rtol=1e-3, atol=1e-6)


def test_the_recipe_trains_it_and_resumes(tmp_path: Path, monkeypatch) -> None:
    rng = np.random.default_rng(3)
    parts = tuple(
        Dataset(rng.integers(0, 256, (12, 32, 32, 3), np.uint8), np.arange(12) % 10, get_spec("allcnn").classes, part)
        for part in ("train", "test")
    )
    monkeypatch.setattr(cifar10, "load_cifar10", lambda *_, **__: parts)
    monkeypatch.setattr(cifar10, "BATCH", 8)
    monkeypatch.setattr(recipe, "EPOCHS", 1)
    places = {"checkpoint": tmp_path / "run.ckpt"}
    once = load_model("allcnn", weights=train("allcnn", tmp_path / "a.safetensors", 1, **places))
    again = load_model("allcnn", weights=train("allcnn", tmp_path / "b.safetensors", 1, resume=True, **places))
    assert_same_bits(once.net, again.net)
