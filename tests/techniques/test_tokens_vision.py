"""A vision transformer of torchvision: Grad-CAM on the tokens of its patches equals PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz.models import Model
from minitorch_viz.techniques.gradients.grad_cam import grad_cam
from minitorch_viz.techniques.gradients.guided_backprop import guided_backprop
from minitorch_viz.techniques.gradients.lrp import lrp
from tests.models.vision import zoo

pytestmark = [pytest.mark.torchvision, pytest.mark.slow]


def test_grad_cam_of_a_vision_transformer_equals_torchs(rng) -> None:
    torchvision = zoo()
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    module = torchvision.models.VisionTransformer(
        image_size=48, patch_size=8, num_layers=3, num_heads=2, hidden_dim=12, mlp_dim=24, num_classes=5
    )
    module = module.double().eval()
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, 0, 0.3)
    model = Model.from_torch(module, torch.randn(1, 3, 48, 48, dtype=torch.double))
    photo = rng.integers(0, 256, (48, 48, 3)).astype(np.uint8)
    result = grad_cam(model, photo, target=3)
    assert result.layer == "encoder.layers.encoder_layer_2.ln_1"

    kept = []
    module.encoder.layers[-1].ln_1.register_forward_hook(lambda module, inputs, y: kept.append(y))
    score = module(torch.from_numpy(model.preprocess(photo)))[0, 3]
    (gradient,) = torch.autograd.grad(score, kept)
    tokens, gradient = kept[0][0, 1:], gradient[0, 1:]
    expected = (tokens @ gradient.mean(0)).reshape(6, 6).detach().numpy()
    np.testing.assert_allclose(result.signed[0], expected, atol=1e-10 * np.abs(expected).max())
    assert "Gates that shut by degrees (GELU)" in guided_backprop(model, photo, target=3).notes[0]
    shares = lrp(model, photo, target=3)
    assert shares.heat.sum() + shares.stayed["composite"].total == pytest.approx(shares.value, rel=1e-6)
    result.figure()
