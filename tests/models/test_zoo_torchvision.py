"""The nets of the zoo against torchvision's own: one state dict, the same scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from minitorch_viz.models import get_spec, load_model
from minitorch_viz.models.fold import fold_batch_norms
from tests.models.vision import random_classifier, zoo

pytestmark = [pytest.mark.torchvision, pytest.mark.slow]

SMALL = ("mobilenet_v2", "mobilenet_v3_small", "densenet121")
LARGE = (
    *("resnet34", "resnet101", "resnet152", "resnext50_32x4d", "mobilenet_v3_large", "efficientnet_b0"),
    *("inception_v3", "convnext_tiny", "vit_b_16"),
)


@pytest.mark.parametrize("name", [*SMALL, *(pytest.param(name, marks=pytest.mark.nightly) for name in LARGE)])
def test_a_state_dict_of_torchvision_gives_its_scores(tmp_path: Path, name: str) -> None:
    torch = pytest.importorskip("torch")
    oracle, side = random_classifier(name)
    path = tmp_path / get_spec(name).official_file
    torch.save(oracle.state_dict(), path)
    x = np.random.default_rng(1).standard_normal((2, 3, side, side))
    with torch.no_grad():
        expected = oracle(torch.from_numpy(x)).numpy()
    for dtype, tolerance in ((np.float64, 1e-9), (np.float32, 1e-4)):
        model = load_model(name, weights=path, dtype=dtype)
        scores = model.net.predict(x.astype(dtype), upto=model.logits)
        assert scores.dtype == dtype
        assert np.abs(scores - expected).max() < tolerance * np.abs(expected).max()
        if name not in ("convnext_tiny", "vit_b_16"):  # which have no batch normalization
            scores = fold_batch_norms(model.net).predict(x.astype(dtype), upto=model.logits)
            assert np.abs(scores - expected).max() < tolerance * np.abs(expected).max()


@pytest.mark.parametrize("name", [*SMALL, *LARGE])
def test_what_the_spec_says_is_what_torchvision_says(name: str) -> None:
    pytest.importorskip("torch")
    weights = zoo().models.get_model_weights(name).IMAGENET1K_V1
    spec = get_spec(name)
    assert spec.url == weights.url
    auxiliary = 3_326_696 if name == "inception_v3" else 0  # of a classifier that only helps training
    assert spec.parameters == weights.meta["num_params"] - auxiliary
    assert spec.top1 == pytest.approx(weights.meta["_metrics"]["ImageNet-1K"]["acc@1"] / 100)
    assert spec.preprocessing.size == tuple(weights.transforms().crop_size * 2)
