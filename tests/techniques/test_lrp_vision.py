"""LRP over torchvision's classifiers: the shares add up to the score, or a note says where the rest stayed."""

from __future__ import annotations

import re

import numpy as np
import pytest

from minitorch_viz.models import Model
from minitorch_viz.techniques.gradients.lrp import lrp
from tests.models.test_from_torch_vision import random_classifier

pytestmark = [pytest.mark.torchvision, pytest.mark.slow]

DEFAULT = ("squeezenet1_1", "mobilenet_v3_small")
NIGHTLY = (
    *("alexnet", "vgg16", "resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnext50_32x4d"),
    *("mobilenet_v2", "mobilenet_v3_large", "efficientnet_b0", "densenet121", "googlenet", "inception_v3"),
    *("convnext_tiny", "vit_b_16", "shufflenet_v2_x1_0", "mnasnet1_0", "regnet_y_400mf"),
)
RULES = ("composite", "epsilon", "gamma", "alpha-beta")


@pytest.mark.parametrize("name", [*DEFAULT, *(pytest.param(name, marks=pytest.mark.nightly) for name in NIGHTLY)])
def test_the_shares_add_up_or_a_note_says_where_the_rest_is(name: str) -> None:
    torch = pytest.importorskip("torch")
    module, side = random_classifier(name)
    model = Model.from_torch(module, torch.randn(1, 3, side, side, dtype=torch.double))
    photo = np.random.default_rng(0).integers(0, 256, (100, 100, 3)).astype(np.uint8)
    result = lrp(model, photo, rule="compare")
    assert tuple(result.relevance) == RULES
    for rule, shares in result.relevance.items():
        held, value, books = shares.sum(), result.value, result.stayed[rule]
        notes = [note for note in result.notes if note.startswith(f"{rule}: The shares do not add up")]
        print(f"{name:20} {rule:10} score {value:8.4g}, pixels {held:10.4g}, {''.join(notes) or 'no note'}")
        assert np.isfinite(shares).all()
        assert shares.any()
        passed_on = sum(abs(amount) for places in books.by_cause().values() for amount in places.values())
        assert held + books.total == pytest.approx(value, abs=1e-6 * max(abs(held), abs(value), passed_on))
        assert len(notes) == (abs(held - value) > 0.01 * abs(value))
        for note in notes:
            assert f"the pixels hold {held:.4g} of {value:.4g}" in note
            places = re.findall(r"[( ]([\w.-]+) (-?[\d.]+) %", note.partition("The rest stayed on the way: ")[2])
            named = {node: float(percent) for node, percent in places if node in model.net.names}
            assert named, note
            for node, percent in named.items():
                amounts = [100 * amount / value for amount in books.stayed[node].values()]
                assert any(abs(amount - percent) <= 0.051 for amount in amounts), note
