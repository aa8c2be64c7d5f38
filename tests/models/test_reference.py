"""The pretrained nets against reference outputs of a separate implementation, on real photos."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from minitorch_viz.io.images import load_image, resize_image
from minitorch_viz.models import Model, load_model
from minitorch_viz.models.vgg19_decoder import load_vgg19_decoder

Load = Callable[[str], Model]
FILES = {
    "squeezenet1_1": "squeezenet1_1.safetensors",
    "googlenet": "googlenet_bvlc.safetensors",
    "tinyvgg": "tinyvgg.safetensors",
    "convnetjs_cifar10": "convnetjs_cifar10_snapshot.json",
    "vgg19_conv3_1": "vgg19_normalised_conv3_1.safetensors",
}


@pytest.fixture(scope="module")
def weights(shared_data: Path) -> Path:
    return shared_data / "weights"


@pytest.fixture(scope="module")
def load(weights: Path) -> Load:
    """load_model with the shared file of that name, each read once."""
    return functools.cache(lambda name: load_model(name, weights=weights / FILES[name]))


@pytest.mark.parametrize("name", ["squeezenet1_1", "googlenet", "tinyvgg"])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-9), (np.float32, 1e-4)])
def test_logits(load: Load, weights: Path, name: str, dtype: type, tolerance: float) -> None:
    model = load(name).astype(dtype)
    y, x = np.mgrid[: model.preprocessing.size[0], : model.preprocessing.size[1]]
    pixels = np.stack([(71 * c + 3 * y + 5 * x + (x * y) // 16) % 256 for c in range(3)], axis=-1).astype(np.uint8)
    with np.load(weights / "reference_logits.npz") as reference:
        expected = reference[f"{Path(FILES[name]).stem}/logits"]
    found = model.net.predict(model.preprocess(pixels), upto=model.logits)[0]
    assert found.dtype == dtype
    assert np.abs(found - expected).max() < tolerance * np.abs(expected).max()


@pytest.mark.parametrize("name", ["squeezenet1_1", "googlenet", "tinyvgg"])
def test_top5_of_every_photo(load: Load, weights: Path, shared_data: Path, name: str) -> None:
    reference = json.loads((weights / "reference_top5.json").read_text())[Path(FILES[name]).stem]
    assert len(reference) == (10 if name == "tinyvgg" else 20)
    folder = shared_data / "photos" / ("tiny64" if name == "tinyvgg" else "")
    for photo, expected in reference.items():
        found = load(name).classify(folder / photo)
        assert [(p.index, p.name) for p in found] == [(index, name) for index, name, _ in expected], photo
        np.testing.assert_allclose([p.probability for p in found], [p for _, _, p in expected], rtol=0, atol=5.1e-5)


def test_tinyvgg_knows_its_ten_photos(load: Load, shared_data: Path) -> None:
    photos = sorted((shared_data / "photos" / "tiny64").glob("*.jpeg"))
    best = [load("tinyvgg").classify(photo, top=1)[0].name for photo in photos]
    right = "lifeboat, ladybug, school bus, sport car, espresso, koala, orange, red panda, bell pepper, pizza"
    assert [photo.stem for photo in photos[:3]] == ["boat_1", "bug_1", "bus_1"]
    assert best == right.split(", ")


def test_convnetjs_on_cifar10(load: Load, shared_data: Path) -> None:
    records = np.fromfile(shared_data / "cifar10" / "test_batch.bin", np.uint8).reshape(-1, 3073)
    model = load("convnetjs_cifar10")
    mean, std = (np.float32(value[0]) for value in (model.preprocessing.mean, model.preprocessing.std))
    x = (records[:, 1:].reshape(-1, 3, 32, 32).astype(np.float32) - mean) / std
    right = model.predict_probabilities(x, batch=100).argmax(axis=1) == records[:, 0]
    assert len(right) == 1000
    assert right.sum() == 756
    names = (shared_data / "cifar10" / "batches.meta.txt").read_text().split()
    assert model.class_names == tuple(names)


@pytest.mark.parametrize(("layer", "decibels"), [("relu1_1", 27.1), ("relu2_1", 31.2), ("relu3_1", 25.9)])
def test_decoders_give_the_photo_back(
    load: Load, shared_data: Path, weights: Path, layer: str, decibels: float
) -> None:
    model = load("vgg19_conv3_1")
    photo = resize_image(load_image(shared_data / "paintings" / "content_tubingen.jpg"), (256, 256))
    maps = model.net.predict(model.preprocess(photo), upto=layer)
    picture = np.clip(load_vgg19_decoder(layer, weights=weights).predict(maps), 0, 1)[0].transpose(1, 2, 0)
    psnr = -10 * np.log10(np.mean((picture - photo / 255) ** 2))
    assert abs(psnr - decibels) < 0.15  # what the weights' own description states for a photo of this size


def test_class_names_come_from_beside_the_file(load: Load) -> None:
    for name in ("squeezenet1_1", "googlenet"):
        model = load(name)
        assert len(model.class_names) == 1000
        assert model.class_names[281] == "tabby"
        assert model.class_index("tiger cat") == 282
        assert model.class_index("Panthera tigris") == 292
        assert model.notes == ()
    assert load("squeezenet1_1").preprocessing.size == (227, 227)  # the JSON's, not torchvision's
    assert load("squeezenet1_1").preprocessing.std == (1.0, 1.0, 1.0)
