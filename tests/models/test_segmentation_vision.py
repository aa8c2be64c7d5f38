"""torchvision's segmentation nets by from_torch: the sum of a class where it wins, and its gradient, are PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz.models import Model
from minitorch_viz.techniques import grad_cam, saliency
from tests.models.vision import zoo

pytestmark = [pytest.mark.torchvision, pytest.mark.slow, pytest.mark.nightly]

LAYERS = {  # the last features before the scores: what Grad-CAM weighs
    "fcn_resnet50": "classifier.2",
    "deeplabv3_mobilenet_v3_large": "classifier.3",
    "lraspp_mobilenet_v3_large": "backbone.4.block.3.1",  # its scores are made of two maps, and read the earlier one
}
PHOTO = np.random.default_rng(0).integers(0, 256, (65, 97, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", LAYERS)
def test_a_class_where_it_wins(name: str) -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    settings = {"aux_loss": True} if name == "fcn_resnet50" else {}
    build = getattr(zoo().models.segmentation, name)
    module = build(weights=None, weights_backbone=None, num_classes=5, **settings).double().eval()
    model = Model.from_torch(module, torch.zeros(1, 3, 65, 97, dtype=torch.float64))
    assert model.last_conv == LAYERS[name]
    assert len(model.net.outputs) == 1 + len(settings)
    x = torch.tensor(model.preprocess(PHOTO), requires_grad=True)
    scores = module(x)["out"][0]
    winners = scores.argmax(0)
    number = int(winners.flatten().bincount().argmax())
    total = (scores[number] * (winners == number)).sum()
    (gradient,) = torch.autograd.grad(total, x)
    result = saliency(model, PHOTO, target=number)
    assert result.value == pytest.approx(total.item(), rel=1e-9)
    theirs = gradient[0].numpy()
    assert np.abs(result.gradients["normal"] - theirs).max() <= 1e-9 * np.abs(theirs).max()
    assert np.isfinite(grad_cam(model, PHOTO, target=number).heat).all()
